import CZooKernels

/// A number that weights, gradients and an optimizer's state are kept in.
package protocol TrainingScalar: BinaryFloatingPoint, Sendable, Hashable, Codable {
  /// The square root, in a form that compilers compute several of at once.
  static func root(_ square: Self) -> Self
}

extension Float: TrainingScalar {
  @inline(__always)
  package static func root(_ square: Float) -> Float { zoo_square_root_f(square) }
}

extension Double: TrainingScalar {
  @inline(__always)
  package static func root(_ square: Double) -> Double { zoo_square_root_d(square) }
}
