import ZooSystem
import ZooTensor

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What strong augmentation does to a batch on top of views: rectangles are erased, and pictures mixed in pairs.
///
/// It follows from the seed and the number of the step alone.
struct PictureMixing {
  /// The share of pictures with an erased rectangle (Zhong et al., 2020).
  private static let erasedShare = 0.25
  /// The share of batches that are mixed, half of them by sums and half by rectangles.
  private static let mixedShare = 0.5
  /// Both parameters of the beta distribution that the share of a sum comes from.
  private static let concentration = 0.2

  private let random: CounterRandom

  init(seed: UInt64, step: Int) {
    // Sets this use of a seed apart from others.
    let purpose: UInt64 = 0x6D69_7869_6E67_0001
    random = CounterRandom(
      seed: splitMix64(splitMix64(seed ^ purpose) &+ UInt64(truncatingIfNeeded: step)))
  }

  /// A batch after mixing: what enters the network, and for each picture the other one in it.
  struct Mixed {
    var inputs: Tensor
    /// The places in the batch of the other pictures, and the share that is left of the own; nil where nothing is mixed.
    var partners: (places: [Int], share: Double)?
  }

  /// - Parameter inputs: (N, H, W, C).
  func mix(_ inputs: Tensor) -> Mixed {
    let (count, height, width, channels) = (
      inputs.shape[0], inputs.shape[1], inputs.shape[2], inputs.shape[3]
    )
    let size = height * width * channels
    var values = inputs.values
    for example in 0..<count where random.unit(8 * example + 1000) < Self.erasedShare {
      erase(&values, example, height, width, channels)
    }
    guard count > 1, random.unit(0) < Self.mixedShare else {
      return Mixed(inputs: Tensor(shape: inputs.shape, values: values), partners: nil)
    }
    // Each with the one so many places further on.
    let distance = 1 + Int(random[1] % UInt64(count - 1))
    let places = (0..<count).map { ($0 + distance) % count }
    let source = values
    let share: Double
    if random.unit(2) < 0.5 {
      share = beta()
      for example in 0..<count {
        let (own, other) = (example * size, places[example] * size)
        for index in 0..<size {
          values[own + index] =
            Float(share) * source[own + index] + Float(1 - share) * source[other + index]
        }
      }
    } else {
      // A rectangle with the picture's own proportions.
      let side = (1 - random.unit(3)).squareRoot()
      let (rows, columns) = (Int(Double(height) * side), Int(Double(width) * side))
      let top = Int(random.unit(4) * Double(height - rows + 1))
      let left = Int(random.unit(5) * Double(width - columns + 1))
      share = 1 - Double(rows * columns) / Double(height * width)
      for example in 0..<count {
        for y in top..<top + rows {
          let start = (y * width + left) * channels
          let (own, other) = (example * size + start, places[example] * size + start)
          for index in 0..<columns * channels { values[own + index] = source[other + index] }
        }
      }
    }
    return Mixed(inputs: Tensor(shape: inputs.shape, values: values), partners: (places, share))
  }

  /// Replaces 2 to 20 % of a picture by its mean colour.
  private func erase(_ values: inout [Float], _ example: Int, _ height: Int, _ width: Int, _ channels: Int) {
    let place = 8 * example + 1001
    let area = 0.02 + 0.18 * random.unit(place)
    let ratio = 1 + random.unit(place + 1)
    let sides = ((area * ratio).squareRoot(), (area / ratio).squareRoot())
    let (across, down) = random[place + 2] & 1 == 1 ? sides : (sides.1, sides.0)
    let (rows, columns) = (max(1, Int(down * Double(height))), max(1, Int(across * Double(width))))
    let top = Int(random.unit(place + 3) * Double(height - rows + 1))
    let left = Int(random.unit(place + 4) * Double(width - columns + 1))
    let start = example * height * width * channels
    for channel in 0..<channels {
      var sum = 0.0
      for pixel in 0..<height * width { sum += Double(values[start + pixel * channels + channel]) }
      let mean = Float(sum / Double(height * width))
      for y in top..<top + rows {
        for x in left..<left + columns { values[start + (y * width + x) * channels + channel] = mean }
      }
    }
  }

  /// A number of the symmetric beta distribution (Jöhnk, 1964).
  private func beta() -> Double {
    for attempt in 0..<64 {
      let x = pow(random.unit(100 + 2 * attempt), 1 / Self.concentration)
      let y = pow(random.unit(101 + 2 * attempt), 1 / Self.concentration)
      if x + y > 0, x + y <= 1 { return x / (x + y) }
    }
    return 0.5
  }
}
