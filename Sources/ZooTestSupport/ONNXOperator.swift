import Foundation

/// One operator of ``ONNXEvaluator``.
struct ONNXOperator {
  typealias Array = ONNXEvaluator.Array
  typealias Fault = ONNXEvaluator.Fault

  let node: ONNXContents.Node

  init(_ node: ONNXContents.Node) { self.node = node }

  // MARK: Attributes

  func int(_ name: String, _ standard: Int) -> Int {
    guard case .int(let value)? = node.attributes[name] else { return standard }
    return value
  }

  func ints(_ name: String) -> [Int]? {
    guard case .ints(let values)? = node.attributes[name] else { return nil }
    return values
  }

  func float(_ name: String, _ standard: Double) -> Double {
    guard case .float(let value)? = node.attributes[name] else { return standard }
    return Double(value)
  }

  func text(_ name: String) -> String? {
    guard case .text(let text)? = node.attributes[name] else { return nil }
    return text
  }

  // MARK: All operators

  func result(_ operands: [Array?]) throws -> Array {
    func operand(_ index: Int) throws -> Array {
      guard index < operands.count, let operand = operands[index] else {
        throw Fault(what: "\(node.name) has no input \(index)")
      }
      return operand
    }
    func optional(_ index: Int) -> Array? { index < operands.count ? operands[index] : nil }
    let x = try operand(0)
    if let function = function() { return Array(x.shape, x.values.map(function)) }
    if let function = merge() { return try broadcast(x, operand(1), function) }
    switch node.type {
    case "Conv": return try convolution(x, operand(1), bias: optional(2))
    case "ConvTranspose": return try transposedConvolution(x, operand(1), bias: optional(2))
    case "MatMul": return try product(x, operand(1))
    case "Gemm": return try broadcast(product(x, operand(1)), operand(2), +)
    case "BatchNormalization":
      let numbers = try (1...4).map { try operand($0).values }
      let epsilon = float("epsilon", 1e-5)
      let inner = x.shape.dropFirst(2).reduce(1, *)
      return Array(
        x.shape,
        x.values.indices.map { index in
          let c = index / inner % x.shape[1]
          return numbers[0][c] * (x.values[index] - numbers[2][c]) / (numbers[3][c] + epsilon).squareRoot()
            + numbers[1][c]
        })
    case "LayerNormalization": return try layerNormalization(x, operand(1), optional(2))
    case "Clip":
      let (lower, upper) = (try operand(1).values[0], try operand(2).values[0])
      return Array(x.shape, x.values.map { min(max($0, lower), upper) })
    case "Softmax": return softmax(x)
    case "AveragePool", "MaxPool": return pooling(x)
    case "ReduceMean", "ReduceMax": return try reduced(x)
    case "Pad": return padded(x, try operand(1).values.map { Int($0) })
    case "Slice":
      let bounds = try (1...3).map { try operand($0).values.map { Int($0) } }
      return sliced(x, axes: bounds[2], starts: bounds[0], ends: bounds[1])
    case "Resize": return try resized(x, try operand(2).values)
    case "Gather": return gathered(x, try operand(1).values.map { Int($0) })
    case "Concat": return try concatenated(operands.indices.map(operand))
    case "Reshape":
      let target = try operand(1).values.enumerated().map { $1 == 0 ? x.shape[$0] : Int($1) }
      return Array(target, x.values)
    case "Transpose": return transposed(x, ints("perm") ?? [])
    default: throw Fault(what: "unknown operator \(node.type)")
    }
  }

  private func function() -> ((Double) -> Double)? {
    let alpha = { (standard: Double) in float("alpha", standard) }
    switch node.type {
    case "Identity": return { $0 }
    case "Relu": return { max($0, 0) }
    case "Selu": return { 1.0507009873554805 * ($0 > 0 ? $0 : 1.6732632423543772 * expm1($0)) }
    case "Erf": return { erf($0) }
    case "Sigmoid": return { 1 / (1 + exp(-$0)) }
    case "Tanh": return { tanh($0) }
    case "Softplus": return { max($0, 0) + log1p(exp(-abs($0))) }
    case "Softsign": return { $0 / (1 + abs($0)) }
    case "Exp": return { exp($0) }
    case "Sqrt": return { $0.squareRoot() }
    case "Log": return { log($0) }
    case "Reciprocal": return { 1 / $0 }
    case "HardSwish": return { $0 * min(max($0 / 6 + 0.5, 0), 1) }
    case "LeakyRelu": return { $0 < 0 ? alpha(0.01) * $0 : $0 }
    case "ThresholdedRelu": return { $0 > alpha(1) ? $0 : 0 }
    case "Elu": return { $0 < 0 ? alpha(1) * expm1($0) : $0 }
    case "HardSigmoid": return { min(max(alpha(0.2) * $0 + float("beta", 0.5), 0), 1) }
    default: return nil
    }
  }

  private func merge() -> ((Double, Double) -> Double)? {
    switch node.type {
    case "Add": { $0 + $1 }
    case "Sub": { $0 - $1 }
    case "Mul": { $0 * $1 }
    case "Div": { $0 / $1 }
    case "Max": { max($0, $1) }
    case "Min": { min($0, $1) }
    case "PRelu": { $0 < 0 ? $0 * $1 : $0 }
    default: nil
    }
  }

  // MARK: Places

  /// Calls `body` with the index along each axis, in row-major order.
  func forEachPlace(_ shape: [Int], _ body: ([Int]) -> Void) {
    guard !shape.contains(0) else { return }
    var place = [Int](repeating: 0, count: shape.count)
    while true {
      body(place)
      var axis = shape.count - 1
      while axis >= 0 {
        place[axis] += 1
        if place[axis] < shape[axis] { break }
        place[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  /// The array of this shape whose values `value` gives for each place.
  func array(_ shape: [Int], _ value: ([Int]) -> Double) -> Array {
    var values: [Double] = []
    values.reserveCapacity(shape.reduce(1, *))
    forEachPlace(shape) { values.append(value($0)) }
    return Array(shape, values)
  }

  func broadcast(_ a: Array, _ b: Array, _ function: (Double, Double) -> Double) throws -> Array {
    let rank = max(a.shape.count, b.shape.count)
    let shapes = [a, b].map { [Int](repeating: 1, count: rank - $0.shape.count) + $0.shape }
    let shape = try zip(shapes[0], shapes[1]).map { one, other in
      guard one == other || one == 1 || other == 1 else {
        throw Fault(what: "\(node.name) joins \(a.shape) and \(b.shape)")
      }
      return max(one, other)
    }
    let strides = zip(shapes, [a, b]).map { extents, operand in
      zip(extents, [Int](repeating: 0, count: rank - operand.shape.count) + operand.strides).map {
        $0 == 1 ? 0 : $1
      }
    }
    return array(shape) { place in
      let places = strides.map { zip(place, $0).reduce(0) { $0 + $1.0 * $1.1 } }
      return function(a.values[places[0]], b.values[places[1]])
    }
  }
}
