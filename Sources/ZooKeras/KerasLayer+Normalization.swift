import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Norms and scales, along any axis.
extension KerasLayer {
  /// What a norm or a scale computes; nil for a layer of another class.
  func normalizingSteps(inputs: [Shape?]) throws(ZooError) -> [KerasStep]? {
    switch className {
    case "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization":
      guard try integer("mode", whereAbsent: 0) == 0 else {
        throw unsupported("its mode is not 0: it normalizes with the statistics of its input")
      }
      let shape = try shape(inputs)
      return try steps(
        .batchNormalization(
          BatchNormalization(
            epsilon: try number("epsilon"), scale: try bool("scale"), center: try bool("center"))),
        onAxes: try axes(rank: shape.rank), shape)
    case "LayerNormalization":
      return try layerNormalization(try shape(inputs))
    case "GroupNormalization":
      return try groupNormalization(try shape(inputs))
    case "UnitNormalization":
      return try unitNormalization(try shape(inputs))
    case "RMSNormalization":
      return try meanSquareNormalization(try shape(inputs))
    case "LayerScale":
      return [KerasStep(.layerScale, [.input(0)])]
    case "Rescaling":
      guard let scale = members["scale"].flatMap(numbers), let offset = members["offset"].flatMap(numbers)
      else { throw malformedAttribute("scale", "numbers, and 'offset' too") }
      return [KerasStep(.rescaling(Rescaling(scale: scale, offset: offset)), [.input(0)])]
    case "Normalization":
      return try normalization(try shape(inputs))
    default:
      return nil
    }
  }

  /// The smallest deviation that Keras' Normalization divides by: its backend's epsilon.
  private static let leastDeviation = 1e-7

  private func normalization(_ shape: Shape) throws(ZooError) -> [KerasStep] {
    let axes = members["axis"] == .null ? [] : try axes(rank: shape.rank)
    func steps(_ operation: Operation) throws(ZooError) -> [KerasStep] {
      try self.steps(operation, onAxes: axes.isEmpty ? [shape.rank - 1] : axes, shape)
    }
    let inverted = try bool("invert", whereAbsent: false)
    guard let mean = members["mean"], mean != .null else {
      return try steps(
        .normalization(
          Normalization(
            perChannel: !axes.isEmpty, inverted: inverted, epsilon: KerasLayer.leastDeviation)))
    }
    guard let mean = numbers(mean), let variance = members["variance"].flatMap(numbers),
      mean.count == variance.count
    else { throw malformedAttribute("variance", "numbers like 'mean'") }
    guard variance.allSatisfy({ $0 >= 0 && $0.isFinite }), mean.allSatisfy(\.isFinite) else {
      throw malformedAttribute("variance", "positive and finite")
    }
    let deviation = variance.map { max($0.squareRoot(), KerasLayer.leastDeviation) }
    return try steps(
      .rescaling(
        inverted
          ? Rescaling(scale: deviation, offset: mean)
          : Rescaling(scale: deviation.map { 1 / $0 }, offset: zip(mean, deviation).map { -$0 / $1 })))
  }

  private func layerNormalization(_ shape: Shape) throws(ZooError) -> [KerasStep] {
    let axes = try axes(rank: shape.rank)
    guard !axes.isEmpty else { throw unsupported("it has no axes") }
    let listed = members["axis"]?.array?.compactMap(\.integer).map { $0 > 0 ? $0 - 1 : $0 + shape.rank }
    guard listed == nil || listed == axes else { throw unsupported("its axes do not ascend") }
    if try bool("rms_scaling", whereAbsent: false) { return try deviationNormalization(shape, axes: axes) }
    var c = KerasComposition(of: name, reading: [shape])
    let order = KerasLayer.order(movingToEnd: axes, rank: shape.rank)
    let moved = c.permute(c.inputs[0], order)
    let normalized = c.add(
      .layerNormalization(
        LayerNormalization(
          axes: axes.count, epsilon: try number("epsilon"), scale: try bool("scale"),
          center: try bool("center"))), moved)
    return c.steps(to: c.permute(normalized, KerasLayer.inverse(order)))
  }

  /// Divides by the standard deviation, but keeps the mean (Keras' `rms_scaling`).
  private func deviationNormalization(_ shape: Shape, axes: [Int]) throws(ZooError) -> [KerasStep] {
    let order = KerasLayer.order(movingToEnd: axes, rank: shape.rank)
    let extents = order.map { shape[$0] }
    let length = extents.suffix(axes.count).reduce(1, *)
    var c = KerasComposition(of: name, reading: [shape])
    let vectors = try c.reshape(c.permute(c.inputs[0], order), extents.dropLast(axes.count) + [length])
    let last = try c.shape(vectors).rank - 1
    let mean = try c.reduce(vectors, axes: [last], keepDimensions: true) { .averagePooling($0) }
    let apart = c.add(.merge(.subtract), vectors, mean)
    let variance = try c.reduce(c.multiply(apart, apart), axes: [last], keepDimensions: true) {
      .averagePooling($0)
    }
    var result = c.multiply(
      vectors, c.inverseRoot(c.scale(variance, by: 1, plus: try number("epsilon"))))
    if try bool("scale") {
      // Keras has a beta, where there is one, but does not add it.
      result = c.add(
        .layerScale, [result], storing: [.gamma: StoredAxes(extents: extents.suffix(axes.count))])
    }
    return c.steps(to: c.permute(try c.reshape(result, extents), KerasLayer.inverse(order)))
  }

  /// Each group of channels, over all pixels, is a vector of a layer norm.
  private func groupNormalization(_ shape: Shape) throws(ZooError) -> [KerasStep] {
    let axis = try axis(rank: shape.rank)
    let channels = shape[axis]
    let stated = try integer("groups")
    let groups = stated == -1 ? channels : stated
    guard groups > 0, channels % groups == 0 else {
      throw malformedAttribute("groups", "a divisor of \(channels) channels")
    }
    var c = KerasComposition(of: name, reading: [shape])
    let order = KerasLayer.order(movingToEnd: [axis], rank: shape.rank)
    let moved = c.permute(c.inputs[0], order)
    let extents = order.map { shape[$0] }
    let pixels = shape.elementCount / channels
    let parts = try c.reshape(moved, [pixels, groups, channels / groups])
    let normalized = c.add(
      .layerNormalization(
        LayerNormalization(axes: 2, epsilon: try number("epsilon"), scale: false, center: false)),
      c.permute(parts, [1, 0, 2]))
    var result = try c.reshape(c.permute(normalized, [1, 0, 2]), extents)
    let affine = ChannelAffine(scale: try bool("scale"), center: try bool("center"))
    if affine.scale || affine.center { result = c.add(.channelAffine(affine), result) }
    return c.steps(to: c.permute(result, KerasLayer.inverse(order)))
  }

  /// Keras 3 bounds the norm by 1e-12, Keras 2 its square.
  private func unitNormalization(_ shape: Shape) throws(ZooError) -> [KerasStep] {
    var c = KerasComposition(of: name, reading: [shape])
    let x = c.inputs[0]
    let sum = try c.sum(c.multiply(x, x), axes: try axes(rank: shape.rank), keepDimensions: true)
    let inverse = c.inverseRoot(c.clip(sum, dialect == .keras3 ? 1e-24 : 1e-12, nil))
    return c.steps(to: c.multiply(x, inverse))
  }

  private func meanSquareNormalization(_ shape: Shape) throws(ZooError) -> [KerasStep] {
    let axes = try axes(rank: shape.rank)
    // Along others, Keras multiplies by the weights along the last ones.
    guard axes == Array((shape.rank - axes.count)..<shape.rank), !axes.isEmpty else {
      throw unsupported("its axes are not the last ones")
    }
    let epsilon = try number("epsilon", whereAbsent: KerasLayer.leastDeviation)
    let own = Array(shape.dimensions.suffix(axes.count))
    var c = KerasComposition(of: name, reading: [shape])
    let x = try c.reshape(c.inputs[0], shape.dimensions.dropLast(axes.count) + [own.reduce(1, *)])
    let last = try c.shape(x).rank - 1
    let mean = try c.reduce(c.multiply(x, x), axes: [last], keepDimensions: true) { .averagePooling($0) }
    let normalized = c.multiply(x, c.inverseRoot(c.scale(mean, by: 1, plus: epsilon)))
    let scaled = c.add(.layerScale, [normalized], storing: [.gamma: StoredAxes(extents: own)])
    return c.steps(to: try c.reshape(scaled, shape.dimensions))
  }
}
