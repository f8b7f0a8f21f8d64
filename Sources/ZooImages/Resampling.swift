import ZooSystem

/// How pixels are computed when a picture changes its size: bit for bit as Pillow's `Image.resize` does it with the
/// filter of that name.
///
/// All but ``nearest`` weigh every pixel that a new one covers, so that shrinking does not alias.
public enum Resampling: String, Sendable, CaseIterable {
  /// The pixel at the centre of the new one. The default of Keras' `load_img`.
  case nearest
  /// The mean of the pixels that the new one covers.
  case box
  /// A triangle. What networks of Keras and torchvision are usually measured with.
  case bilinear
  /// A bell, sharper than ``bilinear``.
  case hamming
  /// A cubic curve. What many networks of timm are measured with.
  case bicubic
  /// A windowed sinc, the sharpest and slowest.
  case lanczos

  /// How far the filter reaches, in pixels of the smaller picture.
  var support: Double {
    switch self {
    case .nearest: 0
    case .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The filter's value at a distance from its centre.
  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .nearest: return x == 0 ? 1 : 0
    case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - x)
    case .hamming:
      guard x > 0 else { return 1 }
      guard x < 1 else { return 0 }
      // The constants are of single precision in Pillow.
      return sinc(x) * (Double(Float(0.54)) + Double(Float(0.46)) * cos(x * .pi))
    case .bicubic:
      if x < 1 { return ((-0.5 + 2) * x - (-0.5 + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * -0.5 }
      return 0
    case .lanczos: return distance >= -3 && distance < 3 ? sinc(distance) * sinc(distance / 3) : 0
    }
  }

  private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// The new pixels along one axis: how many there would be, which of them are wanted, and which part of the old ones
/// they are made from.
struct ResizedAxis {
  /// The number of old pixels.
  let size: Int
  /// Those that the new ones show.
  let part: Range<Int>
  /// The number of new pixels.
  let newSize: Int
  /// Those that are wanted.
  let wanted: Range<Int>

  /// All of `newSize` pixels from all of `size`.
  init(size: Int, newSize: Int) {
    self.init(size: size, part: 0..<size, newSize: newSize, wanted: 0..<newSize)
  }

  init(size: Int, part: Range<Int>, newSize: Int, wanted: Range<Int>) {
    self.size = size
    self.part = part
    self.newSize = newSize
    self.wanted = wanted
  }

  /// Whether the new pixels are the old ones.
  var isUnchanged: Bool { newSize == size && part == 0..<size }

  /// The old pixel at the centre of each wanted one.
  var nearest: [Int] {
    let scale = Double(part.count) / Double(newSize)
    // Summed up step by step, as Pillow has it: a product rounds otherwise.
    var place = Double(part.lowerBound) + scale * 0.5
    var found: [Int] = []
    found.reserveCapacity(wanted.count)
    for index in 0..<wanted.upperBound {
      if index >= wanted.lowerBound { found.append(min(size - 1, Int(place))) }
      place += scale
    }
    return found
  }
}

/// For each new pixel along one axis, which old pixels make it up and by how much.
struct ResamplingWeights {
  /// Bits after the point: 32 less 8 of the pixel and 2 for the sum.
  static let precision: Int32 = 32 - 8 - 2
  /// One half, with which every sum starts.
  static let half: Int32 = 1 << (precision - 1)

  /// The range of old pixels of each new one.
  let windows: [Range<Int>]
  /// Fixed-point weights, `stride` places for each new pixel.
  let weights: [Int32]
  let stride: Int

  init(_ filter: Resampling, _ axis: ResizedAxis) {
    let scale = Double(axis.part.count) / Double(axis.newSize)
    let width = max(scale, 1)
    let support = filter.support * width
    stride = Int(support.rounded(.up)) * 2 + 1
    var windows: [Range<Int>] = []
    windows.reserveCapacity(axis.wanted.count)
    var weights = [Int32](repeating: 0, count: axis.wanted.count * stride)
    for (place, index) in axis.wanted.enumerated() {
      let center = Double(axis.part.lowerBound) + (Double(index) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let end = min(axis.size, Int(center + support + 0.5))
      windows.append(first..<end)
      let inverse = 1 / width
      let raw = (0..<end - first).map { tap in
        filter.weight(at: (Double(tap + first) - center + 0.5) * inverse)
      }
      let total = raw.reduce(0, +)
      for (tap, weight) in raw.enumerated() {
        let share = (total == 0 ? weight : weight / total) * Double(1 << Self.precision)
        weights[place * stride + tap] = Int32(share < 0 ? share - 0.5 : share + 0.5)
      }
    }
    self.windows = windows
    self.weights = weights
  }

  @inline(__always)
  static func rounded(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> precision) }
}

/// The weights of ``ResamplingWeights`` where at most two windows overlap, two in a number: a multiplication gives what
/// an old pixel adds to two new ones. The lower half is for the window that ends first.
struct PairedWeights {
  /// The first old pixel that is read.
  let first: Int
  /// Of each old pixel.
  let weights: [UInt64]
  /// Where each window ends.
  let ends: [Int]

  /// The sums that two windows begin with.
  static let start = UInt64(ResamplingWeights.half) << 32 | UInt64(ResamplingWeights.half)

  /// Nil where three windows overlap, or where it would not be faster; and for filters with negative weights, whose
  /// sums would borrow from each other.
  init?(_ filter: ResamplingWeights) {
    let windows = filter.windows
    guard let head = windows.first, let last = windows.last, filter.stride > 4,
      filter.weights.allSatisfy({ $0 >= 0 })
    else { return nil }
    for place in windows.indices.dropFirst() {
      guard windows[place - 1].lowerBound <= windows[place].lowerBound,
        windows[place - 1].upperBound <= windows[place].upperBound,
        place < 2 || windows[place - 2].upperBound <= windows[place].lowerBound
      else { return nil }
    }
    var weights = [UInt64](repeating: 0, count: last.upperBound)
    for (place, window) in windows.enumerated() {
      let earlier = place > 0 ? windows[place - 1].upperBound : head.lowerBound
      for (tap, pixel) in window.enumerated() {
        // What the window before still reads adds to the upper half, which then becomes the lower one.
        let weight = UInt64(filter.weights[place * filter.stride + tap])
        weights[pixel] |= pixel < earlier ? weight << 32 : weight
      }
    }
    first = head.lowerBound
    self.weights = weights
    ends = windows.map(\.upperBound)
  }

  /// The pixel whose window ends; the other window becomes the first to end.
  @inline(__always)
  static func takeNext(_ sums: inout UInt64) -> UInt8 {
    let value = ResamplingWeights.rounded(Int32(truncatingIfNeeded: sums))
    sums = sums >> 32 | UInt64(ResamplingWeights.half) << 32
    return value
  }
}
