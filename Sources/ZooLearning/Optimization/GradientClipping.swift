/// How large gradients are limited before they are applied.
public enum GradientClipping: Sendable, Hashable, Codable {
  /// Each variable's gradient is scaled down to this Euclidean norm if it is longer: Keras' `clipnorm`.
  case norm(Double)
  /// All gradients are scaled down together if their common norm is larger: Keras' `global_clipnorm`.
  case globalNorm(Double)
  /// Each value is limited to ± this: Keras' `clipvalue`.
  case value(Double)

  /// The limit of the norm or value.
  package var limit: Double {
    switch self {
    case .norm(let limit), .globalNorm(let limit), .value(let limit): limit
    }
  }
}

/// The Euclidean norms of a gradient, in double precision.
package struct GradientNorms: Sendable, Equatable {
  /// The norm of each variable of the layout; not finite where a value of it is not.
  package let variables: [Double]
  /// The norm of all of them together.
  package let global: Double

  /// Measures a gradient (parameters of the layout); the bits don't depend on the number of threads.
  package init<Scalar: TrainingScalar>(
    _ gradient: UnsafeBufferPointer<Scalar>, _ layout: ParameterLayout, on workers: Workers? = nil
  ) {
    precondition(gradient.count == layout.count, "the gradient does not fit the layout")
    self.init(layout, on: workers, gradient: source(of: gradient))
  }

  /// The same of a gradient that is made block by block.
  package init<Scalar: TrainingScalar>(
    _ layout: ParameterLayout, on workers: Workers? = nil, gradient: GradientSource<Scalar>
  ) {
    var blocks = [Double](repeating: 0, count: layout.blocks.count)
    blocks.withUnsafeMutableBufferPointer { sums in
      // Each unit writes its own sum.
      layout.forEachBlock(of: gradient, on: workers) { index, block, gradient in
        sums[index] = sumOfSquares(UnsafeBufferPointer(start: gradient, count: block.range.count))
      }
    }
    var squares = [Double](repeating: 0, count: layout.variables.count)
    for (block, sum) in zip(layout.blocks, blocks) { squares[block.variable] += sum }
    variables = squares.map { $0.squareRoot() }
    global = squares.reduce(0, +).squareRoot()
  }

  /// What each variable's gradient is multiplied by; no number where the norm is none, so that the step shows
  /// it.
  func factors(_ clipping: GradientClipping, _ convention: Optimizer.Convention) -> [Double] {
    func factor(_ norm: Double, _ limit: Double) -> Double {
      guard norm.isFinite else { return .nan }
      switch convention {
      case .keras: return limit / max(norm, limit)
      case .pytorch: return min(1, limit / (norm + 1e-6))
      }
    }
    return switch clipping {
    case .norm(let limit): variables.map { factor($0, limit) }
    case .globalNorm(let limit): variables.map { _ in factor(global, limit) }
    case .value: variables.map { _ in 1 }
    }
  }
}

/// Σ x² in eight chains, which are added in order.
@_specialize(where Scalar == Float)
@_specialize(where Scalar == Double)
func sumOfSquares<Scalar: TrainingScalar>(_ values: UnsafeBufferPointer<Scalar>) -> Double {
  guard let x = values.baseAddress else { return 0 }
  var chains = SIMD8<Double>.zero
  var index = 0
  while index + 8 <= values.count {
    let part = SIMD8<Double>(
      Double(x[index]), Double(x[index + 1]), Double(x[index + 2]), Double(x[index + 3]),
      Double(x[index + 4]),
      Double(x[index + 5]), Double(x[index + 6]), Double(x[index + 7]))
    chains += part * part
    index += 8
  }
  var sum = 0.0
  for lane in 0..<8 { sum += chains[lane] }
  while index < values.count {
    sum += Double(x[index]) * Double(x[index])
    index += 1
  }
  return sum
}
