import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Pooling with windows that follow from the size of the output.
extension KerasLayer {
  /// The most windows along an axis.
  private static let windowLimit = 1024

  /// What adaptive pooling computes, over one axis after the other; nil for a layer of another class.
  func adaptivePoolingSteps(inputs: [Shape?]) throws(ZooError) -> [KerasStep]? {
    let isAverage = className.hasPrefix("AdaptiveAveragePooling")
    guard isAverage || className.hasPrefix("AdaptiveMaxPooling"), let digit = className.dropLast().last,
      let axes = digit.wholeNumberValue
    else { return nil }
    try checkDataFormat(mayBeAbsent: true)
    let shape = try shape(inputs)
    guard shape.rank == axes + 1 else { throw malformed(name, "its input is \(shape)") }
    let stated = members["output_size"]
    let sizes =
      stated?.integer.map { Array(repeating: $0, count: axes) } ?? stated?.array?.compactMap(\.integer)
    guard let sizes, sizes.count == axes, sizes.allSatisfy({ (1...KerasLayer.windowLimit).contains($0) })
    else { throw malformedAttribute("output_size", "\(axes) whole numbers up to \(KerasLayer.windowLimit)") }
    var c = KerasComposition(of: name, reading: [shape])
    var value = c.inputs[0]
    for (axis, size) in sizes.enumerated() {
      value = try c.pooled(value, axis: axis, to: size, isAverage: isAverage)
    }
    return c.steps(to: value)
  }
}

extension KerasComposition {
  /// `size` windows that cover an axis: window i reaches from floor(i · n / size) to ceil((i + 1) · n / size).
  fileprivate mutating func pooled(
    _ value: Value, axis: Int, to size: Int, isAverage: Bool
  ) throws(ZooError) -> Value {
    let extents = try shape(value).dimensions
    let count = extents[axis]
    guard size != count else { return value }
    let operation: (Pooling) -> Operation = isAverage ? { .averagePooling($0) } : { .maxPooling($0) }
    if count % size == 0 {
      let length = count / size
      let parts = try reshape(value, extents[..<axis] + [size, length] + extents[(axis + 1)...])
      return try reduce(parts, axes: [axis + 1], keepDimensions: false, operation)
    }
    var windows: [Value] = []
    for index in 0..<size {
      let start = index * count / size
      let end = ((index + 1) * count + size - 1) / size
      let part = try slice(value, axis: axis, start: start, count: end - start)
      windows.append(try reduce(part, axes: [axis], keepDimensions: true, operation))
    }
    return try join(windows, axis: axis)
  }
}
