import ZooTensor

/// A layer that is computed on codes of 8 bits, with what follows it and is computed at once.
package struct IntegerLayer: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// A convolution or dense layer.
    case product
    /// A depthwise convolution with one filter a channel; its kernel's role.
    case depthwise(WeightRole)
    case maxPooling(Pooling)
    case averagePooling(Pooling)
    /// The mean of the whole image.
    case mean
    /// The sum of two values of the same shape.
    case sum
    /// A value in other codes, which may cut it off, by a map of each channel.
    case rescaling
    /// Values side by side, each in the codes of the whole.
    case concatenation
    /// The same codes with codes of zero around them.
    case padding(Edges)
    /// The same codes, as they are or with another shape.
    case copy
  }

  package var kind: Kind
  /// The node whose operation it is.
  package let node: Int
  /// The value that it reads.
  package let source: Int
  /// The values of a concatenation.
  package var parts: [Int] = []
  /// The other term of its sum, of a kind that has one.
  package var other: Int?
  /// Whether that term is read in wide codes.
  package var otherIsWide = false
  /// The same of a sum's first term.
  package var sourceIsWide = false
  /// The value that it writes.
  package var result: Int
  /// Maps of each channel that are computed at once.
  package var norms: [ChannelMap] = []
  /// What the floats that it writes are cut off at.
  package var lo = -Float.infinity
  package var hi = Float.infinity
  /// The layers that it computes, in the graph's order.
  package var layers: [String]

  package let sourceCode: ValueCode
  package var otherCode: ValueCode?
  /// Nil where it writes floats.
  package var code: ValueCode?
  package var writesCodes = true
  package var writesWide = false
}

extension IntegerLayer {
  /// Whether it can write wide codes.
  package var canBeWide: Bool { kind == .product || kind == .sum || kind == .rescaling }

  /// Whether it hands on codes that mean what those that it reads do.
  package var keepsCodes: Bool {
    switch kind {
    case .maxPooling, .padding, .copy, .concatenation: true
    default: false
    }
  }

  /// What codes of the other term are multiplied by.
  package var otherFactor: Float {
    otherCode.map { Float(Double($0.scale(0)) / (otherIsWide ? 256 : 1) / resultScale) } ?? 0
  }

  private var resultScale: Double { code.map { Double($0.scale(0)) } ?? 1 }
}
