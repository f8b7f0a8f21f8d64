/// Convolutions, pooling, products and resizing.
extension ONNXOperator {
  private struct Window {
    let strides: [Int]
    let dilations: [Int]
    let pads: [Int]

    init(_ node: ONNXOperator) {
      strides = node.ints("strides") ?? [1, 1]
      dilations = node.ints("dilations") ?? [1, 1]
      pads = node.ints("pads") ?? [0, 0, 0, 0]
    }

    func outputs(_ size: Int, _ kernel: Int, axis: Int) -> Int {
      (size + pads[axis] + pads[axis + 2] - (kernel - 1) * dilations[axis] - 1) / strides[axis] + 1
    }

    /// The place in the image; nil outside.
    func place(_ output: Int, _ tap: Int, axis: Int, size: Int) -> Int? {
      let place = output * strides[axis] + tap * dilations[axis] - pads[axis]
      return (0..<size).contains(place) ? place : nil
    }
  }

  func convolution(_ x: Array, _ kernel: Array, bias: Array?) throws -> Array {
    let (window, groups) = (Window(self), int("group", 1))
    let (height, width, inputs) = (x.shape[2], x.shape[3], kernel.shape[1])
    guard x.shape[1] == inputs * groups else { throw Fault(what: "\(node.name) reads \(x.shape)") }
    let shape = [
      x.shape[0], kernel.shape[0], window.outputs(height, kernel.shape[2], axis: 0),
      window.outputs(width, kernel.shape[3], axis: 1),
    ]
    return array(shape) { place in
      var sum = bias?.values[place[1]] ?? 0
      let first = place[1] / (kernel.shape[0] / groups) * inputs
      for ky in 0..<kernel.shape[2] {
        guard let row = window.place(place[2], ky, axis: 0, size: height) else { continue }
        for kx in 0..<kernel.shape[3] {
          guard let column = window.place(place[3], kx, axis: 1, size: width) else { continue }
          for input in 0..<inputs {
            let pixel = ((place[0] * x.shape[1] + first + input) * height + row) * width + column
            let tap = ((place[1] * inputs + input) * kernel.shape[2] + ky) * kernel.shape[3] + kx
            sum += x.values[pixel] * kernel.values[tap]
          }
        }
      }
      return sum
    }
  }

  func transposedConvolution(_ x: Array, _ kernel: Array, bias: Array?) throws -> Array {
    let window = Window(self)
    let filters = kernel.shape[1]
    let size = (0...1).map { axis -> Int in
      let span = (kernel.shape[axis + 2] - 1) * window.dilations[axis] + 1
      let whole = (x.shape[axis + 2] - 1) * window.strides[axis] + span
      return whole - window.pads[axis] - window.pads[axis + 2]
    }
    let shape = [x.shape[0], filters, size[0], size[1]]
    var result = array(shape) { bias?.values[$0[1]] ?? 0 }
    let (stepsX, stepsKernel) = (x.strides, kernel.strides)
    forEachPlace(x.shape) { place in
      let value = x.values[zip(place, stepsX).reduce(0) { $0 + $1.0 * $1.1 }]
      forEachPlace(Swift.Array(kernel.shape.dropFirst())) { tap in
        let row = place[2] * window.strides[0] + tap[1] * window.dilations[0] - window.pads[0]
        let column = place[3] * window.strides[1] + tap[2] * window.dilations[1] - window.pads[1]
        guard (0..<size[0]).contains(row), (0..<size[1]).contains(column) else { return }
        let weight = zip([place[1]] + tap, stepsKernel).reduce(0) { $0 + $1.0 * $1.1 }
        let channel = place[0] * filters + tap[0]
        result.values[(channel * size[0] + row) * size[1] + column] += value * kernel.values[weight]
      }
    }
    return result
  }

  func pooling(_ x: Array) -> Array {
    let (window, kernel) = (Window(self), ints("kernel_shape") ?? [1, 1])
    let (height, width) = (x.shape[2], x.shape[3])
    let shape = [
      x.shape[0], x.shape[1], window.outputs(height, kernel[0], axis: 0),
      window.outputs(width, kernel[1], axis: 1),
    ]
    return array(shape) { place in
      var found: [Double] = []
      for ky in 0..<kernel[0] {
        guard let row = window.place(place[2], ky, axis: 0, size: height) else { continue }
        for kx in 0..<kernel[1] {
          guard let column = window.place(place[3], kx, axis: 1, size: width) else { continue }
          found.append(x.values[((place[0] * x.shape[1] + place[1]) * height + row) * width + column])
        }
      }
      return node.type == "MaxPool"
        ? found.max() ?? -.infinity : found.reduce(0, +) / Double(found.count)
    }
  }

  /// NumPy's matmul.
  func product(_ a: Array, _ b: Array) throws -> Array {
    let (rows, inner, columns) = (
      a.shape[a.shape.count - 2], a.shape[a.shape.count - 1], b.shape[b.shape.count - 1]
    )
    guard b.shape[b.shape.count - 2] == inner else { throw Fault(what: "\(a.shape) times \(b.shape)") }
    let (outerA, outerB) = (a.values.count / (rows * inner), b.values.count / (inner * columns))
    guard outerA == 1 || outerB == 1 || a.shape.dropLast(2) == b.shape.dropLast(2) else {
      throw Fault(what: "\(a.shape) times \(b.shape)")
    }
    var values: [Double] = []
    for outer in 0..<max(outerA, outerB) {
      let startA = outerA == 1 ? 0 : outer * rows * inner
      let startB = outerB == 1 ? 0 : outer * inner * columns
      for row in 0..<rows {
        for column in 0..<columns {
          values.append(
            (0..<inner).reduce(0) {
              $0 + a.values[startA + row * inner + $1] * b.values[startB + $1 * columns + column]
            })
        }
      }
    }
    let isOfFirst = outerA == outerB ? a.shape.count >= b.shape.count : outerA > outerB
    let outer = isOfFirst ? a.shape.dropLast(2) : b.shape.dropLast(2)
    return Array(outer + [rows, columns], values)
  }

  func resized(_ x: Array, _ scales: [Double]) throws -> Array {
    let shape = zip(x.shape, scales).map { Int((Double($0) * $1).rounded(.down)) }
    let strides = x.strides
    func value(_ place: [Int]) -> Double { x.values[zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 }] }
    switch (text("mode"), text("coordinate_transformation_mode"), text("nearest_mode")) {
    case ("nearest", "asymmetric", "floor"):
      return array(shape) { place in value(zip(place, scales).map { Int((Double($0) / $1).rounded(.down)) }) }
    case ("linear", "half_pixel", _):
      func ends(_ place: Int, _ axis: Int) -> (Int, Int, Double) {
        let source = min(max((Double(place) + 0.5) / scales[axis] - 0.5, 0), Double(x.shape[axis] - 1))
        let lower = Int(source)
        return (lower, min(lower + 1, x.shape[axis] - 1), source - Double(lower))
      }
      return array(shape) { place in
        let (rows, columns) = (ends(place[2], 2), ends(place[3], 3))
        func across(_ row: Int) -> Double {
          value([place[0], place[1], row, columns.0]) * (1 - columns.2)
            + value([place[0], place[1], row, columns.1]) * columns.2
        }
        return across(rows.0) * (1 - rows.2) + across(rows.1) * rows.2
      }
    default: throw Fault(what: "\(node.name) resizes in another way")
    }
  }
}
