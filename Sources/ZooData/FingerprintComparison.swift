/// The maps of a fingerprint, prepared to be compared with many others.
package struct ComparedFingerprint {
  /// The light less its mean.
  private var light: [Float]
  private let color: [UInt8]
  /// The standard deviation of the light.
  private var deviation: Float = 0
  /// The width over the height.
  private let ratio: Float
  /// Whether its shorter side is less than 64 pixels.
  private let isSmall: Bool

  static let count = PictureFingerprint.lightSide * PictureFingerprint.lightSide

  package init(_ fingerprint: PictureFingerprint) {
    let bytes = fingerprint.bytes
    light = bytes[40..<40 + Self.count].map { Float($0) }
    color = Array(bytes[(40 + Self.count)...])
    ratio = Float(max(1, fingerprint.width)) / Float(max(1, fingerprint.height))
    isSmall = min(fingerprint.width, fingerprint.height) < 64
    center()
  }

  /// Whether there is no structure: pictures of one colour are no copies of each other.
  package var isFlat: Bool { deviation < 1.5 }

  /// How unlike two pictures are that can be copies.
  package struct Difference {
    /// What is left of the light's deviation after the best gain and offset, as a share of it.
    package var light: Float
    /// The largest mean over 4 x 4 of the map's places of that remainder, as a share of the deviation.
    package var local: Float
    /// The mean difference of colours in levels.
    package var color: Float
    /// The ratio of the deviations.
    package var gain: Float
  }

  /// - Parameter isMirrored: whether `other` is turned left to right first.
  package func difference(_ other: ComparedFingerprint, isMirrored: Bool) -> Difference {
    let side = PictureFingerprint.lightSide
    let flip = isMirrored ? side - 1 : 0
    var product: Float = 0
    for y in 0..<side {
      for x in 0..<side { product += light[y * side + x] * other.light[y * side + (x ^ flip)] }
    }
    product /= Float(Self.count)
    let scale = max(deviation * other.deviation, 1e-6)
    let correlation = product / scale
    // Both brought to a deviation of 1.
    let (own, its) = (1 / max(deviation, 1e-6), 1 / max(other.deviation, 1e-6))
    var local: Float = 0
    for top in stride(from: 0, to: side, by: 4) {
      for left in stride(from: 0, to: side, by: 4) {
        var sum: Float = 0
        for y in top..<top + 4 {
          for x in left..<left + 4 {
            sum += abs(light[y * side + x] * own - other.light[y * side + (x ^ flip)] * its)
          }
        }
        local = max(local, sum / 16)
      }
    }
    let colors = PictureFingerprint.colorSide
    let colorFlip = isMirrored ? colors - 1 : 0
    var color = 0
    for y in 0..<colors {
      for x in 0..<colors {
        for channel in 0..<2 {
          let a = self.color[(y * colors + x) * 2 + channel]
          let b = other.color[(y * colors + (x ^ colorFlip)) * 2 + channel]
          color += 2 * abs(Int(a) - Int(b))
        }
      }
    }
    return Difference(
      light: max(0, 1 - correlation * correlation).squareRoot(), local: local,
      color: Float(color) / Float(2 * colors * colors),
      gain: max(deviation, 1e-6) / max(other.deviation, 1e-6))
  }
}

extension ComparedFingerprint {
  /// Whether one picture is a copy of the other.
  package func isCopy(of other: ComparedFingerprint, isMirrored: Bool) -> Bool {
    guard !isFlat, !other.isFlat, max(ratio / other.ratio, other.ratio / ratio) <= 1.2 else { return false }
    let plain = difference(other, isMirrored: isMirrored)
    guard plain.light < 0.5 else { return false }
    // As they are, or one without its border.
    return agrees(plain, other) || zoomed.agrees(other, isMirrored) || agrees(other.zoomed, isMirrored)
  }

  private func agrees(_ other: ComparedFingerprint, _ isMirrored: Bool) -> Bool {
    agrees(difference(other, isMirrored: isMirrored), other)
  }

  /// Copies that were saved again, resized or made a little brighter pass, and variants of one drawing do. Small
  /// pictures have little in which to differ: of handwritten digits, many look alike that are none.
  private func agrees(_ difference: Difference, _ other: ComparedFingerprint) -> Bool {
    let limit: Float = isSmall || other.isSmall ? 0.1 : 0.25
    return difference.light <= limit && difference.local <= 1.75 * limit && difference.color <= 48
      && (0.5...2).contains(difference.gain)
  }

  /// The middle 96 % of the picture.
  private var zoomed: ComparedFingerprint {
    let side = PictureFingerprint.lightSide
    var copy = self
    func place(_ index: Int) -> (first: Int, share: Float) {
      let place = (Float(index) + 0.5 - Float(side) / 2) * 0.96 + Float(side) / 2 - 0.5
      let first = min(side - 2, Int(place))
      return (first, place - Float(first))
    }
    for y in 0..<side {
      let (row, down) = place(y)
      for x in 0..<side {
        let (column, across) = place(x)
        let at = row * side + column
        let upper = light[at] * (1 - across) + light[at + 1] * across
        let lower = light[at + side] * (1 - across) + light[at + side + 1] * across
        copy.light[y * side + x] = upper * (1 - down) + lower * down
      }
    }
    copy.center()
    return copy
  }

  /// Brings the mean of the light to 0.
  private mutating func center() {
    let mean = light.reduce(0, +) / Float(Self.count)
    for place in light.indices { light[place] -= mean }
    deviation = (light.reduce(0) { $0 + $1 * $1 } / Float(Self.count)).squareRoot()
  }
}
