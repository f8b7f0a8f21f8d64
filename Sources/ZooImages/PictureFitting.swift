import ZooSystem

/// How a picture is brought to the size that a network takes.
///
///     var fitting = PictureFitting()               // Keras' load_img with interpolation="bilinear"
///     fitting.resampling = .nearest                // load_img's own default
///     fitting.crop = .aspect                       // load_img(keep_aspect_ratio=True)
///     fitting.crop = .shortSide(256)               // torchvision's Resize(256) and CenterCrop
///     fitting.crop = .fraction(0.875)              // timm's crop_pct of 0.875
public struct PictureFitting: Sendable, Hashable {
  /// What is cut off a picture whose sides are in another proportion than the network's input.
  public enum Crop: Sendable, Hashable {
    /// Nothing: the picture is squeezed or stretched. What Keras' `load_img` does.
    case none
    /// As much on both ends of the longer side as the network's proportion asks for; the rest is resized. What
    /// Keras' `load_img(keep_aspect_ratio=True)` does.
    case aspect
    /// A border all around: the picture is resized, keeping its proportion, until it covers the network's input
    /// divided by this number, from 0.1 to 1, and the centre is cut out. This is timm's `crop_pct`; 0.875 is
    /// torchvision's `Resize(256)` and `CenterCrop(224)` for a network of 224 x 224 pixels.
    case fraction(Double)
    /// The picture is resized, keeping its proportion, until its shorter side has this many pixels, and the centre
    /// is cut out: torchvision's `Resize(shortSide)` and `CenterCrop`.
    case shortSide(Int)
  }

  /// How pixels are computed.
  public var resampling: Resampling
  /// What is cut off.
  public var crop: Crop

  /// The whole picture, bilinear, where nothing else is given.
  ///
  /// - Parameters:
  ///   - resampling: how pixels are computed.
  ///   - crop: what is cut off.
  public init(resampling: Resampling = .bilinear, crop: Crop = .none) {
    self.resampling = resampling
    self.crop = crop
  }
}

extension PictureFitting.Crop {
  /// The crop of this name: `aspect`, a fraction from 0.1 to 1 or a number of pixels from 2 to 16384.
  package init?(name: String) {
    if name == "aspect" {
      self = .aspect
    } else if let number = Double(name), number >= 0.1, number <= 1 {
      self = .fraction(number)
    } else if let pixels = Int(name), (2...16384).contains(pixels) {
      self = .shortSide(pixels)
    } else {
      return nil
    }
  }

  /// Its name, by which ``init(name:)`` makes it again; nil for none.
  package var name: String? {
    switch self {
    case .none: nil
    case .aspect: "aspect"
    case .fraction(let fraction): "\(fraction)"
    case .shortSide(let pixels): "\(pixels)"
    }
  }
}

extension Image {
  /// The image at the size `height` x `width`, as `fitting` says.
  ///
  /// - Throws: `ZooError` with the code `ZooError.Code.invalidArgument` where the size or the crop makes no sense.
  package func fitted(
    height newHeight: Int, width newWidth: Int, _ fitting: PictureFitting, with code: PixelCode = .fastest
  ) throws(ZooError) -> Image {
    switch try placement(height: newHeight, width: newWidth, fitting) {
    case .unchanged: return self
    case .whole:
      return resized(height: newHeight, width: newWidth, by: fitting.resampling, with: code)
    case .part(let x, let y):
      return resized(
        rows: ResizedAxis(size: height, part: y, newSize: newHeight, wanted: 0..<newHeight),
        columns: ResizedAxis(size: width, part: x, newSize: newWidth, wanted: 0..<newWidth),
        by: fitting.resampling, with: code)
    case .cut(let whole, let top, let left):
      return resized(
        rows: ResizedAxis(
          size: height, part: 0..<height, newSize: whole.height, wanted: top..<top + newHeight),
        columns: ResizedAxis(
          size: width, part: 0..<width, newSize: whole.width, wanted: left..<left + newWidth),
        by: fitting.resampling, with: code)
    }
  }

  /// The part of the image that ``fitted(height:width:_:)`` shows, in shares of its sides from the upper left corner.
  ///
  /// - Throws: `ZooError` with the code `ZooError.Code.invalidArgument` where the size or the crop makes no sense.
  package func region(
    height newHeight: Int, width newWidth: Int, _ fitting: PictureFitting
  ) throws(ZooError) -> (x: ClosedRange<Double>, y: ClosedRange<Double>) {
    func share(_ start: Int, _ count: Int, of side: Int) -> ClosedRange<Double> {
      Double(start) / Double(side)...Double(start + count) / Double(side)
    }
    switch try placement(height: newHeight, width: newWidth, fitting) {
    case .unchanged, .whole: return (0...1, 0...1)
    case .part(let x, let y):
      return (share(x.lowerBound, x.count, of: width), share(y.lowerBound, y.count, of: height))
    case .cut(let whole, let top, let left):
      return (share(left, newWidth, of: whole.width), share(top, newHeight, of: whole.height))
    }
  }

  /// What of an image is shown at another size.
  private enum Placement {
    /// The image as it is.
    case unchanged
    /// All of it.
    case whole
    /// This part of it.
    case part(x: Range<Int>, y: Range<Int>)
    /// What is cut out, with its corner here, once the whole has this size.
    case cut(of: (height: Int, width: Int), top: Int, left: Int)
  }

  private func placement(
    height newHeight: Int, width newWidth: Int, _ fitting: PictureFitting
  ) throws(ZooError) -> Placement {
    let sides = 1...(1 << 16)
    guard sides.contains(newHeight), sides.contains(newWidth) else {
      throw ZooError(
        .invalidArgument, what: "no size of a picture", at: "",
        "\(newHeight)x\(newWidth) pixels, expected up to 65536")
    }
    let whole: (height: Int, width: Int)
    switch fitting.crop {
    case .none: return .whole
    case .aspect:
      // Keras gives an image that has the size already back as it is.
      guard height != newHeight || width != newWidth else { return .unchanged }
      let part = (
        height: max(1, min(height, width * newHeight / newWidth)),
        width: max(1, min(width, height * newWidth / newHeight))
      )
      let (top, left) = ((height - part.height) / 2, (width - part.width) / 2)
      return .part(x: left..<left + part.width, y: top..<top + part.height)
    case .fraction(let fraction):
      guard fraction >= 0.1, fraction <= 1 else {
        throw ZooError(
          .invalidArgument, what: "no crop of a picture", at: "",
          "a fraction of \(fraction), expected 0.1 to 1")
      }
      let scaled = (height: Int(Double(newHeight) / fraction), width: Int(Double(newWidth) / fraction))
      whole = newHeight == newWidth ? covering(shortSide: scaled.height) : covering(scaled)
    case .shortSide(let shortSide):
      guard shortSide >= max(newHeight, newWidth), sides.contains(shortSide) else {
        throw ZooError(
          .invalidArgument, what: "no crop of a picture", at: "",
          "a short side of \(shortSide), expected at least the \(max(newHeight, newWidth)) of the input and "
            + "at most \(sides.upperBound)")
      }
      whole = covering(shortSide: shortSide)
    }
    // Halves go to the even number, as in Python.
    return .cut(
      of: whole, top: Int((Double(whole.height - newHeight) / 2).rounded(.toNearestOrEven)),
      left: Int((Double(whole.width - newWidth) / 2).rounded(.toNearestOrEven)))
  }

  /// The size in proportion whose shorter side is `shortSide`, as torchvision rounds it.
  private func covering(shortSide: Int) -> (height: Int, width: Int) {
    let long = Int(Double(shortSide * max(width, height)) / Double(min(width, height)))
    return width <= height ? (long, shortSide) : (shortSide, long)
  }

  /// The size in proportion that just covers `target`, as timm rounds it.
  private func covering(_ target: (height: Int, width: Int)) -> (height: Int, width: Int) {
    let ratio = min(Double(height) / Double(target.height), Double(width) / Double(target.width))
    func side(_ size: Int, _ least: Int) -> Int {
      max(least, Int((Double(size) / ratio).rounded(.toNearestOrEven)))
    }
    return (side(height, target.height), side(width, target.width))
  }
}
