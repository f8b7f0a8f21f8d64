import ZooGraph
import ZooSystem
import ZooTensor

/// Codes of 8 bits whose errors cancel over each window of a convolution.
///
/// Neighbouring pixels hardly differ, so that a filter responds to the sum of its taps more than to any of them. Where
/// the nearest codes of a window are off by half a step or more in their sum, as many of them as it takes go to the
/// next code instead, those first that are the farthest off already: as SQuant does it (Guo et al., 2022), with no data.
struct WindowRounding {
  private static let largestCode: Int8 = 127

  /// The taps of each window.
  private let taps: Int
  /// What codes are multiplied by before they are used, and rounded again: for all inputs or for each.
  private let shares: [Float]

  /// Nil for weights that have no windows, and for those of transposed convolutions, of whose windows each pixel gets
  /// a part.
  init?(of slot: WeightSlot, in node: Node, shares: [Float] = [1]) {
    self.shares = shares
    switch (node.operation, slot.role) {
    case (.convolution, .kernel), (.depthwiseConvolution, .depthwiseKernel),
      (.separableConvolution, .depthwiseKernel):
      taps = slot.shape[0] * slot.shape[1]
    default: return nil
    }
    guard taps > 1 else { return nil }
  }

  /// - Throws: `ZooError` where a value is no finite number.
  func rounding(
    of tensor: StoredTensor, to form: QuantizedForm, name: String
  ) throws(ZooError) -> (tensor: QuantizedTensor, error: RoundingError) {
    let nearest = try QuantizedTensor.rounding(tensor, to: form, name: name)
    let count = tensor.shape.elementCount
    guard form.kind == .int8, form.inner == 1, count > 0 else { return (nearest.tensor, nearest.error) }
    let scales = nearest.tensor.scales
    let range = nearest.tensor.layout.codes
    var (largest, squares) = (0.0, 0.0)
    let bytes = HeapBytes(count: nearest.tensor.bytes.count) { target in
      nearest.tensor.bytes.withUnsafeBytes { target.copyMemory(from: $0) }
      let codes = UnsafeMutableRawBufferPointer(rebasing: target[range]).bindMemory(to: Int8.self)
      tensor.withFloats { values in
        for place in 0..<count / taps {
          let scale = scales[place % form.channels]
          balance(
            codes, values, from: place, stride: count / taps, scale,
            share: shares[place / form.channels % shares.count])
          for index in stride(from: place, to: count, by: count / taps) {
            let error = Double(values[index]) - Double(scale * Float(codes[index]))
            largest = max(largest, abs(error))
            squares += error * error
          }
        }
      }
    }
    guard let balanced = QuantizedTensor(shape: tensor.shape, form: form, bytes: ByteSlice(bytes)) else {
      return (nearest.tensor, nearest.error)
    }
    return (
      balanced,
      RoundingError(
        largest: largest, largestValue: nearest.error.largestValue,
        rootMeanSquare: (squares / Double(count)).squareRoot())
    )
  }

  /// Changes the codes of one window.
  private func balance(
    _ codes: UnsafeMutableBufferPointer<Int8>, _ values: UnsafeBufferPointer<Float>, from first: Int,
    stride: Int, _ scale: Float, share: Float
  ) {
    /// How far a code is off, in steps.
    func error(_ tap: Int) -> Float {
      let index = first + tap * stride
      return (Float(codes[index]) * share).rounded(.toNearestOrEven) - values[index] * share / scale
    }
    var sum: Float = 0
    for tap in 0..<taps { sum += error(tap) }
    let direction: Float = sum > 0 ? -1 : 1
    for _ in 0..<Int(abs(sum).rounded(.toNearestOrEven)) {
      var farthest: (tap: Int, error: Float)?
      for tap in 0..<taps {
        // The largest code has to stay: the scale is found by it.
        guard codes[first + tap * stride].magnitude < Self.largestCode.magnitude else { continue }
        let error = -direction * error(tap)
        if error > farthest?.error ?? 0 { farthest = (tap, error) }
      }
      guard let farthest else { return }
      codes[first + farthest.tap * stride] += Int8(direction)
    }
  }
}
