import CZooPixels
import ZooSystem

extension Image {
  /// The picture as `view` shows it, at the size `height` x `width`.
  ///
  /// It is first brought to a somewhat larger size, as `fitting` says: so that the networks see what `fitting` shows
  /// them in use, and so that shrinking is as smooth as ever.
  ///
  /// - Throws: `ZooError` where the size or the crop makes no sense.
  package func view(
    _ view: PictureView, height: Int, width: Int, fitting: PictureFitting = PictureFitting()
  ) throws(ZooError) -> Image {
    try views([view], height: height, width: width, fitting: fitting)[0]
  }

  /// Several views: the picture is resized once for all that need the same detail.
  ///
  /// - Throws: `ZooError` where the size or the crop makes no sense.
  package func views(
    _ views: [PictureView], height: Int, width: Int, fitting: PictureFitting = PictureFitting()
  ) throws(ZooError) -> [Image] {
    var bases: [Int: Image] = [:]
    var images: [Image] = []
    images.reserveCapacity(views.count)
    for view in views {
      let base: Image
      if let known = bases[view.detail] {
        base = known
      } else {
        let own = fitting.base(height: height, width: width, detail: view.detail)
        base = try fitted(height: own.height, width: own.width, own.fitting)
        bases[view.detail] = base
      }
      images.append(view.isPlain ? base : base.transformed(by: view, height: height, width: width))
    }
    return images
  }

  /// What `view` shows of this image, which has about its detail.
  ///
  /// Places and colours are computed in fixed point: the pixels are the same on every machine.
  package func transformed(
    by view: PictureView, height: Int, width: Int, with code: PixelCode = .fastest
  ) -> Image {
    var image = mapped(
      zoo_pixel_map(view, from: self, height: height, width: width), height: height, width: width, with: code)
    for _ in 0..<view.blur { image = image.softened(with: code) }
    guard let colors = zoo_color_map(view, mean: { image.meanLight(with: code) }) else { return image }
    return image.recolored(by: colors, with: code)
  }

  /// Each pixel from the four around its place in this image; beyond the edges the image is mirrored.
  private func mapped(
    _ map: zoo_pixel_map, height newHeight: Int, width newWidth: Int, with code: PixelCode
  ) -> Image {
    converted(height: newHeight, width: newWidth) { pixels, target in
      withUnsafePointer(to: map) { map in
        zoo_map_pixels(code.number, map, pixels, height, width, target, newHeight, newWidth)
      }
    }
  }

  /// Each pixel mixed with its neighbours by 1, 2, 1 along both axes.
  private func softened(with code: PixelCode) -> Image {
    converted(height: height, width: width) { pixels, target in
      withUnsafeTemporaryAllocation(of: UInt16.self, capacity: (width + 2) * 3) { scratch in
        zoo_soften(code.number, pixels, height, width, scratch.baseAddress, target)
      }
    }
  }

  private func recolored(by map: zoo_color_map, with code: PixelCode) -> Image {
    converted(height: height, width: width) { pixels, target in
      withUnsafePointer(to: map) { zoo_recolor(code.number, $0, pixels, height * width, target) }
    }
  }

  /// The mean of the light of all pixels, rounded down.
  private func meanLight(with code: PixelCode) -> Int {
    let count = height * width
    let sums = withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 3) { sums in
      pixels.withUnsafeBufferPointer { zoo_sum_colors(code.number, $0.baseAddress, count, sums.baseAddress) }
      return sums.map(Int.init)
    }
    return (sums[0] * 19595 + sums[1] * 38470 + sums[2] * 7471) / (65536 * count)
  }

  /// The image whose pixels `body` makes from the pixels of this one.
  private func converted(
    height newHeight: Int, width newWidth: Int,
    _ body: (_ pixels: UnsafePointer<UInt8>?, _ target: UnsafeMutablePointer<UInt8>?) -> Void
  ) -> Image {
    let count = newHeight * newWidth * 3
    let converted = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { body($0.baseAddress, target.baseAddress) }
      filled = count
    }
    return Image(width: newWidth, height: newHeight, pixels: converted)
  }
}

extension PictureFitting {
  /// The size that views of a size are made from, and how pictures are brought to it.
  ///
  /// - Parameter detail: ``PictureView/detail``.
  package func base(
    height: Int, width: Int, detail: Int
  ) -> (height: Int, width: Int, fitting: PictureFitting) {
    func scaled(_ size: Int) -> Int { (size * detail + 3) / 4 }
    var fitting = self
    if case .shortSide(let side) = fitting.crop { fitting.crop = .shortSide(scaled(side)) }
    return (scaled(height), scaled(width), fitting)
  }
}

extension zoo_pixel_map {
  /// Only operations that IEEE 754 defines exactly, before the numbers are rounded.
  fileprivate init(_ view: PictureView, from image: Image, height: Int, width: Int) {
    let (sine, cosine) = exactSineAndCosine(degrees: Double(view.turn) / 4)
    // Pixels of the picture per pixel of the view.
    let scaleX = Double(view.width) / 65536 * Double(image.width) / Double(width) * (view.isFlipped ? -1 : 1)
    let scaleY = Double(view.height) / 65536 * Double(image.height) / Double(height)
    // Turned in the picture's own pixels, about the centre of the part that is seen.
    let across = (x: cosine * scaleX, y: -sine * scaleX)
    let down = (x: sine * scaleY, y: cosine * scaleY)
    let centerX = (Double(view.left) + Double(view.width) / 2) / 65536 * Double(image.width)
    let centerY = (Double(view.top) + Double(view.height) / 2) / 65536 * Double(image.height)
    let (firstX, firstY) = (0.5 - Double(width) / 2, 0.5 - Double(height) / 2)
    func fixed(_ value: Double) -> Int { Int((value * Double(1 << Int(zoo_place_bits))).rounded(.down)) }
    self.init(
      x: fixed(centerX + across.x * firstX + down.x * firstY - 0.5),
      y: fixed(centerY + across.y * firstX + down.y * firstY - 0.5),
      x_across: fixed(across.x), y_across: fixed(across.y), x_down: fixed(down.x), y_down: fixed(down.y))
  }
}

extension zoo_color_map {
  /// Nil where colours stay.
  /// - Parameter mean: the mean light, which contrast leaves as it is.
  fileprivate init?(_ view: PictureView, mean: () -> Int) {
    guard view.brightness != 256 || view.contrast != 256 || view.saturation != 256 || view.hue != 0 else {
      return nil
    }
    let (sine, cosine) = exactSineAndCosine(degrees: Double(view.hue))
    let light = [0.213, 0.715, 0.072]
    // The matrices of SVG's `hueRotate` and `saturate`.
    let turn: [[Double]] = [[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]]
    let saturation = Double(view.saturation) / 256
    let brightness = Double(view.brightness) / 256
    let contrast = Double(view.contrast) / 256
    let constant = brightness * Double(mean()) * (1 - contrast)
    /// For a new channel, the weights of the old ones and the constant.
    func row(_ channel: Int) -> (red: Int32, green: Int32, blue: Int32, constant: Int32) {
      // Brightness and contrast leave the sum of the weights their product: grey stays grey.
      let weights = (0..<3).map { from in
        let rotated =
          light[from] + cosine * ((from == channel ? 1 : 0) - light[from]) + sine * turn[channel][from]
        return (light[from] + saturation * (rotated - light[from])) * brightness * contrast
      }
      func fixed(_ value: Double) -> Int32 { Int32((value * 65536).rounded(.toNearestOrEven)) }
      let sum = fixed(brightness * contrast)
      let (first, second) = (fixed(weights[0]), fixed(weights[1]))
      return (first, second, sum - first - second, fixed(constant) + 32768)
    }
    let (red, green, blue) = (row(0), row(1), row(2))
    self.init(
      red: (red.red, green.red, blue.red, 0), green: (red.green, green.green, blue.green, 0),
      blue: (red.blue, green.blue, blue.blue, 0),
      constant: (red.constant, green.constant, blue.constant, 0))
  }
}

/// Sine and cosine of at most 45 degrees by their series, whose operations are exact everywhere: those of the system's
/// library differ in their last bit.
private func exactSineAndCosine(degrees: Double) -> (sine: Double, cosine: Double) {
  let x = degrees * (Double.pi / 180)
  let square = x * x
  var (sine, cosine) = (x, 1.0)
  var (sineTerm, cosineTerm) = (x, 1.0)
  for step in 1...9 {
    let n = Double(2 * step)
    cosineTerm = -cosineTerm * square / (n * (n - 1))
    sineTerm = -sineTerm * square / (n * (n + 1))
    cosine += cosineTerm
    sine += sineTerm
  }
  return (sine, cosine)
}
