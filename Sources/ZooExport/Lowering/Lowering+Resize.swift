import ZooGraph
import ZooSystem
import ZooTensor

/// An image is repeated or interpolated by the target's own operation where that cannot but give the same numbers.
/// Otherwise rows and columns are picked, or multiplied by a matrix of the weights.
extension Lowering {
  /// The most numbers that a matrix of weights or a list of rows may have.
  private static let numberLimit = 1 << 24

  mutating func lower(_ resize: Resize, _ node: Node) throws(ZooError) {
    let image = graph[node.inputs[0]].shape
    let (from, to) = (Extent2D(image[0], image[1]), resize.size)
    let extents = Self.axes(of: node.shape, in: .nchw)
    if resize.interpolation == .nearest {
      if from == to { return setSame(as: node.inputs[0]) }
      let input = value(node.inputs[0], .nchw)
      if to.height % from.height == 0, to.width % from.width == 0 {
        let factors = Extent2D(to.height / from.height, to.width / from.width)
        return set(add(.repeatPixels(factors), [.value(input)], extents), .nchw)
      }
      guard max(to.height, to.width) <= Self.numberLimit else {
        throw unsupported(node, "it resizes to too large an image")
      }
      let rows = picked(input, axis: 2, resize, from: from.height, to: to.height)
      return set(picked(rows, axis: 3, resize, from: from.width, to: to.width), .nchw)
    }
    if resize.isSimple, from.isPowerOfTwo(times: to) {
      if from == to { return setSame(as: node.inputs[0]) }
      let input = value(node.inputs[0], .nchw)
      return set(add(.bilinear(from: from, to: to), [.value(input)], extents), .nchw)
    }
    guard max(from.height * to.height, from.width * to.width) <= Self.numberLimit else {
      throw unsupported(
        node, "it resizes too large an image by an interpolation that is written as a product")
    }
    var result = value(node.inputs[0], .nchw)
    if let rows = matrix(resize, from: from.height, to: to.height) {
      let left = constant(.numbers(rows), [to.height, from.height])
      result = add(.product, [left, .value(result)], [image[2], to.height, from.width])
    }
    if let columns = matrix(resize, from: from.width, to: to.width) {
      var transposed = columns
      for row in 0..<to.width {
        for column in 0..<from.width {
          transposed[column * to.width + row] = columns[row * from.width + column]
        }
      }
      let right = constant(.numbers(transposed), [from.width, to.width])
      result = add(.product, [.value(result), right], extents)
    }
    set(result, .nchw)
  }

  private mutating func picked(_ input: Value, axis: Int, _ resize: Resize, from: Int, to: Int) -> Value {
    let indices = (0..<to).map { resize.position(of: $0, output: to, input: from).lower }
    if indices == Array(0..<from) { return input }
    var extents = result.shapes[input.index]
    extents[axis - 1] = to
    return add(.gather(axis: axis, indices: indices), [.value(input)], extents)
  }

  /// The weights (to, from) of the rows; nil where each is itself.
  private func matrix(_ resize: Resize, from: Int, to: Int) -> [Float]? {
    var numbers = [Float](repeating: 0, count: from * to)
    if resize.isSimple {
      for row in 0..<to {
        let position = resize.position(of: row, output: to, input: from)
        numbers[row * from + position.lower] += 1 - position.fraction
        numbers[row * from + position.upper] += position.fraction
      }
    } else {
      for row in 0..<to {
        let taps = resize.taps(of: row, output: to, input: from)
        for (tap, weight) in taps.weights.enumerated() { numbers[row * from + taps.start + tap] += weight }
      }
    }
    let isIdentity =
      from == to && numbers.indices.allSatisfy { numbers[$0] == ($0 % (from + 1) == 0 ? 1 : 0) }
    return isIdentity ? nil : numbers
  }
}

extension Extent2D {
  /// Whether the ratios of both sides are powers of two, so that centres of pixels are exact in any arithmetic.
  fileprivate func isPowerOfTwo(times other: Extent2D) -> Bool {
    [(height, other.height), (width, other.width)].allSatisfy { a, b in
      let (small, large) = (min(a, b), max(a, b))
      return large % small == 0 && (large / small).nonzeroBitCount == 1
    }
  }
}
