/// Memory for the values of a batch, one example after the other, in 64-bit floats.
///
/// Threads write to disjoint parts of it.
final class ReferenceBuffer: @unchecked Sendable {
  let values: UnsafeMutableBufferPointer<Double>

  /// `count` zeros.
  init(count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  init(_ array: [Double]) {
    values = .allocate(capacity: array.count)
    _ = values.initialize(from: array)
  }

  deinit { values.deallocate() }

  var count: Int { values.count }
  var start: UnsafeMutablePointer<Double> { values.baseAddress.unsafelyUnwrapped }
  var array: [Double] { Array(values) }

  /// The values of the example `index` of `count` ones.
  func example(_ index: Int, of count: Int) -> UnsafeBufferPointer<Double> {
    let length = values.count / count
    return UnsafeBufferPointer(rebasing: values[index * length..<(index + 1) * length])
  }

  /// Adds `array`, which has as many values.
  func add(_ array: [Double]) {
    for index in values.indices { values[index] += array[index] }
  }
}
