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
        func scaled(_ size: Int) -> Int { (size * view.detail + 3) / 4 }
        var fitting = fitting
        if case .shortSide(let side) = fitting.crop { fitting.crop = .shortSide(scaled(side)) }
        base = try fitted(height: scaled(height), width: scaled(width), fitting)
        bases[view.detail] = base
      }
      images.append(view.isPlain ? base : base.transformed(by: view, height: height, width: width))
    }
    return images
  }

  /// What `view` shows of this image, which has about its detail.
  ///
  /// Places and colours are computed in fixed point: the pixels are the same on every machine.
  func transformed(by view: PictureView, height: Int, width: Int) -> Image {
    var image = mapped(
      PictureMap(view, from: self, height: height, width: width), height: height, width: width)
    for _ in 0..<view.blur { image = image.softened }
    guard let colors = ColorMap(view, mean: { image.meanLight }) else { return image }
    return image.recolored(by: colors)
  }

  /// Each pixel from the four around its place in this image; beyond the edges the image is mirrored.
  private func mapped(_ map: PictureMap, height newHeight: Int, width newWidth: Int) -> Image {
    let count = newHeight * newWidth * 3
    let (right, bottom) = (width - 1, height - 1)
    let rowLength = width * 3
    let mapped = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        var to = 0
        for y in 0..<newHeight {
          var sourceX = map.x + y * map.xDown
          var sourceY = map.y + y * map.yDown
          for _ in 0..<newWidth {
            let (column, row) = (sourceX >> PictureMap.bits, sourceY >> PictureMap.bits)
            let across = Int32(truncatingIfNeeded: sourceX >> (PictureMap.bits - 8)) & 255
            let down = Int32(truncatingIfNeeded: sourceY >> (PictureMap.bits - 8)) & 255
            let (x0, x1) =
              column >= 0 && column < right
              ? (column, column &+ 1) : (Self.mirrored(column, right), Self.mirrored(column + 1, right))
            let (y0, y1) =
              row >= 0 && row < bottom
              ? (row, row &+ 1) : (Self.mirrored(row, bottom), Self.mirrored(row + 1, bottom))
            let (a, b) = (y0 &* rowLength &+ x0 &* 3, y0 &* rowLength &+ x1 &* 3)
            let (c, d) = (y1 &* rowLength &+ x0 &* 3, y1 &* rowLength &+ x1 &* 3)
            for channel in 0..<3 {
              let upper =
                Int32(source[a &+ channel]) &* (256 &- across) &+ Int32(source[b &+ channel]) &* across
              let lower =
                Int32(source[c &+ channel]) &* (256 &- across) &+ Int32(source[d &+ channel]) &* across
              let sum = upper &* (256 &- down) &+ lower &* down
              target[to &+ channel] = UInt8(truncatingIfNeeded: (sum &+ 32768) >> 16)
            }
            to += 3
            sourceX &+= map.xAcross
            sourceY &+= map.yAcross
          }
        }
      }
      filled = count
    }
    return Image(width: newWidth, height: newHeight, pixels: mapped)
  }

  /// The place inside of `0...last` that one outside of it mirrors.
  private static func mirrored(_ place: Int, _ last: Int) -> Int {
    let inside = place < 0 ? -1 - place : place > last ? 2 * last + 1 - place : place
    return max(0, min(last, inside))
  }

  /// Each pixel mixed with its neighbours by 1, 2, 1 along both axes.
  private var softened: Image {
    let rowLength = width * 3
    let count = pixels.count
    let (height, width) = (height, width)
    let softened = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowLength) { sums in
          for y in 0..<height {
            let own = y * rowLength
            let above = max(0, y - 1) * rowLength
            let below = min(height - 1, y + 1) * rowLength
            for x in 0..<rowLength {
              sums.baseAddress?.advanced(by: x).initialize(
                to: Int32(source[above &+ x]) &+ 2 &* Int32(source[own &+ x]) &+ Int32(source[below &+ x]))
            }
            for x in 0..<width {
              let (left, right) = (max(0, x - 1) * 3, min(width - 1, x + 1) * 3)
              for channel in 0..<3 {
                let sum = sums[left + channel] &+ 2 &* sums[x * 3 + channel] &+ sums[right + channel]
                target[own + x * 3 + channel] = UInt8(truncatingIfNeeded: (sum &+ 8) >> 4)
              }
            }
          }
        }
      }
      filled = count
    }
    return Image(width: width, height: height, pixels: softened)
  }

  /// The mean of the light of all pixels, rounded down.
  private var meanLight: Int {
    var sums = (red: 0, green: 0, blue: 0)
    for start in stride(from: 0, to: pixels.count, by: 3) {
      sums.red &+= Int(pixels[start])
      sums.green &+= Int(pixels[start &+ 1])
      sums.blue &+= Int(pixels[start &+ 2])
    }
    return (sums.red * 19595 + sums.green * 38470 + sums.blue * 7471) / (65536 * (pixels.count / 3))
  }

  private func recolored(by map: ColorMap) -> Image {
    let count = pixels.count
    let recolored = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        for start in stride(from: 0, to: count, by: 3) {
          let (red, green, blue) = (
            Int32(source[start]), Int32(source[start &+ 1]), Int32(source[start &+ 2])
          )
          target[start] = map.red.value(red, green, blue)
          target[start &+ 1] = map.green.value(red, green, blue)
          target[start &+ 2] = map.blue.value(red, green, blue)
        }
      }
      filled = count
    }
    return Image(width: width, height: height, pixels: recolored)
  }
}

/// Where in a picture each pixel of a view comes from: a linear function of its column and row, in fixed point.
private struct PictureMap {
  /// Bits after the point.
  static let bits = 20

  /// The place of the first pixel.
  let x: Int, y: Int
  /// What is added for each column.
  let xAcross: Int, yAcross: Int
  /// What is added for each row.
  let xDown: Int, yDown: Int

  /// Only operations that IEEE 754 defines exactly, before the numbers are rounded.
  init(_ view: PictureView, from image: Image, height: Int, width: Int) {
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
    func fixed(_ value: Double) -> Int { Int((value * Double(1 << Self.bits)).rounded(.down)) }
    x = fixed(centerX + across.x * firstX + down.x * firstY - 0.5)
    y = fixed(centerY + across.y * firstX + down.y * firstY - 0.5)
    xAcross = fixed(across.x)
    yAcross = fixed(across.y)
    xDown = fixed(down.x)
    yDown = fixed(down.y)
  }
}

/// How colours change: each new value is a sum of the old ones with weights in fixed point.
private struct ColorMap {
  struct Row {
    var red: Int32, green: Int32, blue: Int32, constant: Int32

    @inline(__always)
    func value(_ r: Int32, _ g: Int32, _ b: Int32) -> UInt8 {
      UInt8(clamping: (red &* r &+ green &* g &+ blue &* b &+ constant) >> 16)
    }
  }

  let red: Row, green: Row, blue: Row

  /// Nil where colours stay.
  /// - Parameter mean: the mean light, which contrast leaves as it is.
  init?(_ view: PictureView, mean: () -> Int) {
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
    func row(_ channel: Int) -> Row {
      // Brightness and contrast leave the sum of the weights their product: grey stays grey.
      let weights = (0..<3).map { from in
        let rotated =
          light[from] + cosine * ((from == channel ? 1 : 0) - light[from]) + sine * turn[channel][from]
        return (light[from] + saturation * (rotated - light[from])) * brightness * contrast
      }
      func fixed(_ value: Double) -> Int32 { Int32((value * 65536).rounded(.toNearestOrEven)) }
      let sum = fixed(brightness * contrast)
      let (first, second) = (fixed(weights[0]), fixed(weights[1]))
      return Row(red: first, green: second, blue: sum - first - second, constant: fixed(constant) + 32768)
    }
    (red, green, blue) = (row(0), row(1), row(2))
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
