import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Functions of values: arithmetic, norms, sums and means over axes.
extension KerasLayer {
  /// The outputs of a function of one tensor and constants; nil for one that is not of this kind.
  func arithmetic(
    _ function: String, _ call: KerasCall, _ c: inout KerasComposition
  ) throws(ZooError) -> [Value]? {
    let x = c.inputs[0]
    let rank = try c.shape(x).rank
    switch function {
    case "add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "bias_add":
      return [try withConstant(function, call, &c)]
    case "negative": return [c.scale(x, by: -1)]
    case "absolute": return [c.absolute(x)]
    case "square": return [c.multiply(x, x)]
    case "silu", "swish":
      guard let beta = argument("beta", of: call)?.number, beta != 1 else { return nil }
      return [c.multiply(x, c.add(.activation(.sigmoid), c.scale(x, by: beta)))]
    case "rsqrt": return [c.inverseRoot(x)]
    case "log1p": return [c.add(.activation(.logarithm), c.scale(x, by: 1, plus: 1))]
    case "expm1": return [c.scale(c.add(.activation(.exponential), x), by: 1, plus: -1)]
    case "softmax":
      let axis = try functionAxis(argument("axis", of: call) ?? .number(-1), rank: rank)
      return [c.embed(steps(.activation(.softmax), onAxis: axis, rank: rank, inputs: 1), [x])]
    case "clip":
      return [
        c.clip(
          x, argument("x_min", "clip_value_min", "min_value", of: call)?.number,
          argument("x_max", "clip_value_max", "max_value", of: call)?.number)
      ]
    case "mean", "max", "min", "sum":
      let axes = try functionAxes(argument("axis", of: call), rank: rank)
      let keeps = argument("keepdims", "keep_dims", of: call)?.flag ?? false
      return [try reduced(function, x, axes: axes, keeps: keeps, &c)]
    case "normalize", "l2_normalize": return [try normalized(function, call, &c)]
    default:
      let result = try composed(function, x, &c) { self.argument($0, of: call) }
      return result.map { [$0] }
    }
  }

  private func reduced(
    _ function: String, _ x: Value, axes: [Int], keeps: Bool, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    let isImage = try c.shape(x).rank == 3 && axes == [0, 1]
    switch function {
    case "mean" where isImage: return c.add(.globalAveragePooling(keepDimensions: keeps), x)
    case "max" where isImage: return c.add(.globalMaxPooling(keepDimensions: keeps), x)
    case "mean": return try c.reduce(x, axes: axes, keepDimensions: keeps) { .averagePooling($0) }
    case "max": return try c.reduce(x, axes: axes, keepDimensions: keeps) { .maxPooling($0) }
    case "min":
      let largest = try c.reduce(c.scale(x, by: -1), axes: axes, keepDimensions: keeps) { .maxPooling($0) }
      return c.scale(largest, by: -1)
    default: return try c.sum(x, axes: axes, keepDimensions: keeps)
    }
  }

  /// Keras 3's `normalize` bounds the norm, TensorFlow's `l2_normalize` its square.
  private func normalized(
    _ function: String, _ call: KerasCall, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    let x = c.inputs[0]
    let isSquare = function == "l2_normalize"
    let rank = try c.shape(x).rank
    let axes = try functionAxes(argument("axis", of: call) ?? (isSquare ? nil : .number(-1)), rank: rank)
    let order = argument("order", of: call)?.number ?? 2
    let least = argument("epsilon", of: call)?.number ?? (isSquare ? 1e-12 : 1e-7)
    guard least > 0 else { throw unsupported("its epsilon is \(least)") }
    switch order {
    case 2:
      let sum = try c.sum(c.multiply(x, x), axes: axes, keepDimensions: true)
      let inverse = c.inverseRoot(c.clip(sum, isSquare ? least : least * least, nil))
      return c.multiply(x, inverse)
    case 1:
      let norm = try c.sum(c.absolute(x), axes: axes, keepDimensions: true)
      return c.multiply(x, c.add(.activation(.reciprocal), c.clip(norm, least, nil)))
    default: throw unsupported("the order of its norm is \(order)")
    }
  }

  /// Arithmetic with one tensor and one constant: a number, or one for each place of one axis.
  private func withConstant(
    _ function: String, _ call: KerasCall, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    var constant = argument("bias", of: call)
    var constantIsFirst = false
    for (position, operand) in call.operands.enumerated() {
      if case .constant(let value) = operand {
        constant = value
        constantIsFirst = position == 0
      }
    }
    let refusal = unsupported(
      "'\(function)' is called with something other than a number or one number per channel")
    let x = c.inputs[0]
    let shape = try c.shape(x)
    guard let constant, let numbers = numbers(constant), !numbers.isEmpty, call.operands.count <= 2,
      let extents = KerasLayer.extents(constant)
    else { throw refusal }
    // The axis, counted from the last one, on which the constant differs.
    let axes = extents.reversed().enumerated().filter { $0.element != 1 }
    let axis = axes.first.map { shape.rank - 1 - $0.offset } ?? shape.rank - 1
    guard axes.count <= 1, numbers.count == 1 || axis >= 0 && numbers.count == shape[axis] else {
      throw refusal
    }
    let order = KerasLayer.order(movingToEnd: numbers.count == 1 ? [] : [axis], rank: shape.rank)
    let moved = c.permute(x, order)
    let result = try withNumbers(numbers, function, isFirst: constantIsFirst, moved, &c)
    return c.permute(result, KerasLayer.inverse(order))
  }

  private func withNumbers(
    _ numbers: [Double], _ function: String, isFirst: Bool, _ x: Value, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    let ones = numbers.map { _ in 1.0 }
    let zeros = numbers.map { _ in 0.0 }
    func map(_ scale: [Double], _ offset: [Double]) -> Operation {
      .rescaling(Rescaling(scale: scale, offset: offset))
    }
    switch (function, isFirst) {
    case ("add", _), ("bias_add", _): return c.add(map(ones, numbers), x)
    case ("subtract", false): return c.add(map(ones, numbers.map { -$0 }), x)
    case ("subtract", true): return c.add(map(ones.map { -$0 }, numbers), x)
    case ("multiply", _): return c.add(map(numbers, zeros), x)
    case ("divide", false) where !numbers.contains(0): return c.add(map(numbers.map { 1 / $0 }, zeros), x)
    case ("divide", true): return c.add(map(numbers, zeros), c.add(.activation(.reciprocal), x))
    case ("maximum", _) where numbers == [0]: return c.add(.activation(.relu), x)
    case ("maximum", _): return c.add(.merge(.maximum), x, c.constant(numbers, like: x))
    case ("minimum", _): return c.add(.merge(.minimum), x, c.constant(numbers, like: x))
    case ("power", false) where numbers.count == 1: return try c.power(x, numbers[0])
    case ("power", true) where numbers.count == 1 && numbers[0] > 0:
      return c.add(.activation(.exponential), c.scale(x, by: log(numbers[0])))
    default: throw unsupported("'\(function)' of this constant is not supported")
    }
  }

  /// The extents of a constant: a number, nested lists of them, or a tensor or array of Keras 3.
  private static func extents(_ value: JSONValue) -> [Int]? {
    if value.number != nil { return [] }
    if let array = value["config"]?["value"] { return extents(array) }
    guard let items = value.array, let first = items.first, let inner = extents(first) else { return nil }
    return [items.count] + inner
  }

  // MARK: Activations of several operations

  /// The names of the activation functions that are several operations.
  static let composedActivations: Set<String> = [
    "celu", "glu", "hard_shrink", "hard_tanh", "log_sigmoid", "log_softmax", "soft_shrink", "sparse_plus",
    "sparsemax", "squareplus", "tanh_shrink", "threshold",
  ]

  /// What an activation function that is several operations makes of `x`; nil for another.
  func composed(
    _ function: String, _ x: Value, _ c: inout KerasComposition, argument: (String) -> JSONValue?
  ) throws(ZooError) -> Value? {
    func above(_ threshold: Double, of value: Value) -> Value {
      c.add(.activation(.relu(maxValue: nil, negativeSlope: 0, threshold: threshold)), value)
    }
    switch function {
    case "celu":
      let alpha = argument("alpha")?.number ?? 1
      guard alpha > 0 else { throw unsupported("its alpha is \(alpha)") }
      return c.scale(c.add(.activation(.elu(alpha: 1)), c.scale(x, by: 1 / alpha)), by: alpha)
    case "glu":
      let shape = try c.shape(x)
      let axis = try functionAxis(argument("axis") ?? .number(-1), rank: shape.rank)
      guard shape[axis] % 2 == 0 else { throw malformed(name, "it halves an axis of \(shape[axis])") }
      let half = shape[axis] / 2
      let gate = c.add(
        .activation(.sigmoid), try c.slice(x, axis: axis, start: half, count: half))
      return c.multiply(try c.slice(x, axis: axis, start: 0, count: half), gate)
    case "hard_shrink":
      let threshold = argument("threshold")?.number ?? 0.5
      guard threshold >= 0 else { throw unsupported("its threshold is \(threshold)") }
      return c.add(
        .merge(.subtract), above(threshold, of: x), above(threshold, of: c.scale(x, by: -1)))
    case "hard_tanh": return c.clip(x, -1, 1)
    case "log_sigmoid": return c.scale(c.add(.activation(.softplus), c.scale(x, by: -1)), by: -1)
    case "log_softmax":
      let rank = try c.shape(x).rank
      let axes = [try functionAxis(argument("axis") ?? .number(-1), rank: rank)]
      let largest = try c.reduce(x, axes: axes, keepDimensions: true) { .maxPooling($0) }
      let below = c.add(.merge(.subtract), x, largest)
      let sum = try c.sum(c.add(.activation(.exponential), below), axes: axes, keepDimensions: true)
      return c.add(.merge(.subtract), below, c.add(.activation(.logarithm), sum))
    case "soft_shrink":
      let threshold = argument("threshold")?.number ?? 0.5
      guard threshold > 0 else { throw unsupported("its threshold is \(threshold)") }
      return c.add(.merge(.subtract), x, c.clip(x, -threshold, threshold))
    case "sparse_plus":
      let middle = c.scale(c.clip(x, -1, 1), by: 0.5, plus: 0.5)
      return c.add(.add, c.multiply(middle, middle), c.add(.activation(.relu), c.scale(x, by: 1, plus: -1)))
    case "sparsemax":
      let rank = try c.shape(x).rank
      return try c.sparsemax(x, axis: try functionAxis(argument("axis") ?? .number(-1), rank: rank))
    case "squareplus":
      let b = argument("b")?.number ?? 4
      let root = c.add(.activation(.squareRoot), c.scale(c.multiply(x, x), by: 1, plus: b))
      return c.scale(c.add(.add, x, root), by: 0.5)
    case "tanh_shrink": return c.add(.merge(.subtract), x, c.add(.activation(.tanh), x))
    case "threshold":
      guard let threshold = argument("threshold")?.number,
        let value = (argument("default_value") ?? argument("value"))?.number
      else { throw malformed(name, "it has no threshold and value") }
      guard value != 0 else { return above(threshold, of: x) }
      let rest = c.scale(try c.isAbove(x, threshold), by: -value, plus: value)
      return c.add(.add, above(threshold, of: x), rest)
    default: return nil
    }
  }
}
