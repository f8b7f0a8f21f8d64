import ZooSystem

/// Rounds to codes of 4 bits, group after group.
///
/// The groups of several channels at the same inputs are gathered together, since these lie beside each
/// other.
struct NibbleRounder {
  /// The channels that are gathered together: a cache line of them.
  private static let tileLength = 16

  let form: QuantizedForm
  let values: UnsafePointer<Float>
  let count: Int
  let name: String

  /// Writes the codes with their scales and minima; the target is zero before.
  func round(to target: UnsafeMutableRawPointer) throws(ZooError) -> RoundingError {
    let inputs = form.inputs(elements: count)
    let groups = form.groups(elements: count)
    let length = min(form.group ?? inputs, inputs)
    let layout = form.layout(elements: count)
    let bytesPerChannel = (inputs + 1) / 2
    var group = NibbleGroup(kind: form.kind, capacity: length)
    var tile = [Float](repeating: 0, count: Self.tileLength * length)
    var sum = RoundingErrorSum()
    var largestValue: Float = 0
    for (index, first) in stride(from: 0, to: inputs, by: max(1, length)).enumerated() {
      let inputRange = first..<min(inputs, first + length)
      for channel in stride(from: 0, to: form.channels, by: Self.tileLength) {
        let channels = channel..<min(form.channels, channel + Self.tileLength)
        gather(channels, inputRange, to: &tile, length: length)
        for (row, channel) in channels.enumerated() {
          let fits = tile.withUnsafeBufferPointer { tile in
            group.round(UnsafeBufferPointer(rebasing: tile[row * length..<row * length + inputRange.count]))
          }
          guard fits else {
            throw fault(channel, inputRange)
          }
          group.add(to: &sum)
          largestValue = max(largestValue, group.largestValue)
          let place = (channel * groups + index) * 2
          target.storeBytes(
            of: group.scaleBits.littleEndian, toByteOffset: layout.scales.lowerBound + place, as: UInt16.self)
          if !layout.minima.isEmpty {
            target.storeBytes(
              of: group.minimumBits.littleEndian, toByteOffset: layout.minima.lowerBound + place,
              as: UInt16.self)
          }
          let start = layout.codes.lowerBound + channel * bytesPerChannel + first / 2
          group.pack(to: (target + start).assumingMemoryBound(to: UInt8.self))
        }
      }
    }
    return sum.error(largestValue: largestValue)
  }

  /// Where the value of an input of channel 0 lies; those of the other channels follow `inner` values apart.
  private func place(of input: Int) -> Int {
    input / form.inner * form.channels * form.inner + input % form.inner
  }

  /// Row by row: the values of one channel at these inputs.
  private func gather(_ channels: Range<Int>, _ inputs: Range<Int>, to tile: inout [Float], length: Int) {
    tile.withUnsafeMutableBufferPointer { tile in
      guard let tile = tile.baseAddress else { return }
      for (column, input) in inputs.enumerated() {
        let source = values + place(of: input)
        for (row, channel) in channels.enumerated() {
          tile[row * length + column] = source[channel * form.inner]
        }
      }
    }
  }

  /// Why a group has no codes.
  private func fault(_ channel: Int, _ inputs: Range<Int>) -> ZooError {
    for input in inputs {
      let index = place(of: input) + channel * form.inner
      if !values[index].isFinite { return QuantizedTensor.unfit(values[index], index, of: name) }
    }
    return ZooError(
      .unsuitable, what: "cannot round weights", at: name,
      "values of output channel \(channel) are beyond what a 16-bit scale reaches",
      remedy: "Store it in 32-bit floats or as int8.")
  }
}

/// The values of one group and their codes.
struct NibbleGroup {
  private typealias Lanes = SIMD8<Float>

  private(set) var scaleBits: UInt16 = 0
  private(set) var minimumBits: UInt16 = 0
  private(set) var largestValue: Float = 0
  private let kind: QuantizedForm.Kind
  private var count = 0
  /// Filled up with zeros to whole vectors.
  private var values: [Float]
  /// As whole numbers.
  private var codes: [Float]
  private var stored: [Float]

  init(kind: QuantizedForm.Kind, capacity: Int) {
    self.kind = kind
    let padded = (capacity + 7) / 8 * 8
    values = [Float](repeating: 0, count: padded)
    codes = values
    stored = values
  }

  /// Finds the codes of these values; false where there are none.
  mutating func round(_ source: UnsafeBufferPointer<Float>) -> Bool {
    count = source.count
    var (lowest, highest, isFinite) = (Float.infinity, -Float.infinity, true)
    for i in 0..<count {
      let value = source[i]
      values[i] = value
      lowest = min(lowest, value)
      highest = max(highest, value)
      isFinite = isFinite && value.isFinite
    }
    for i in count..<values.count { values[i] = 0 }
    guard isFinite else { return false }
    largestValue = max(abs(lowest), abs(highest))
    return kind == .int4
      ? roundSymmetric(extreme: -lowest > highest ? lowest : highest) : roundAffine(lowest, highest)
  }

  func add(to sum: inout RoundingErrorSum) {
    values.withUnsafeBufferPointer { values in
      stored.withUnsafeBufferPointer { stored in
        guard let values = values.baseAddress, let stored = stored.baseAddress else { return }
        for start in stride(from: 0, to: count, by: RoundingErrorSum.blockLength) {
          sum.add(
            values + start, stored: stored + start, count: min(RoundingErrorSum.blockLength, count - start))
        }
      }
    }
  }

  /// Writes two codes a byte, the first one in the low bits.
  func pack(to bytes: UnsafeMutablePointer<UInt8>) {
    for i in stride(from: 0, to: count, by: 2) {
      let low = UInt8(truncatingIfNeeded: Int(codes[i])) & 15
      let high = i + 1 < count ? UInt8(truncatingIfNeeded: Int(codes[i + 1])) & 15 : 0
      bytes[i / 2] = low | high << 4
    }
  }

  // MARK: A scale alone

  private mutating func roundSymmetric(extreme: Float) -> Bool {
    if let exact = Self.exactScale(of: values, extreme) {
      setCodes(scale: exact)
      return true
    }
    let scale = Float(float16Bits: bestScale(extreme).float16Bits)
    guard scale.isFinite else { return false }
    guard scale != 0 else {
      setCodes(scale: 1)
      return true
    }
    setCodes(scale: scale)
    // What the codes stand for may have a larger scale, or a positive one: that is the one to store, since it
    // is what rounding them again would find.
    let largest = stored.reduce(Float(0)) { abs($1) > abs($0) ? $1 : $0 }
    setCodes(scale: Self.exactScale(of: stored, largest) ?? scale)
    return true
  }

  /// The scale with the least sum of squared differences, of those that are best for the codes of 38 others:
  /// with them, the extreme value has a code of 7.1 to 8.9 of either sign before it is rounded and cut off.
  private func bestScale(_ extreme: Float) -> Float {
    var (best, bestScore) = (Float(0), 0.0)
    for sign: Float in [-1, 1] {
      for step in -9...9 {
        let (products, squares) = sums(factor: sign * (8 + 0.1 * Float(step)) / extreme)
        // The sum of the squared differences is that of the values less this.
        let score = squares > 0 ? products * products / squares : 0
        if score > bestScore { (best, bestScore) = (Float(products / squares), score) }
      }
    }
    return best
  }

  /// The sums of value · code and of code · code, with the codes of the values times `factor`.
  private func sums(factor: Float) -> (products: Double, squares: Double) {
    let factors = Lanes(repeating: factor)
    let (lowest, highest) = (Lanes(repeating: -8), Lanes(repeating: 7))
    let bias = Lanes(repeating: roundingBias)
    var (products, squares) = (Lanes.zero, Lanes.zero)
    values.withUnsafeBytes { bytes in
      for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<Lanes>.size) {
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
        var code = (value * factors + bias) - bias
        code.replace(with: lowest, where: code .< lowest)
        code.replace(with: highest, where: code .> highest)
        products += value * code
        squares += code * code
      }
    }
    return (Double(products.sum()), Double(squares.sum()))
  }

  private mutating func setCodes(scale: Float) {
    scaleBits = scale.float16Bits
    for i in 0..<values.count {
      let code = min(max((values[i] / scale + roundingBias) - roundingBias, -8), 7)
      codes[i] = code
      stored[i] = code * scale
    }
  }

  /// The largest 16-bit scale of which all values are multiples by codes, the positive one of two; nil where
  /// there is none. Depends on the values alone.
  private static func exactScale(of values: [Float], _ extreme: Float) -> Float? {
    guard extreme != 0 else { return 1 }
    for code in 1...8 {
      let scale = abs(extreme) / Float(code)
      guard Float(float16Bits: scale.float16Bits) == scale, scale * Float(code) == abs(extreme) else {
        continue
      }
      for signed in [scale, -scale] where values.allSatisfy({ isMultiple($0, of: signed) }) { return signed }
    }
    return nil
  }

  private static func isMultiple(_ value: Float, of scale: Float) -> Bool {
    let code = (value / scale + roundingBias) - roundingBias
    return code >= -8 && code <= 7 && code * scale == value
  }

  // MARK: A scale and a minimum

  /// As `mlx.core.quantize`: the value of larger magnitude, at one end of the range, is met exactly, and so
  /// is 0. The codes are those of scale and minimum before these are rounded to 16 bits.
  private mutating func roundAffine(_ lowest: Float, _ highest: Float) -> Bool {
    let isLowestLarger = abs(lowest) > abs(highest)
    let width = max((highest - lowest) / 15, 1e-7)
    var scale = isLowestLarger ? width : -width
    let edge = isLowestLarger ? lowest : highest
    let steps = (edge / scale).rounded(.toNearestOrEven)
    var minimum: Float = 0
    if steps != 0 { (scale, minimum) = (edge / steps, edge) }
    (scaleBits, minimumBits) = (scale.float16Bits, minimum.float16Bits)
    let (storedScale, storedMinimum) = (Float(float16Bits: scaleBits), Float(float16Bits: minimumBits))
    guard storedScale.isFinite, storedMinimum.isFinite else { return false }
    for i in 0..<count {
      let code = min(max(((values[i] - minimum) / scale).rounded(.toNearestOrEven), 0), 15)
      codes[i] = code
      stored[i] = storedScale * code + storedMinimum
    }
    return true
  }
}
