import ZooGraph
import ZooSystem
import ZooTensor

/// Several operations that together are one layer.
struct KerasComposition {
  /// What the layer is given.
  let inputs: [Value]
  /// The layer's name, for errors.
  let layer: String
  private var builder = GraphBuilder()
  private var steps: [KerasStep] = []

  init(of layer: String, reading shapes: [Shape]) {
    self.layer = layer
    inputs = shapes.indices.map(Value.init)
    for (index, shape) in shapes.enumerated() {
      _ = builder.add("input \(index)", .input(shape: shape.dimensions))
    }
  }

  @discardableResult
  mutating func add(
    _ operation: Operation, _ sources: [Value], storing stored: [WeightRole: StoredAxes] = [:]
  ) -> Value {
    let places = sources.map { value -> KerasStep.Source in
      value.index < inputs.count ? .input(value.index) : .step(value.index - inputs.count)
    }
    var step = KerasStep(operation, places)
    step.stored = stored
    steps.append(step)
    return builder.add("step \(steps.count)", operation, sources)
  }

  mutating func add(_ operation: Operation, _ sources: Value...) -> Value { add(operation, sources) }

  /// Adds the steps of another layer that is given `sources`.
  mutating func embed(_ steps: [KerasStep], _ sources: [Value]) -> Value {
    var values: [Value] = []
    for step in steps {
      let arguments = step.sources.map { source in
        switch source {
        case .input(let index): sources[index]
        case .step(let index): values[index]
        }
      }
      values.append(add(step.operation, arguments, storing: step.stored))
    }
    return values.last ?? sources[0]
  }

  /// The shape of a value for one example.
  func shape(_ value: Value) throws(ZooError) -> Shape {
    guard let shape = builder.shape(of: value) else {
      throw malformed(layer, "its input and its attributes do not fit each other")
    }
    return shape
  }

  /// All steps; the last one computes the last of `results`, the layer's outputs.
  mutating func steps(to results: Value...) -> [KerasStep] { steps(to: results) }

  mutating func steps(to results: [Value]) -> [KerasStep] {
    var ends: [Int] = []
    for (position, result) in results.enumerated() {
      let index = result.index - inputs.count
      let isLast = position == results.count - 1
      if index <= ends.last ?? -1 || isLast && index != steps.count - 1 {
        add(.identity(layer: "Identity"), [result])
        ends.append(steps.count - 1)
      } else {
        ends.append(index)
      }
    }
    if results.count > 1 {
      for end in ends { steps[end].isResult = true }
    }
    return steps
  }
}

// MARK: Shapes

extension KerasComposition {
  mutating func reshape(_ value: Value, _ extents: [Int]) throws(ZooError) -> Value {
    try shape(value).dimensions == extents ? value : add(.reshape(target: extents), value)
  }

  mutating func permute(_ value: Value, _ order: [Int]) -> Value {
    order == Array(order.indices) ? value : add(.permute(order: order), value)
  }

  /// `count` places of an axis from `start` on.
  mutating func slice(_ value: Value, axis: Int, start: Int, count: Int) throws(ZooError) -> Value {
    let extents = try shape(value).dimensions
    guard count != extents[axis] else { return value }
    let inner = extents[(axis + 1)...].reduce(1, *)
    let image = try reshape(value, [extents[..<axis].reduce(1, *), extents[axis], inner])
    let part = add(
      .cropping(Edges(top: 0, bottom: 0, left: start, right: extents[axis] - start - count)), image)
    return try reshape(part, extents[..<axis] + [count] + extents[(axis + 1)...])
  }

  /// The places `indices` of an axis, in this order.
  mutating func pick(_ value: Value, axis: Int, _ indices: [Int]) throws(ZooError) -> Value {
    guard let first = indices.first else { throw malformed(layer, "it takes nothing of its input") }
    if zip(indices, indices.dropFirst()).allSatisfy({ $0 + 1 == $1 }) {
      return try slice(value, axis: axis, start: first, count: indices.count)
    }
    var parts: [Value] = []
    for index in indices { parts.append(try slice(value, axis: axis, start: index, count: 1)) }
    return try join(parts, axis: axis)
  }

  /// Values side by side along an axis.
  mutating func join(_ parts: [Value], axis: Int) throws(ZooError) -> Value {
    guard parts.count > 1, let first = parts.first else { return parts[0] }
    let extents = try shape(first).dimensions
    guard axis < extents.count - 1 else { return add(.concatenate, parts) }
    var rows: [Value] = []
    var total = 0
    for part in parts {
      let own = try shape(part).dimensions
      guard own.count == extents.count else { throw malformed(layer, "it joins values of different ranks") }
      total += own[axis]
      rows.append(try reshape(part, own[..<axis] + [own[axis...].reduce(1, *)]))
    }
    let whole = add(.concatenate, rows)
    return try reshape(whole, extents[..<axis] + [total] + extents[(axis + 1)...])
  }

  /// A function over the axes `axes` (ascending), which stay with the extent 1 or go.
  mutating func reduce(
    _ value: Value, axes: [Int], keepDimensions: Bool, _ function: (Pooling) -> Operation
  ) throws(ZooError) -> Value {
    let extents = try shape(value).dimensions
    guard let first = axes.first, let last = axes.last else { return value }
    let kept = extents.indices.filter { !axes.contains($0) }
    let count = axes.reduce(1) { $0 * extents[$1] }
    let image: Value
    if axes == Array(first...last) {
      // Neighbours are one axis, with what is inside of them as channels.
      let inner = extents[(last + 1)...].reduce(1, *)
      image = try reshape(value, [extents[..<first].reduce(1, *), count, inner])
    } else {
      image = try reshape(
        permute(value, kept + axes), [kept.reduce(1) { $0 * extents[$1] }, count, 1])
    }
    let pooled = add(
      function(Pooling(window: Extent2D(1, count), strides: .one, padding: .valid)), image)
    return try reshape(
      pooled,
      keepDimensions
        ? extents.indices.map { axes.contains($0) ? 1 : extents[$0] } : kept.map { extents[$0] })
  }

  mutating func sum(_ value: Value, axes: [Int], keepDimensions: Bool) throws(ZooError) -> Value {
    let extents = try shape(value).dimensions
    let mean = try reduce(value, axes: axes, keepDimensions: keepDimensions) { .averagePooling($0) }
    return scale(mean, by: Double(axes.reduce(1) { $0 * extents[$1] }))
  }
}

// MARK: Arithmetic

extension KerasComposition {
  mutating func scale(_ value: Value, by factor: Double, plus offset: Double = 0) -> Value {
    factor == 1 && offset == 0 ? value : add(.rescaling(Rescaling(scale: [factor], offset: [offset])), value)
  }

  /// A constant in the shape of `value`: one number, or one for each channel.
  mutating func constant(_ numbers: [Double], like value: Value) -> Value {
    add(.rescaling(Rescaling(scale: [0], offset: numbers)), value)
  }

  /// Not below `least` and not above `most`.
  mutating func clip(_ value: Value, _ least: Double?, _ most: Double?) -> Value {
    if least == 0 {
      return add(.activation(.relu(maxValue: most, negativeSlope: 0, threshold: 0)), value)
    }
    var result = value
    if let least { result = add(.merge(.maximum), result, constant([least], like: value)) }
    if let most { result = add(.merge(.minimum), result, constant([most], like: value)) }
    return result
  }

  mutating func multiply(_ a: Value, _ b: Value) -> Value { add(.merge(.multiply), a, b) }

  mutating func absolute(_ value: Value) -> Value {
    add(.activation(.relu(maxValue: nil, negativeSlope: -1, threshold: 0)), value)
  }

  mutating func inverseRoot(_ value: Value) -> Value {
    let root = add(.activation(.squareRoot), value)
    return add(.activation(.reciprocal), root)
  }

  /// The most factors that a power with a whole exponent is multiplied of.
  static let powerLimit = 16

  mutating func power(_ value: Value, _ exponent: Double) throws(ZooError) -> Value {
    switch exponent {
    case 0: return constant([1], like: value)
    case 0.5: return add(.activation(.squareRoot), value)
    case _ where exponent < 0:
      let positive = try power(value, -exponent)
      return add(.activation(.reciprocal), positive)
    default:
      if let whole = Int(exactly: exponent), whole <= KerasComposition.powerLimit {
        return (1..<whole).reduce(value) { product, _ in multiply(product, value) }
      }
      let logarithm = add(.activation(.logarithm), value)
      return add(.activation(.exponential), scale(logarithm, by: exponent))
    }
  }
}
