import Foundation

/// Norms, reductions and what moves values.
extension ONNXOperator {
  func layerNormalization(_ x: Array, _ gamma: Array, _ beta: Array?) throws -> Array {
    let axis = int("axis", -1)
    let first = axis < 0 ? x.shape.count + axis : axis
    guard gamma.shape == Swift.Array(x.shape[first...]) else { throw Fault(what: "gamma is \(gamma.shape)") }
    let length = gamma.values.count
    var values: [Double] = []
    for start in stride(from: 0, to: x.values.count, by: length) {
      let vector = x.values[start..<start + length]
      let mean = vector.reduce(0, +) / Double(length)
      let variance = vector.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(length)
      let factor = 1 / (variance + float("epsilon", 1e-5)).squareRoot()
      for (place, value) in vector.enumerated() {
        values.append((value - mean) * factor * gamma.values[place] + (beta?.values[place] ?? 0))
      }
    }
    return Array(x.shape, values)
  }

  func softmax(_ x: Array) -> Array {
    let axis = int("axis", -1)
    let (length, step) = (x.shape[axis], x.strides[axis])
    var result = x
    for start in x.values.indices where start / step % length == 0 {
      let places = (0..<length).map { start + $0 * step }
      let largest = places.reduce(-Double.infinity) { max($0, x.values[$1]) }
      let sum = places.reduce(0) { $0 + exp(x.values[$1] - largest) }
      for place in places { result.values[place] = exp(x.values[place] - largest) / sum }
    }
    return result
  }

  func reduced(_ x: Array) throws -> Array {
    let axes = ints("axes") ?? []
    let kept = x.shape.enumerated().map { axes.contains($0) ? 1 : $1 }
    let strides = Array(kept, Swift.Array(repeating: 0, count: kept.reduce(1, *))).strides
    var sums = [Double](
      repeating: node.type == "ReduceMax" ? -.infinity : 0, count: kept.reduce(1, *))
    var index = 0
    forEachPlace(x.shape) { place in
      let target = zip(place, strides).enumerated().reduce(0) {
        axes.contains($1.offset) ? $0 : $0 + $1.element.0 * $1.element.1
      }
      sums[target] =
        node.type == "ReduceMax" ? max(sums[target], x.values[index]) : sums[target] + x.values[index]
      index += 1
    }
    let count = axes.reduce(1) { $0 * x.shape[$1] }
    if node.type == "ReduceMean" { sums = sums.map { $0 / Double(count) } }
    let shape =
      int("keepdims", 1) == 1 ? kept : x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
    return Array(shape, sums)
  }

  /// The value at a place that may lie outside: 0 there.
  private func value(_ x: Array, _ strides: [Int], _ place: [Int]) -> Double {
    var index = 0
    for axis in place.indices {
      guard (0..<x.shape[axis]).contains(place[axis]) else { return 0 }
      index += place[axis] * strides[axis]
    }
    return x.values[index]
  }

  func padded(_ x: Array, _ pads: [Int]) -> Array {
    let (rank, strides) = (x.shape.count, x.strides)
    let shape = (0..<rank).map { x.shape[$0] + pads[$0] + pads[rank + $0] }
    return array(shape) { place in value(x, strides, zip(place, pads).map { $0 - $1 }) }
  }

  func sliced(_ x: Array, axes: [Int], starts: [Int], ends: [Int]) -> Array {
    let strides = x.strides
    var (shape, first) = (x.shape, [Int](repeating: 0, count: x.shape.count))
    for (index, axis) in axes.enumerated() {
      shape[axis] = ends[index] - starts[index]
      first[axis] = starts[index]
    }
    return array(shape) { place in value(x, strides, zip(place, first).map { $0 + $1 }) }
  }

  func gathered(_ x: Array, _ indices: [Int]) -> Array {
    let (axis, strides) = (int("axis", 0), x.strides)
    var shape = x.shape
    shape[axis] = indices.count
    return array(shape) { place in
      var source = place
      source[axis] = indices[place[axis]]
      return value(x, strides, source)
    }
  }

  func concatenated(_ operands: [Array]) throws -> Array {
    let axis = int("axis", 0)
    var shape = operands[0].shape
    shape[axis] = operands.reduce(0) { $0 + $1.shape[axis] }
    let inner = shape[(axis + 1)...].reduce(1, *)
    var values: [Double] = []
    for outer in 0..<shape[..<axis].reduce(1, *) {
      for operand in operands {
        let length = operand.shape[axis] * inner
        values += operand.values[outer * length..<(outer + 1) * length]
      }
    }
    return Array(shape, values)
  }

  func transposed(_ x: Array, _ order: [Int]) -> Array {
    let strides = x.strides
    return array(order.map { x.shape[$0] }) { place in
      x.values[zip(place, order).reduce(0) { $0 + $1.0 * strides[$1.1] }]
    }
  }
}
