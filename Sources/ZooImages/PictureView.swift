import ZooSystem
import ZooTensor

/// One of the ways to look at a picture in training: flipped, cropped, turned, in other colours.
///
/// A view is a function of the seed, the picture's content and its number: the same whatever the order, the batch,
/// the threads or an interruption. View 0 is the picture as it is.
package struct PictureView: Sendable, Hashable {
  /// How far views are from the picture.
  package enum Strength: String, Sendable, Hashable, CaseIterable {
    /// Flips, crops of 70 to 100 % of the area, brightness, contrast and saturation up to 10 % more or less.
    case light
    /// Flips, crops of 35 to 100 %, proportions up to 4:3, turns up to 15 degrees, brightness, contrast and
    /// saturation up to 30 % and hues up to 15 degrees more or less; one in five is blurred.
    case strong

    var smallestArea: Double { self == .light ? 0.7 : 0.35 }
    var largestRatio: Double { self == .light ? 1.1 : 4.0 / 3 }
    /// In quarters of a degree.
    var largestTurn: Int { self == .light ? 0 : 60 }
    /// In 1/256.
    var largestChange: Int { self == .light ? 26 : 77 }
    /// In degrees.
    var largestHue: Int { self == .light ? 0 : 15 }
    var blurShare: Double { self == .light ? 0 : 0.2 }
  }

  /// Left and right are exchanged, after the crop.
  package var isFlipped = false
  /// The part of the picture that is seen: where it begins and how long it is along each axis, in 1/65536.
  package var left = 0, top = 0, width = 65536, height = 65536
  /// How far the picture is turned, clockwise, in quarters of a degree.
  package var turn = 0
  /// What each value is multiplied with, in 1/256.
  package var brightness = 256
  /// What the distance from the mean light is multiplied with, in 1/256.
  package var contrast = 256
  /// What the distance from grey is multiplied with, in 1/256.
  package var saturation = 256
  /// How far colours are turned, in degrees.
  package var hue = 0
  /// How often each pixel is mixed with its neighbours.
  package var blur = 0
  /// The size at which the picture is read, over that of the view, in quarters: what is cropped stays sharp.
  package var detail = 4

  /// The picture as it is.
  package init() {}

  /// The picture flipped, and otherwise as it is.
  package static var flipped: PictureView {
    var view = PictureView()
    view.isFlipped = true
    return view
  }

  fileprivate init(_ number: Int, of content: XXH3Hasher.Digest, among views: PictureViews) {
    self.init()
    guard number != 0 else { return }
    let key =
      splitMix64(splitMix64(views.seed ^ content.high) ^ content.low) &+ UInt64(truncatingIfNeeded: number)
    let random = CounterRandom(seed: splitMix64(key))
    let strength = views.strength
    isFlipped = views.areFlipped && random[0] & 1 == 1
    // Square roots are exact, logarithms are not: the proportion is drawn evenly and then inverted or not.
    let area = strength.smallestArea + random.unit(1) * (1 - strength.smallestArea)
    let ratio = 1 + random.unit(2) * (strength.largestRatio - 1)
    let sides = ((area * ratio).squareRoot(), (area / ratio).squareRoot())
    let (across, down) = random[3] & 1 == 1 ? sides : (sides.1, sides.0)
    width = min(65536, Int(across * 65536))
    height = min(65536, Int(down * 65536))
    left = Int(random.unit(4) * Double(65536 - width + 1))
    top = Int(random.unit(5) * Double(65536 - height + 1))
    func change(_ place: Int, _ limit: Int) -> Int { Int(random[place] % UInt64(2 * limit + 1)) - limit }
    turn = change(6, strength.largestTurn)
    brightness += change(7, strength.largestChange)
    contrast += change(8, strength.largestChange)
    saturation += change(9, strength.largestChange)
    hue = change(10, strength.largestHue)
    blur = random.unit(11) < strength.blurShare ? 1 + Int(random[12] % 2) : 0
    detail = views.detail
  }

  /// Whether it is the picture as it is.
  package var isPlain: Bool { self == PictureView() }
}

/// The views of pictures in a training.
package struct PictureViews: Sendable, Hashable {
  /// That of the whole training.
  package let seed: UInt64
  /// How far they are from the picture.
  package let strength: PictureView.Strength
  /// Whether every other one is flipped.
  package let areFlipped: Bool

  package init(seed: UInt64, strength: PictureView.Strength, areFlipped: Bool = true) {
    self.seed = seed
    self.strength = strength
    self.areFlipped = areFlipped
  }

  /// ``PictureView/detail`` of all but the picture as it is.
  package var detail: Int { strength == .light ? 5 : 6 }

  /// One view of a picture.
  ///
  /// - Parameters:
  ///   - number: 0 for the picture as it is.
  ///   - content: the hash of the picture's file.
  package func view(_ number: Int, of content: XXH3Hasher.Digest) -> PictureView {
    PictureView(number, of: content, among: self)
  }
}
