import ZooGraph
import ZooSystem
import ZooTensor

/// One node of a layer that may need several; the last one has the layer's name.
struct KerasStep {
  enum Source {
    /// What the layer is given.
    case input(Int)
    /// An earlier step of the layer.
    case step(Int)
  }

  let operation: Operation
  let sources: [Source]
  /// Whether it computes an output of a layer that has several; the only output of others is the last step's.
  var isResult = false
  /// The weights that the layer keeps with other axes than the operation has.
  var stored: [WeightRole: StoredAxes] = [:]

  init(_ operation: Operation, _ sources: [Source]) {
    self.operation = operation
    self.sources = sources
  }
}

extension KerasLayer {
  /// An operation on the last axis, made to work on others (ascending), which it takes for one. Its weights, which
  /// the layer keeps by these axes, become one for each of their places.
  func steps(_ operation: Operation, onAxes axes: [Int], _ shape: Shape) throws(ZooError) -> [KerasStep] {
    guard axes.count != 1 else {
      return steps(operation, onAxis: axes[0], rank: shape.rank, inputs: 1)
    }
    guard !axes.isEmpty else { throw unsupported("it has no axes") }
    let order = KerasLayer.order(movingToEnd: axes, rank: shape.rank)
    let extents = order.map { shape[$0] }
    let own = axes.map { shape[$0] }
    let roles = operation.kindsOfWeights
    let stored = Dictionary(uniqueKeysWithValues: roles.map { ($0, StoredAxes(extents: own)) })
    var c = KerasComposition(of: name, reading: [shape])
    let vectors = try c.reshape(
      c.permute(c.inputs[0], order), extents.dropLast(axes.count) + [own.reduce(1, *)])
    let result = c.add(operation, [vectors], storing: stored)
    return c.steps(to: c.permute(try c.reshape(result, extents), KerasLayer.inverse(order)))
  }

  /// An operation on the last axis, made to work on another one, which is moved there and back.
  ///
  /// - Parameters:
  ///   - axis: counted from 0 for one example.
  ///   - rank: the number of axes of one example.
  func steps(
    _ operation: Operation, onAxis axis: Int, rank: Int, inputs: Int
  ) -> [KerasStep] {
    guard axis != rank - 1 else { return [KerasStep(operation, (0..<inputs).map { .input($0) })] }
    let order = KerasLayer.order(movingToEnd: [axis], rank: rank)
    return (0..<inputs).map { KerasStep(.permute(order: order), [.input($0)]) }
      + [
        KerasStep(operation, (0..<inputs).map { .step($0) }),
        KerasStep(.permute(order: KerasLayer.inverse(order)), [.step(inputs)]),
      ]
  }

  /// The order of axes in which `axes` come last.
  static func order(movingToEnd axes: [Int], rank: Int) -> [Int] {
    (0..<rank).filter { !axes.contains($0) } + axes
  }

  /// The order of axes that undoes `order`.
  static func inverse(_ order: [Int]) -> [Int] {
    var result = order
    for (place, axis) in order.enumerated() { result[axis] = place }
    return result
  }

  /// The shape of an input. A layer further up that could not be read leaves it open.
  func shape(_ inputs: [Shape?], _ index: Int = 0) throws(ZooError) -> Shape {
    guard index < inputs.count, let shape = inputs[index] else {
      throw malformed(name, "the shape of its input is unknown")
    }
    return shape
  }

  /// The height and width of an image that a layer reads.
  func imageSize(_ inputs: [Shape?]) throws(ZooError) -> Extent2D {
    let shape = try shape(inputs)
    guard shape.rank == 3 else { throw malformed(name, "its input is \(shape), but it needs an image") }
    return Extent2D(shape[0], shape[1])
  }
}

extension Operation {
  /// Whether it has weights, and not only may have some.
  var hasOwnWeights: Bool {
    if case .layerNormalization(let norm) = self { return norm.scale || norm.center }
    return hasWeights
  }

  /// The roles of the weights that it may have, for norms by stored statistics.
  fileprivate var kindsOfWeights: [WeightRole] {
    switch self {
    case .batchNormalization: [.gamma, .beta, .movingMean, .movingVariance]
    case .normalization: [.mean, .variance]
    default: []
    }
  }

  /// Whether each value of the output is one of the input's, or one of each input's, at the same place.
  var isElementwise: Bool {
    switch self {
    case .activation(.softmax): false
    case .activation, .merge, .identity: true
    case .rescaling(let rescaling): rescaling.scale.count == 1 && rescaling.offset.count == 1
    default: false
    }
  }
}
