import ZooImages
import ZooSystem

/// What is left of a picture after it is saved again, resized, slightly cropped or made brighter: by it, copies are
/// found without keeping any pixels.
///
/// It has a hash of 63 bits, signs of the lowest frequencies of a cosine transform, by which candidates are found, and
/// small maps of light and colour, by which they are confirmed. All arithmetic is in integers: a picture has the same
/// fingerprint everywhere.
package struct PictureFingerprint: Sendable, Hashable {
  /// ``hash`` 8, ``mirroredHash`` 8, width 4, height 4, hash of the pixels 16, light 256, colour 128; numbers with
  /// their lowest byte first.
  package let bytes: [UInt8]

  /// The length of ``bytes``.
  package static let byteCount = 40 + lightSide * lightSide + 2 * colorSide * colorSide
  /// Counts up when the fingerprint of a picture changes.
  package static let version = 1

  static let lightSide = 16
  static let colorSide = 8
  /// The picture is seen as so many rows of so many cells, of each of which some points are read.
  private static let cells = 32
  private static let points = 8

  /// The fingerprint with this encoding; nil where it has another length.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = Array(bytes)
  }

  package init(of image: Image) {
    let sums = Self.sums(of: image)
    let cells = Self.cells
    // Light in 1/64 of a level.
    let light: [Int] = (0..<cells * cells).map { cell in
      let (red, green, blue) = (sums[cell * 3], sums[cell * 3 + 1], sums[cell * 3 + 2])
      return (red * 19595 + green * 38470 + blue * 7471) >> 16
    }
    let (hash, mirroredHash) = Self.hashes(of: light)
    let pixels = image.pixels.withUnsafeBytes { XXH3Hasher.hash($0) }

    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
    append(hash)
    append(mirroredHash)
    append(UInt32(clamping: image.width))
    append(UInt32(clamping: image.height))
    append(pixels.high)
    append(pixels.low)
    for y in stride(from: 0, to: cells, by: 2) {
      for x in stride(from: 0, to: cells, by: 2) {
        let (upper, lower) = (y * cells + x, (y + 1) * cells + x)
        let sum = light[upper] + light[upper + 1] + light[lower] + light[lower + 1]
        bytes.append(UInt8(clamping: (sum + 128) >> 8))
      }
    }
    // Red and blue less the light, halved, around 128.
    for y in stride(from: 0, to: cells, by: 4) {
      for x in stride(from: 0, to: cells, by: 4) {
        var (red, blue) = (0, 0)
        for row in y..<y + 4 {
          for cell in row * cells + x..<row * cells + x + 4 {
            red += sums[cell * 3] - light[cell]
            blue += sums[cell * 3 + 2] - light[cell]
          }
        }
        for sum in [red, blue] { bytes.append(UInt8(clamping: ((sum + 1024) >> 11) + 128)) }
      }
    }
    self.bytes = bytes
  }

  /// The sums of R, G and B over 8 x 8 points of each of 32 x 32 cells.
  private static func sums(of image: Image) -> [Int] {
    let count = cells * points
    func places(_ size: Int) -> [Int] { (0..<count).map { (2 * $0 + 1) * size / (2 * count) } }
    let (rows, columns) = (places(image.height), places(image.width).map { $0 * 3 })
    var sums = [Int](repeating: 0, count: cells * cells * 3)
    image.pixels.withUnsafeBufferPointer { pixels in
      sums.withUnsafeMutableBufferPointer { sums in
        for (y, row) in rows.enumerated() {
          let start = row * image.width * 3
          for cell in 0..<cells {
            var (red, green, blue) = (0, 0, 0)
            for point in cell * points..<(cell + 1) * points {
              let from = start &+ columns[point]
              red &+= Int(pixels[from])
              green &+= Int(pixels[from &+ 1])
              blue &+= Int(pixels[from &+ 2])
            }
            let to = (y / points * cells + cell) * 3
            sums[to] += red
            sums[to + 1] += green
            sums[to + 2] += blue
          }
        }
      }
    }
    return sums
  }

  /// Which of the 63 lowest frequencies are clearly positive, of the picture and of its mirror image.
  private static func hashes(of light: [Int]) -> (UInt64, UInt64) {
    // Rows first: frequency u of each row.
    var rows = [Int](repeating: 0, count: cells * 8)
    for y in 0..<cells {
      for u in 0..<8 {
        var sum = 0
        for x in 0..<cells { sum += light[y * cells + x] * cosine((2 * x + 1) * u) }
        rows[y * 8 + u] = sum >> 10
      }
    }
    var values = [Int](repeating: 0, count: 64)
    for v in 0..<8 {
      for u in 0..<8 {
        var sum = 0
        for y in 0..<cells { sum += rows[y * 8 + u] * cosine((2 * y + 1) * v) }
        values[v * 8 + u] = sum >> 14
      }
    }
    // The mean says nothing. What is close to zero, as half of the frequencies of symmetrical things are, counts as
    // zero: its sign is noise.
    values[0] = 0
    let size = values.reduce(0) { $0 + abs($1) } / 63
    var (hash, mirrored): (UInt64, UInt64) = (0, 0)
    for (place, value) in values.enumerated() {
      let flipped = place % 2 == 1 ? -value : value
      if value * 8 > size { hash |= 1 << UInt64(place) }
      if flipped * 8 > size { mirrored |= 1 << UInt64(place) }
    }
    return (hash, mirrored)
  }

  /// cos(nπ/64) in 1/16384.
  private static func cosine(_ n: Int) -> Int {
    let n = n % 128
    let half = n <= 64 ? n : 128 - n
    return half <= 32 ? cosines[half] : -cosines[64 - half]
  }

  private static let cosines = [
    16384, 16364, 16305, 16207, 16069, 15893, 15679, 15426, 15137, 14811, 14449, 14053, 13623, 13160, 12665,
    12140,
    11585, 11003, 10394, 9760, 9102, 8423, 7723, 7005, 6270, 5520, 4756, 3981, 3196, 2404, 1606, 804, 0,
  ]
}

extension PictureFingerprint {
  /// The signs of the lowest frequencies; bit 0 is unused.
  package var hash: UInt64 { number(at: 0) }
  /// The same of the mirror image.
  package var mirroredHash: UInt64 { number(at: 8) }
  /// The hash of all pixels.
  package var pixels: XXH3Hasher.Digest { XXH3Hasher.Digest(high: number(at: 24), low: number(at: 32)) }
  package var width: Int { Int(number(at: 16) & 0xffff_ffff) }
  package var height: Int { Int(number(at: 16) >> 32) }

  /// Whether it is of one colour, or nearly so: a picture in which a network sees nothing.
  package var isFlat: Bool { ComparedFingerprint(self).isFlat }

  private func number(at offset: Int) -> UInt64 {
    var number: UInt64 = 0
    for place in (0..<8).reversed() { number = number << 8 | UInt64(bytes[offset + place]) }
    return number
  }
}
