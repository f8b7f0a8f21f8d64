import ZooSystem

extension QuantizedTensor {
  /// A tensor as codes, and what that changes.
  package struct Rounding: Sendable {
    package let tensor: QuantizedTensor
    package let error: RoundingError
  }

  /// Rounds the values of a tensor to codes: each to the nearest multiple of its scale, ties to even.
  ///
  /// - `i8`: the scale is the largest absolute value of the channel over 127, and 1 where that is 0.
  /// - `i4`: the scale with the least squares of the differences, of 38 that are tried.
  /// - `u4`: scale and minimum are those of MLX, whose codes are the same for values of 16 bits.
  ///
  /// Rounding what codes of `i8` or `i4` stand for gives the same bytes again. The memory that it takes
  /// beside the result is that of the tensor in 32-bit floats at most, and nothing where these are the
  /// tensor's own.
  ///
  /// - Parameter name: the tensor's, for errors.
  /// - Throws: `ZooError` where a value is not a finite number, where the values are beyond what 16-bit
  ///   scales reach, or where the form does not fit the shape.
  package static func rounding(
    _ tensor: StoredTensor, to form: QuantizedForm, name: String
  ) throws(ZooError) -> Rounding {
    let elements = tensor.shape.elementCount
    let period = form.channels * form.inner
    guard form.channels > 0, form.inner > 0, elements % period == 0, form.kind != .int8 || form.group == nil,
      form.group.map({ $0 > 0 && $0 % 2 == 0 }) ?? true
    else {
      throw ZooError(
        .doesNotFit, what: "cannot round weights", at: name,
        "\(tensor.shape) does not have \(form.channels) channels of \(form.inner) values each")
    }
    var error = RoundingError.none(largestValue: 0)
    let bytes = try HeapBytes(count: form.layout(elements: elements).byteCount) {
      (target) throws(ZooError) in
      target.initializeMemory(as: UInt8.self, repeating: 0)
      guard elements > 0, let base = target.baseAddress else { return }
      try tensor.withFloats { (values) throws(ZooError) in
        guard let first = values.baseAddress else { return }
        error =
          form.kind == .int8
          ? try ByteRounder(form: form, values: first, count: elements, name: name).round(to: base)
          : try NibbleRounder(form: form, values: first, count: elements, name: name).round(to: base)
      }
    }
    guard let rounded = QuantizedTensor(shape: tensor.shape, form: form, bytes: ByteSlice(bytes)) else {
      throw ZooError(.unexpected, what: "cannot round weights", at: name, "the codes have another length")
    }
    return Rounding(tensor: rounded, error: error)
  }

  /// The values of a tensor as codes; see ``rounding(_:to:name:)``.
  package init(rounding tensor: StoredTensor, to form: QuantizedForm) throws(ZooError) {
    self = try Self.rounding(tensor, to: form, name: "").tensor
  }

  /// What is wrong with a value that has no code.
  static func unfit(_ value: Float, _ index: Int, of name: String) -> ZooError {
    ZooError(
      .unsuitable, what: "cannot round weights", at: name,
      "value \(index), in row-major order, is \(value.isNaN ? "not a number" : "infinite")",
      remedy: "Store it in 32-bit floats.")
  }
}

/// Adding this to a number of at most 22 bits rounds it to the nearest whole number, ties to even, and leaves
/// that in the lowest bits: all machines have vectors of additions, but not of roundings.
let roundingBias: Float = 0x1.8p23

extension StoredTensor {
  /// Calls `body` with the values as 32-bit floats: where they lie if they are that, else a copy.
  package func withFloats<Failure: Error>(
    _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Void
  ) throws(Failure) {
    let isInPlace =
      elementType == .float32 && UInt16(1).littleEndian == 1
      && bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) % MemoryLayout<Float>.alignment == 0 }
    guard isInPlace else {
      let copy = floats()
      return try copy.withUnsafeBufferPointer { (values) throws(Failure) in try body(values) }
    }
    try bytes.withUnsafeBytes { (raw) throws(Failure) in
      try body(raw.assumingMemoryBound(to: Float.self))
    }
  }
}

/// Rounds to codes of 8 bits, in the order in which the values lie.
///
/// Channels repeat after a fixed number of values. All loops go along that pattern, which is repeated where
/// it is short, so that each is one of vectors whatever the axes.
private struct ByteRounder {
  /// The least length of a pattern, as far as the tensor has as many values.
  private static let leastLength = 256
  private static let largestCode: Float = 127

  let form: QuantizedForm
  let values: UnsafePointer<Float>
  let count: Int
  let name: String
  private let length: Int

  init(form: QuantizedForm, values: UnsafePointer<Float>, count: Int, name: String) {
    self.form = form
    self.values = values
    self.count = count
    self.name = name
    let period = form.channels * form.inner
    length = period * min(count / period, max(1, (Self.leastLength + period - 1) / period))
  }

  func round(to target: UnsafeMutableRawPointer) throws(ZooError) -> RoundingError {
    let largest = largestValues()
    guard largest.allSatisfy(\.isFinite), let largestValue = largest.max() else { throw fault() }
    let scales = largest.map(Self.scale)
    let layout = form.layout(elements: count)
    for (channel, scale) in scales.enumerated() {
      target.storeBytes(
        of: scale.bitPattern.littleEndian, toByteOffset: layout.scales.lowerBound + channel * 4,
        as: UInt32.self)
    }
    let codes = (target + layout.codes.lowerBound).assumingMemoryBound(to: UInt8.self)
    return write(codes, scales: (0..<length).map { scales[channel(at: $0)] }, largestValue)
  }

  private func channel(at place: Int) -> Int { place / form.inner % form.channels }

  /// The largest absolute value of each channel; not a number or infinite where one of its values is.
  private func largestValues() -> [Float] {
    // The bits of absolute values order as these do, and what is no finite number is beyond all that are.
    var pattern = [Int32](repeating: 0, count: length)
    pattern.withUnsafeMutableBufferPointer { pattern in
      guard let pattern = pattern.baseAddress else { return }
      for start in stride(from: 0, to: count, by: length) {
        let part = values + start
        for i in 0..<min(length, count - start) {
          pattern[i] = max(pattern[i], Int32(truncatingIfNeeded: part[i].bitPattern & 0x7fff_ffff))
        }
      }
    }
    var largest = [Int32](repeating: 0, count: form.channels)
    for place in 0..<length {
      let channel = channel(at: place)
      largest[channel] = max(largest[channel], pattern[place])
    }
    return largest.map { Float(bitPattern: UInt32($0)) }
  }

  /// The scale with which the code of the largest absolute value is 127.
  private static func scale(largest: Float) -> Float {
    // Scales below the normal numbers would be too coarse; codes of the least normal one are as near.
    guard largest > .leastNormalMagnitude / 2 else { return 1 }
    var scale = max(largest / largestCode, .leastNormalMagnitude)
    if (scale * largestCode).isInfinite { scale = scale.nextDown }
    // In a few cases what 127 stands for has another scale, whose own it then is.
    return max(scale * largestCode / largestCode, .leastNormalMagnitude)
  }

  private func write(
    _ codes: UnsafeMutablePointer<UInt8>, scales: [Float], _ largestValue: Float
  ) -> RoundingError {
    var sum = RoundingErrorSum()
    withUnsafeTemporaryAllocation(of: Float.self, capacity: RoundingErrorSum.blockLength) { block in
      scales.withUnsafeBufferPointer { scales in
        guard let scales = scales.baseAddress, let stored = block.baseAddress else { return }
        for pattern in stride(from: 0, to: count, by: length) {
          let end = min(length, count - pattern)
          for start in stride(from: 0, to: end, by: RoundingErrorSum.blockLength) {
            let blockCount = min(RoundingErrorSum.blockLength, end - start)
            let (from, by, to) = (values + pattern + start, scales + start, codes + pattern + start)
            for i in 0..<blockCount {
              let biased = from[i] / by[i] + roundingBias
              to[i] = UInt8(truncatingIfNeeded: biased.bitPattern)
              stored[i] = (biased - roundingBias) * by[i]
            }
            sum.add(from, stored: stored, count: blockCount)
          }
        }
      }
    }
    return sum.error(largestValue: largestValue)
  }

  /// The first value that is no finite number.
  private func fault() -> ZooError {
    for index in 0..<count where !values[index].isFinite {
      return QuantizedTensor.unfit(values[index], index, of: name)
    }
    return ZooError(.unexpected, what: "cannot round weights", at: name, "all values are finite")
  }
}
