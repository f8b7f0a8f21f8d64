/// How a tensor is stored as small whole numbers, its codes, with a scale for each output channel or group of
/// values: value = scale · code (+ minimum).
package struct QuantizedForm: Sendable, Hashable {
  /// The codes; raw values are the format's names.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// -127…127, row-major; a 32-bit scale for each output channel.
    case int8 = "i8"
    /// -8…7; a 16-bit scale, of either sign, for each group.
    case int4 = "i4"
    /// 0…15; a 16-bit scale, of either sign, and a 16-bit minimum for each group.
    case uint4 = "u4"
  }

  /// The sizes that groups can have.
  package static let groups = [32, 64, 128]

  package let kind: Kind
  /// The output channels.
  package let channels: Int
  /// The values that lie between two channels: 1 where the channel is the last axis.
  package let inner: Int
  /// Values that share a scale along the inputs of one channel; nil where all of them do.
  package let group: Int?

  package init(kind: Kind, channels: Int, inner: Int = 1, group: Int? = nil) {
    self.kind = kind
    self.channels = channels
    self.inner = inner
    self.group = group
  }
}

extension QuantizedForm {
  /// What the parts of a tensor's bytes begin and end with. Each part starts at a multiple of 64.
  package struct Layout: Sendable, Hashable {
    /// Of channel after channel, and in a channel group after group.
    package let scales: Range<Int>
    /// The same, empty where there are none.
    package let minima: Range<Int>
    package let codes: Range<Int>

    package var byteCount: Int { codes.upperBound }
  }

  /// The values of one channel, in a tensor of so many.
  package func inputs(elements: Int) -> Int { channels > 0 ? elements / channels : 0 }

  /// The groups of one channel.
  package func groups(elements: Int) -> Int {
    let inputs = inputs(elements: elements)
    guard let group else { return inputs > 0 ? 1 : 0 }
    return (inputs + group - 1) / group
  }

  /// The parts of a tensor of so many values; a shape's own limit keeps the sums far from overflow.
  package func layout(elements: Int) -> Layout {
    func aligned(_ offset: Int) -> Int { (offset + 63) & ~63 }
    let count = channels * groups(elements: elements)
    let scales = 0..<count * (kind == .int8 ? 4 : 2)
    let minimaStart = aligned(scales.upperBound)
    let minima = minimaStart..<minimaStart + (kind == .uint4 ? count * 2 : 0)
    let codesStart = aligned(minima.upperBound)
    let codeBytes = kind == .int8 ? elements : channels * ((inputs(elements: elements) + 1) / 2)
    return Layout(scales: scales, minima: minima, codes: codesStart..<codesStart + codeBytes)
  }
}
