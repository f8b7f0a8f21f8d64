import CZooPixels
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
  /// The old pixels of each new one.
  let windows: [zoo_pixel_window]
  /// Fixed-point weights, `stride` places for each new pixel; zero behind those of its window.
  let weights: [Int32]
  let stride: Int

  init(_ filter: Resampling, _ axis: ResizedAxis) {
    let scale = Double(axis.part.count) / Double(axis.newSize)
    let width = max(scale, 1)
    let support = filter.support * width
    let step = Int(zoo_weight_step)
    let stride = (Int(support.rounded(.up)) * 2 + step) / step * step
    let inverse = 1 / width
    var windows: [zoo_pixel_window] = []
    windows.reserveCapacity(axis.wanted.count)
    var weights = [Int32](repeating: 0, count: axis.wanted.count * stride)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: stride) { shares in
      shares.initialize(repeating: 0)
      for (place, index) in axis.wanted.enumerated() {
        let center = Double(axis.part.lowerBound) + (Double(index) + 0.5) * scale
        let first = max(0, Int(center - support + 0.5))
        let count = min(axis.size, Int(center + support + 0.5)) - first
        windows.append(zoo_pixel_window(first: first, count: count))
        var total = 0.0
        for tap in 0..<count {
          shares[tap] = filter.weight(at: (Double(tap + first) - center + 0.5) * inverse)
          total += shares[tap]
        }
        for tap in 0..<count {
          let share =
            (total == 0 ? shares[tap] : shares[tap] / total) * Double(1 << Int(zoo_weight_bits))
          weights[place * stride + tap] = Int32(share < 0 ? share - 0.5 : share + 0.5)
        }
      }
    }
    self.windows = windows
    self.weights = weights
    self.stride = stride
  }

  /// All old pixels of which new ones are made.
  var read: Range<Int> {
    (windows.map(\.first).min() ?? 0)..<(windows.map { $0.first + $0.count }.max() ?? 0)
  }

  /// The same as C takes it, for as long as `body` runs.
  func withResampling(_ body: (UnsafePointer<zoo_resampling>) -> Void) {
    windows.withUnsafeBufferPointer { windows in
      weights.withUnsafeBufferPointer { weights in
        var resampling = zoo_resampling(
          windows: windows.baseAddress, weights: weights.baseAddress, count: windows.count, stride: stride)
        withUnsafePointer(to: &resampling, body)
      }
    }
  }
}
