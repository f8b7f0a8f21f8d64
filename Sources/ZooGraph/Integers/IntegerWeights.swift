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
      (kernel, kernelScales) = try IntegerWeights.codes(slot, layer, channels: channels, form, source)
    } else {
      kernel = []
    }
    let code = layer.code
    let step = layer.sourceIsWide ? 256.0 : 1
    let otherFactor = Double(layer.otherFactor)
    let otherOrigin = (layer.otherCode?.origin(0) ?? 0) * (layer.otherIsWide ? 256 : 1)
    let zeroErrors = IntegerWeights.zeroErrors(layer, kernel, channels: channels)
    var (multipliers, offsets): ([Float], [Float]) = ([], [])
    for channel in 0..<channels {
      let scale = code.map { Double($0.scale(channel)) } ?? 1
      let factor = folded.scale?[channel] ?? 1
      let kernelScale = slot == nil ? 1 : Double(kernelScales[channel])
      let sourceScale =
        layer.kind == .product ? layer.sourceCode.largestScale : layer.sourceCode.scale(channel)
      let multiplier = Double(sourceScale) / step * kernelScale * factor / scale
      var offset = (folded.shift?[channel] ?? 0) / scale
      if let code { offset += code.origin(channel) }
      offset -= otherFactor * otherOrigin
      // Sums of kernels are taken of codes minus zero, others of codes.
      if slot == nil {
        offset -= Double(Float(multiplier)) * layer.sourceCode.origin(channel) * step
      } else {
        offset += Double(Float(multiplier)) * zeroErrors[channel]
      }
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

  /// What sums of each output channel lack where codes of 0 are not exactly that.
  private static func zeroErrors(_ layer: IntegerLayer, _ kernel: [Int8], channels: Int) -> [Double] {
    var errors = [Double](repeating: 0, count: channels)
    let code = layer.sourceCode
    guard code.scales.indices.contains(where: { code.zeroError($0) != 0 }) else { return errors }
    for (index, weight) in kernel.enumerated() {
      let input = layer.kind == .product ? index / channels % code.scales.count : index % channels
      errors[index % channels] += Double(weight) * code.zeroError(input)
    }
    return errors
  }

  /// Codes of a kernel and the scale of each output channel: those that it is stored as, else the nearest. Where the
  /// channels that a product reads differ in their scales, those of the kernel are as if all had the largest one.
  private static func codes(
    _ slot: WeightSlot, _ layer: IntegerLayer, channels: Int, _ form: IntegerForm, _ source: some WeightSource
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
    var codes = tensor.bytes.withUnsafeBytes { bytes in bytes[range].map { Int8(bitPattern: $0) } }
    if layer.kind == .product, !layer.sourceCode.isUniform {
      let shares = layer.sourceCode.scaleShares
      for index in codes.indices {
        let code = Float(codes[index]) * shares[index / channels % shares.count]
        codes[index] = Int8(code.rounded(.toNearestOrEven))
      }
    }
    return (codes, tensor.scales)
  }
}
