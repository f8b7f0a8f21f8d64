import ZooTensor

/// A picture of 'dead leaves': discs that lie on each other, with the statistics of a photograph.
///
/// Occlusion makes edges, and radii whose frequency falls with their square make pictures that look
/// alike at every scale, the two properties of natural images that the first layers of a network
/// respond to (Lee, Mumford and Huang, 2001). Colours vary in brightness more than in hue around a
/// warm grey, every leaf is shaded linearly, and four samples per pixel soften the edges. The constants
/// are those for which the batch-norm statistics of networks trained on photographs are met best.
///
/// The picture depends on its size and `seed` alone, bit for bit on every platform: it takes nothing but
/// integers and the operations that IEEE 754 defines exactly.
/// - Precondition: both sides are positive.
package func deadLeaves(height: Int, width: Int, seed: UInt64) -> Image {
  precondition(height > 0 && width > 0, "a size of \(height)x\(width)")
  var canvas = LeafCanvas(height: height * LeafCanvas.samples, width: width * LeafCanvas.samples)
  let random = CounterRandom(seed: seed)
  let smallest = 2.0 * Double(LeafCanvas.samples)
  let largest = max(smallest, 0.6 * Double(max(canvas.height, canvas.width)))
  for index in 0..<Leaf.limit where canvas.uncovered > 0 {
    canvas.lay(
      Leaf(
        random: random, index: index, smallest: smallest, largest: largest, height: Double(canvas.height),
        width: Double(canvas.width)))
  }
  return canvas.image()
}

/// A shaded disc.
private struct Leaf {
  /// Covers any picture but for a few points, which stay background.
  static let limit = 20_000
  /// Random numbers that each leaf has to itself.
  private static let draws = 9

  let radius: Double
  let x: Double
  let y: Double
  /// R, G, B at the centre.
  let color: [Double]
  /// Change of brightness per sample rightwards and downwards.
  let slopeX: Double
  let slopeY: Double

  init(
    random: CounterRandom, index: Int, smallest: Double, largest: Double, height: Double, width: Double
  ) {
    let first = index * Self.draws
    // The inverse of a distribution whose density falls with the square of the radius.
    radius = 1 / (1 / smallest + random.unit(first) * (1 / largest - 1 / smallest))
    x = random.unit(first + 1) * width
    y = random.unit(first + 2) * height
    let brightness = random.signed(first + 3) * 115
    color = (0..<3).map { channel in
      LeafCanvas.background[channel] + brightness + random.signed(first + 4 + channel) * 55
    }
    slopeX = random.signed(first + 7) * 80 / radius
    slopeY = random.signed(first + 8) * 80 / radius
  }
}

/// Samples of a picture, laid from the front to the back: what is covered stays as it is.
private struct LeafCanvas {
  /// Samples per pixel along each axis.
  static let samples = 2
  /// The mean colour.
  static let background = [122.0, 116.0, 105.0]

  let height: Int
  let width: Int
  private(set) var uncovered: Int
  private var covered: [Bool]
  private var values: [UInt8]

  init(height: Int, width: Int) {
    self.height = height
    self.width = width
    uncovered = height * width
    covered = [Bool](repeating: false, count: height * width)
    values = [UInt8](unsafeUninitializedCapacity: height * width * 3) { target, filled in
      for index in 0..<height * width * 3 { target[index] = UInt8(Self.background[index % 3]) }
      filled = height * width * 3
    }
  }

  mutating func lay(_ leaf: Leaf) {
    let (red, green, blue) = (leaf.color[0], leaf.color[1], leaf.color[2])
    let top = max(0, Int((leaf.y - leaf.radius).rounded(.up)))
    let bottom = min(height - 1, Int((leaf.y + leaf.radius).rounded(.down)))
    guard top <= bottom else { return }
    for row in top...bottom {
      let down = Double(row) - leaf.y
      let half = max(0, leaf.radius * leaf.radius - down * down).squareRoot()
      let left = max(0, Int((leaf.x - half).rounded(.up)))
      let right = min(width - 1, Int((leaf.x + half).rounded(.down)))
      guard left <= right else { continue }
      for index in row * width + left...row * width + right where !covered[index] {
        covered[index] = true
        uncovered -= 1
        let shade = leaf.slopeX * (Double(index - row * width) - leaf.x) + leaf.slopeY * down
        values[index * 3] = Self.level(red + shade)
        values[index * 3 + 1] = Self.level(green + shade)
        values[index * 3 + 2] = Self.level(blue + shade)
      }
    }
  }

  /// The mean of each pixel's samples.
  func image() -> Image {
    let rowLength = width * 3
    var pixels: [UInt8] = []
    pixels.reserveCapacity(values.count / (Self.samples * Self.samples))
    for row in stride(from: 0, to: height, by: Self.samples) {
      for column in stride(from: 0, to: rowLength, by: 3 * Self.samples) {
        for index in row * rowLength + column..<row * rowLength + column + 3 {
          let sum =
            Int(values[index]) + Int(values[index + 3]) + Int(values[index + rowLength])
            + Int(values[index + rowLength + 3])
          pixels.append(UInt8((sum + 2) / 4))
        }
      }
    }
    return Image(width: width / Self.samples, height: height / Self.samples, pixels: pixels)
  }

  private static func level(_ value: Double) -> UInt8 { UInt8(max(0, min(255, value))) }
}
