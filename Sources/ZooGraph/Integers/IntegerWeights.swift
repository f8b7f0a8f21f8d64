import ZooSystem
import ZooTensor

/// The kernel of a layer as codes, and what makes codes, or floats, of its sums:
///
///     y = float(Σ (code − zero) · weight) · multiplier + offset (+ float(other) · factor)
///
/// each operation rounded to a 32-bit float by itself. A code is y rounded to the nearest whole number, ties to the
/// even one, within 0…255; a wide one is 256 · y within 0…65535.
package struct IntegerWeights: Sendable {
  /// In the kernel's own order; empty for layers without one.
  package let kernel: [Int8]
  /// Of each channel of the output.
  package let multipliers: [Float]
  package let offsets: [Float]

  /// - Throws: `ZooError` for weights that aren't finite, and whatever `source` throws.
  package init(
    _ layer: IntegerLayer, kernel slot: WeightSlot?, bias: WeightSlot?, channels: Int, form: IntegerForm,
    from source: some WeightSource
  ) throws {
    let folded = try FoldedNorms(layer.norms, bias: bias, filters: channels, from: source)
    var kernelScales: [Float] = []
    if let slot {
      (kernel, kernelScales) = try IntegerWeights.codes(slot, channels: channels, form, source)
    } else {
      kernel = []
    }
    let code = layer.code
    let step = layer.sourceIsWide ? 256.0 : 1
    let otherFactor = Double(layer.otherFactor)
    let otherZero = layer.otherCode.map { Double($0.zero(0)) * (layer.otherIsWide ? 256 : 1) } ?? 0
    var (multipliers, offsets): ([Float], [Float]) = ([], [])
    for channel in 0..<channels {
      let scale = code.map { Double($0.scale(channel)) } ?? 1
      let factor = folded.scale?[channel] ?? 1
      let kernelScale = slot == nil ? 1 : Double(kernelScales[channel])
      let multiplier = Double(layer.sourceCode.scale(channel)) / step * kernelScale * factor / scale
      var offset = (folded.shift?[channel] ?? 0) / scale
      if let code { offset += Double(code.zero(channel)) }
      offset -= otherFactor * otherZero
      // Sums of kernels are taken of codes minus zero, others of codes.
      if slot == nil { offset -= Double(Float(multiplier)) * Double(layer.sourceCode.zero(channel)) * step }
      guard Float(multiplier).isFinite, Float(offset).isFinite, otherFactor.isFinite else {
        throw ZooError(
          .unsupported, what: "cannot compute in 8 bits", at: "layer '\(layer.layers[0])'",
          "the scale of channel \(channel) is out of range")
      }
      multipliers.append(Float(multiplier))
      offsets.append(Float(offset))
    }
    (self.multipliers, self.offsets) = (multipliers, offsets)
  }

  /// Codes of a kernel and the scale of each output channel: those that it is stored as, else the nearest.
  private static func codes(
    _ slot: WeightSlot, channels: Int, _ form: IntegerForm, _ source: some WeightSource
  ) throws -> ([Int8], [Float]) {
    let tensor: QuantizedTensor
    if let stored = try form.kernels[slot] ?? source.quantizedTensor(for: slot), stored.form.kind == .int8 {
      tensor = stored
    } else {
      let values = try source.tensor(for: slot)
      defer { values.bytes.letGo() }
      tensor = try QuantizedTensor.rounding(
        values, to: QuantizedForm(kind: .int8, channels: channels), name: slot.name
      ).tensor
    }
    guard tensor.form.channels == channels, tensor.form.inner == 1, tensor.shape == slot.shape else {
      throw ZooError(
        .doesNotFit, what: "weight does not fit", at: slot.name, "its codes are not those of \(slot.shape)")
    }
    let range = tensor.layout.codes
    return (
      tensor.bytes.withUnsafeBytes { bytes in bytes[range].map { Int8(bitPattern: $0) } }, tensor.scales
    )
  }
}
