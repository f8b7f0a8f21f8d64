import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Makes operations of an expression, with the arithmetic of numbers done beforehand.
struct LambdaLowering {
  /// A part of the expression: numbers, or a value times `scale` plus `offset`.
  private enum Part {
    case numbers([Double])
    case affine(Value, scale: [Double], offset: [Double])

    var justNumbers: [Double]? { if case .numbers(let numbers) = self { numbers } else { nil } }
  }

  private let layer: KerasLayer
  private let x: Value
  private(set) var composition: KerasComposition

  init(of layer: KerasLayer, _ x: Value, _ composition: KerasComposition) {
    self.layer = layer
    self.x = x
    self.composition = composition
  }

  mutating func result(of expression: LambdaExpression) throws(ZooError) -> Value {
    let part = try lower(expression)
    guard case .affine = part else { throw failure("it does not use the input") }
    return try value(part)
  }

  private func failure(_ why: String) -> ZooError {
    ZooError(
      .invalidArgument, what: "invalid expression", at: "--lambda \(layer.name)", why,
      remedy: LambdaStatements.help)
  }

  private mutating func lower(_ expression: LambdaExpression) throws(ZooError) -> Part {
    switch expression {
    case .input: return .affine(x, scale: [1], offset: [0])
    case .numbers(let numbers): return .numbers(numbers)
    case .negative(let inner): return try scaled(try lower(inner), by: [-1])
    case .channelsReversed(let inner):
      switch try lower(inner) {
      case .numbers(let numbers): return .numbers(numbers.reversed())
      case let part:
        let value = try value(part)
        let shape = try composition.shape(value)
        let channels = shape[shape.rank - 1]
        guard channels <= 1024 else { throw failure("it reverses \(channels) channels") }
        return .affine(
          try composition.pick(value, axis: shape.rank - 1, (0..<channels).reversed()), scale: [1],
          offset: [0])
      }
    case .arithmetic(let sign, let left, let right):
      return try combined(sign, try lower(left), try lower(right))
    case .call(let function, let arguments, let keywords):
      var parts: [Part] = []
      for argument in arguments { parts.append(try lower(argument)) }
      return try called(function, parts, keywords)
    }
  }

  // MARK: Numbers

  /// Numbers pair by pair; one of them stands for all.
  private func pairs(
    _ a: [Double], _ b: [Double], _ function: (Double, Double) -> Double
  ) throws(ZooError) -> [Double] {
    guard a.count == b.count || a.count == 1 || b.count == 1 else {
      throw failure("\(a.count) numbers do not go with \(b.count)")
    }
    let result = (0..<max(a.count, b.count)).map { index in
      function(a[a.count == 1 ? 0 : index], b[b.count == 1 ? 0 : index])
    }
    guard result.allSatisfy(\.isFinite) else { throw failure("its arithmetic leads to no finite number") }
    return result
  }

  private func scaled(_ part: Part, by factor: [Double]) throws(ZooError) -> Part {
    switch part {
    case .numbers(let numbers): .numbers(try pairs(numbers, factor, *))
    case .affine(let value, let scale, let offset):
      .affine(value, scale: try pairs(scale, factor, *), offset: try pairs(offset, factor, *))
    }
  }

  // MARK: Values

  private mutating func value(_ part: Part) throws(ZooError) -> Value {
    guard case .affine(let value, let scale, let offset) = part else {
      throw failure("a function of numbers alone is not supported")
    }
    if scale.allSatisfy({ $0 == 1 }), offset.allSatisfy({ $0 == 0 }) { return value }
    let channels = try composition.shape(value).dimensions.last ?? 1
    for count in [scale.count, offset.count] where count != 1 && count != channels {
      throw failure("\(count) numbers are not one for each of \(channels) channels")
    }
    return composition.add(.rescaling(Rescaling(scale: scale, offset: offset)), value)
  }

  private mutating func combined(_ sign: LambdaExpression.Sign, _ a: Part, _ b: Part) throws(ZooError) -> Part
  {
    switch (sign, a, b) {
    case (.power, .numbers(let base), .numbers(let exponent)):
      return .numbers(try pairs(base, exponent) { pow($0, $1) })
    case (.power, .affine, .numbers(let exponent)) where exponent.count == 1:
      return plain(try composition.power(try value(a), exponent[0]))
    case (.power, .numbers(let base), .affine) where base.count == 1 && base[0] > 0:
      let logarithm = [log(base[0])]
      return plain(composition.add(.activation(.exponential), try value(try scaled(b, by: logarithm))))
    case (.power, _, _): throw failure("a power has one number as its exponent, or as its base one above 0")
    case (.minus, _, _): return try combined(.plus, a, try scaled(b, by: [-1]))
    case (.plus, .numbers(let a), .numbers(let b)): return .numbers(try pairs(a, b, +))
    case (.plus, .affine(let value, let scale, let offset), .numbers(let numbers)),
      (.plus, .numbers(let numbers), .affine(let value, let scale, let offset)):
      return .affine(value, scale: scale, offset: try pairs(offset, numbers, +))
    case (.plus, .affine(let v, let scale, let offset), .affine(let w, let other, let more)):
      if v == w {
        return .affine(v, scale: try pairs(scale, other, +), offset: try pairs(offset, more, +))
      }
      return plain(composition.add(.add, try value(a), try value(b)))
    case (.times, _, .numbers(let factor)): return try scaled(a, by: factor)
    case (.times, .numbers(let factor), _): return try scaled(b, by: factor)
    case (.times, _, _): return plain(composition.multiply(try value(a), try value(b)))
    case (.over, _, .numbers(let divisor)):
      guard !divisor.contains(0) else { throw failure("it divides by 0") }
      switch a {
      case .numbers(let numbers): return .numbers(try pairs(numbers, divisor, /))
      case .affine(let value, let scale, let offset):
        return .affine(
          value, scale: try pairs(scale, divisor, /), offset: try pairs(offset, divisor, /))
      }
    case (.over, _, _):
      let inverse = plain(composition.add(.activation(.reciprocal), try value(b)))
      return try combined(.times, a, inverse)
    }
  }

  private func plain(_ value: Value) -> Part { .affine(value, scale: [1], offset: [0]) }

  // MARK: Functions

  private mutating func called(
    _ function: String, _ parts: [Part], _ keywords: [String: [Double]]
  ) throws(ZooError) -> Part {
    var values: [Value] = []
    var call = KerasCall()
    for part in parts {
      if case .numbers(let numbers) = part {
        call.operands.append(
          .constant(numbers.count == 1 ? .number(numbers[0]) : .array(numbers.map(JSONValue.number))))
      } else {
        call.operands.append(.tensor(values.count))
        values.append(try value(part))
      }
    }
    if values.isEmpty, let result = Self.folded(function, parts.compactMap(\.justNumbers)) {
      return .numbers(try pairs(result, [0], +))
    }
    guard let first = values.first else { throw failure("'\(function)' of numbers alone is not supported") }
    switch function {
    case "relu":
      let slope = keywords["negative_slope"]?.first ?? keywords["alpha"]?.first ?? 0
      return plain(
        composition.add(
          .activation(
            .relu(
              maxValue: keywords["max_value"]?.first, negativeSlope: slope,
              threshold: keywords["threshold"]?.first ?? 0)), first))
    case "clip":
      let bounds = parts.compactMap(\.justNumbers)
      guard bounds.count == 2, bounds.allSatisfy({ $0.count == 1 }) else {
        throw failure("'clip' takes a value, the least number and the largest")
      }
      return plain(composition.clip(first, bounds[0][0], bounds[1][0]))
    default: break
    }
    call.keywords = keywords.mapValues { numbers in
      numbers.count == 1 ? .number(numbers[0]) : .array(numbers.map(JSONValue.number))
    }
    var shapes: [Shape] = []
    for value in values { shapes.append(try composition.shape(value)) }
    let operation = KerasLayer(
      className: "TFOpLambda", name: layer.name, members: ["function": .string(function)],
      dialect: layer.dialect)
    do {
      return plain(composition.embed(try operation.functionSteps(call, inputs: shapes), values))
    } catch {
      throw failure("'\(function)': \(error.why)")
    }
  }
}

extension LambdaLowering {
  /// A function of one number each; nil for one that is not worked out beforehand.
  private static func folded(_ function: String, _ arguments: [[Double]]) -> [Double]? {
    guard arguments.count == 1 else { return nil }
    switch function {
    case "sqrt": return arguments[0].map { $0.squareRoot() }
    case "abs", "absolute": return arguments[0].map(abs)
    case "exp", "exponential": return arguments[0].map { exp($0) }
    case "log": return arguments[0].map { log($0) }
    case "square": return arguments[0].map { $0 * $0 }
    default: return nil
    }
  }
}
