import ZooSystem

/// A tensor that is stored as codes and scales.
///
/// Codes of 8 bits lie in the tensor's own row-major order. Codes of 4 bits lie channel by channel, each with its
/// inputs in row-major order, two codes a byte with the first one in the low bits; an odd number is filled up with 0.
package struct QuantizedTensor: Sendable {
  /// Of the values.
  package let shape: Shape
  package let form: QuantizedForm
  /// As ``QuantizedForm/layout(elements:)`` has it.
  package let bytes: ByteSlice

  /// Returns nil where the number of bytes does not fit the shape and form.
  package init?(shape: Shape, form: QuantizedForm, bytes: ByteSlice) {
    guard bytes.count == form.layout(elements: shape.elementCount).byteCount else { return nil }
    self.shape = shape
    self.form = form
    self.bytes = bytes
  }

  package var layout: QuantizedForm.Layout { form.layout(elements: shape.elementCount) }

  /// The scales, of channel after channel and in it group after group.
  package var scales: [Float] { numbers(layout.scales, isHalf: form.kind != .int8) }

  /// The minima, in the same order; empty where the kind has none.
  package var minima: [Float] { numbers(layout.minima, isHalf: true) }

  private func numbers(_ range: Range<Int>, isHalf: Bool) -> [Float] {
    bytes.withUnsafeBytes { raw in
      stride(from: range.lowerBound, to: range.upperBound, by: isHalf ? 2 : 4).map { offset in
        isHalf
          ? Float(
            float16Bits: UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
          : Float(
            bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      }
    }
  }

  /// What is wrong with its numbers; nil where nothing is.
  package var fault: String? {
    if let scale = scales.first(where: { !$0.isFinite || form.kind == .int8 && $0 < 0 }) {
      return "a scale is \(scale)"
    }
    if let minimum = minima.first(where: { !$0.isFinite }) { return "a minimum is \(minimum)" }
    guard form.kind == .int8 else { return nil }
    let hasLowest = bytes.withUnsafeBytes { raw in
      // Without an early end, so that the loop runs on vectors.
      raw[layout.codes].reduce(false) { $0 || $1 == 0x80 }
    }
    return hasLowest ? "a code is -128" : nil
  }

  /// All values, row-major, each rounded to a 32-bit float once.
  package func floats() -> [Float] {
    let count = shape.elementCount
    guard count > 0 else { return [] }
    let (layout, scales, minima) = (layout, scales, minima)
    return bytes.withUnsafeBytes { raw in
      let codes = UnsafeRawBufferPointer(rebasing: raw[layout.codes])
      return [Float](unsafeUninitializedCapacity: count) { target, filled in
        form.kind == .int8
          ? fill(target, codes8: codes, scales) : fill(target, codes4: codes, scales, minima)
        filled = count
      }
    }
  }

  private func fill(
    _ target: UnsafeMutableBufferPointer<Float>, codes8 codes: UnsafeRawBufferPointer, _ scales: [Float]
  ) {
    guard let target = target.baseAddress, let codes = codes.baseAddress else { return }
    let codes8 = codes.assumingMemoryBound(to: Int8.self)
    let (channels, inner) = (form.channels, form.inner)
    scales.withUnsafeBufferPointer { scales in
      for row in 0..<shape.elementCount / (channels * inner) {
        let start = row * channels * inner
        if inner == 1 {
          for channel in 0..<channels {
            target[start + channel] = scales[channel] * Float(codes8[start + channel])
          }
        } else {
          for channel in 0..<channels {
            let (first, scale) = (start + channel * inner, scales[channel])
            for index in first..<first + inner { target[index] = scale * Float(codes8[index]) }
          }
        }
      }
    }
  }

  private func fill(
    _ target: UnsafeMutableBufferPointer<Float>, codes4 codes: UnsafeRawBufferPointer, _ scales: [Float],
    _ minima: [Float]
  ) {
    let elements = shape.elementCount
    let inputs = form.inputs(elements: elements)
    let groups = form.groups(elements: elements)
    let bytesPerChannel = (inputs + 1) / 2
    for channel in 0..<form.channels {
      for input in 0..<inputs {
        let byte = codes[channel * bytesPerChannel + input / 2]
        let nibble = input % 2 == 0 ? byte & 15 : byte >> 4
        let group = channel * groups + (form.group.map { input / $0 } ?? 0)
        let value =
          form.kind == .int4
          ? scales[group] * Float(Int8(bitPattern: nibble << 4) >> 4)
          : scales[group] * Float(nibble) + minima[group]
        let place = (input / form.inner * form.channels + channel) * form.inner + input % form.inner
        (target.baseAddress! + place).initialize(to: value)
      }
    }
  }
}
