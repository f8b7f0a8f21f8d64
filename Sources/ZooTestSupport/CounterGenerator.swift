import ZooTensor

/// The counter-based generator of `Fixtures/full_size/GENERATOR.md`, which Python shares: the weights,
/// inputs and sampled positions of the full-size goldens, bit for bit, in any order.
package struct CounterGenerator: Sendable {
  /// What the FNV-1a hash of the stream's name gives.
  package let key: UInt64

  /// - Parameter name: the stream's name, for weights `LAYER/ROLE`, for example `conv1/kernel`.
  package init(name: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
    key = hash
  }

  /// The 64 bits at a position: SplitMix64's output function of its state after `index + 1` steps.
  package func bits(at index: Int) -> UInt64 {
    splitMix64(key &+ (UInt64(truncatingIfNeeded: index) &+ 1) &* splitMix64Increment)
  }

  /// Uniform in [-1, 1), a multiple of 2⁻²³, from the upper 24 bits.
  package func uniform(at index: Int) -> Double {
    Double(Int64(bits(at: index) >> 40) - (1 << 23)) * 0x1p-23
  }

  /// `count` values `offset + scale * uniform`, computed in double and rounded once to single.
  package func values(count: Int, offset: Double = 0, scale: Double = 1) -> [Float] {
    (0..<count).map { index in
      // Two roundings in double, never a fused multiply-add: Python has none.
      let product = scale * uniform(at: index)
      return Float(offset + product)
    }
  }

  /// Flat positions in an array of `size` elements at which a golden stores values.
  package func positions(count: Int, size: Int) -> [Int] {
    (0..<count).map { Int(bits(at: $0) % UInt64(size)) }
  }
}

extension CounterGenerator {
  /// The values of one weight of a full-size golden, row-major in Keras' layout.
  ///
  /// - Parameters:
  ///   - layer: Keras 3's layer name, for example `conv2_block1_0_conv`.
  ///   - role: `kernel`, `depthwise_kernel` (of depthwise and separable convolutions),
  ///     `pointwise_kernel`, `bias`, `gamma`, `beta`, `moving_mean` or `moving_variance`.
  ///   - shape: in Keras' layout: (kh, kw, in, out), depthwise (kh, kw, in, multiplier),
  ///     dense (in, out), vectors (channels).
  ///   - exponent: of a batch norm's statistics, the golden's `exponents[layer]`; else 0.
  /// - Returns: nil for a role that has no values.
  package static func weight(layer: String, role: String, shape: [Int], exponent: Int = 0) -> [Float]? {
    let generator = CounterGenerator(name: "\(layer)/\(role)")
    let count = shape.reduce(1, *)
    let deviation = Double(sign: .plus, exponent: exponent, significand: 1)
    switch role {
    case "kernel", "pointwise_kernel":
      let fanIn = shape.dropLast().reduce(1, *)
      return generator.values(count: count, scale: (6 / Double(fanIn)).squareRoot())
    case "depthwise_kernel":
      let fanIn = shape.prefix(2).reduce(1, *)
      return generator.values(count: count, scale: (6 / Double(fanIn)).squareRoot())
    case "bias": return generator.values(count: count, scale: 0x1p-4)
    case "gamma": return generator.values(count: count, offset: 1, scale: 0.5)
    case "beta": return generator.values(count: count, scale: 0x1.8p-3)
    case "moving_mean": return generator.values(count: count, scale: deviation * 0x1p-3)
    case "moving_variance":
      let variance = deviation * deviation
      return generator.values(count: count, offset: variance, scale: variance * 0.5)
    default: return nil
    }
  }
}
