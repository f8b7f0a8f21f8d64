import ZooImages
import ZooSystem

/// Values over a picture as colours on it.
package struct HeatMap: Sendable {
  /// Row by row from the top; what is not positive is no evidence, and has no colour.
  package let values: [Float]
  package let height: Int
  package let width: Int
  /// The part of the picture that the values cover, in shares of its sides from the upper left corner.
  package let region: (x: ClosedRange<Double>, y: ClosedRange<Double>)

  /// - Precondition: there are `height * width` values, and at least one.
  package init(
    values: [Float], height: Int, width: Int, region: (x: ClosedRange<Double>, y: ClosedRange<Double>)
  ) {
    precondition(height > 0 && width > 0 && values.count == height * width, "a map's size and values")
    self.values = values
    self.height = height
    self.width = width
    self.region = region
  }

  /// The picture with the colours on it, at its own size.
  package func drawn(on picture: Image) -> Image {
    let most = values.max().map { $0.isFinite ? max($0, 0) : 0 } ?? 0
    let rows = taps(picture.height, range: region.y, count: height)
    let columns = taps(picture.width, range: region.x, count: width)
    let pixels = [UInt8](unsafeUninitializedCapacity: picture.pixels.count) { target, filled in
      for y in 0..<picture.height {
        for x in 0..<picture.width {
          let share = Self.share(value(rows[y], columns[x]), of: most)
          let from = (y * picture.width + x) * 3
          let (r, g, b) = (picture.pixels[from], picture.pixels[from + 1], picture.pixels[from + 2])
          let drawn = Self.blend((r, g, b), share)
          (target[from], target[from + 1], target[from + 2]) = drawn
        }
      }
      filled = picture.pixels.count
    }
    return Image(width: picture.width, height: picture.height, pixels: pixels)
  }

  /// Between which two values a pixel lies, and how far from the first to the second; nil outside of the region.
  private typealias Tap = (first: Int, second: Int, share: Double)?

  private func taps(_ side: Int, range: ClosedRange<Double>, count: Int) -> [Tap] {
    let extent = max(range.upperBound - range.lowerBound, 1e-9)
    return (0..<side).map { pixel in
      let place = ((Double(pixel) + 0.5) / Double(side) - range.lowerBound) / extent
      guard place >= 0, place <= 1 else { return nil }
      let at = min(max(place * Double(count) - 0.5, 0), Double(count - 1))
      let first = Int(at)
      return (first, min(first + 1, count - 1), at - Double(first))
    }
  }

  private func value(_ row: Tap, _ column: Tap) -> Double {
    guard let row, let column else { return 0 }
    func at(_ y: Int) -> Double {
      Double(values[y * width + column.first]) * (1 - column.share)
        + Double(values[y * width + column.second]) * column.share
    }
    return at(row.first) * (1 - row.share) + at(row.second) * row.share
  }

  private static func share(_ value: Double, of most: Float) -> Double {
    most > 0 && value > 0 ? min(value / Double(most), 1) : 0
  }

  // MARK: Colours

  /// From dark to light in even steps for the eye, for every kind of colour vision (after the colour map inferno).
  private static let colours: [(Double, Double, Double)] = [
    (24, 12, 60), (66, 10, 104), (106, 23, 110), (147, 38, 103), (188, 55, 84), (221, 81, 58), (243, 120, 25),
    (252, 165, 10), (246, 215, 70), (252, 255, 164),
  ]

  static func colour(_ share: Double) -> (Double, Double, Double) {
    let at = min(max(share, 0), 1) * Double(colours.count - 1)
    let first = min(Int(at), colours.count - 2)
    let (low, high, t) = (colours[first], colours[first + 1], at - Double(first))
    return (low.0 + (high.0 - low.0) * t, low.1 + (high.1 - low.1) * t, low.2 + (high.2 - low.2) * t)
  }

  /// A pixel with the colour on it: little evidence is nearly transparent.
  static func blend(_ pixel: (UInt8, UInt8, UInt8), _ share: Double) -> (UInt8, UInt8, UInt8) {
    let colour = colour(share)
    let weight = share <= 0 ? 0 : 0.74 * share * (2 - share)
    func mixed(_ under: UInt8, _ over: Double) -> UInt8 {
      UInt8(min(max((Double(under) * (1 - weight) + over * weight).rounded(), 0), 255))
    }
    return (mixed(pixel.0, colour.0), mixed(pixel.1, colour.1), mixed(pixel.2, colour.2))
  }

  // MARK: Legend

  /// The picture with a strip below it that names what is shown and has the scale of colours.
  ///
  /// - Parameter captions: what is shown in words, the longest first; the first that has room is written.
  package static func adding(captions: [String], to picture: Image) -> Image {
    let scale = max(1, picture.width / 380)
    let height = 17 * scale
    var strip = Canvas(width: picture.width, height: height, colour: (20, 23, 26))
    let (first, last) = ("none", "most")
    let bar = min(64 * scale, picture.width / 4)
    let margin = 5 * scale
    let ends = Canvas.width(of: last, scale: scale) + margin
    let right = picture.width - ends - 3 * scale
    let words = Canvas.width(of: first, scale: scale) + 3 * scale
    let hasScale = right - bar - words > picture.width / 3
    if hasScale {
      for x in 0..<bar {
        let colour = blend((225, 225, 225), Double(x) / Double(max(1, bar - 1)))
        strip.fill(x: right - bar + x, y: 4 * scale, width: 1, height: 9 * scale, colour: colour)
      }
      strip.write(last, x: right + 3 * scale, y: 5 * scale, scale: scale)
      strip.write(first, x: right - bar - words, y: 5 * scale, scale: scale)
    }
    let room = (hasScale ? right - bar - words : picture.width) - 2 * margin
    let letters = max(5, room / (6 * scale))
    let text = captions.first { $0.count <= letters } ?? Chart.shortened(captions.last ?? "", to: letters)
    strip.write(text, x: margin, y: 5 * scale, scale: scale)
    return Image(
      width: picture.width, height: picture.height + height, pixels: picture.pixels + strip.pixels)
  }
}
