extension Image {
  /// The image at another size, by the pixel rule of Pillow's `Image.resize(size, Image.BILINEAR)`.
  ///
  /// A triangle filter as wide as the reduction, so that shrinking does not alias; first along rows,
  /// then along columns, each rounded to 8 bits, with coefficients in fixed point: bit for bit Pillow's
  /// result (its `libImaging/Resample.c`). From version 13 Pillow takes the columns first for some ratios,
  /// of images that become wider and lower or are far higher than wide: there a value can differ by one.
  /// - Precondition: both sides are positive.
  package func resized(height newHeight: Int, width newWidth: Int) -> Image {
    precondition(newHeight > 0 && newWidth > 0, "a size of \(newHeight)x\(newWidth)")
    var pixels = pixels
    if newWidth != width {
      pixels = Self.resizedRows(pixels, height: height, width: width, newWidth: newWidth)
    }
    if newHeight != height {
      pixels = Self.resizedColumns(pixels, height: height, width: newWidth, newHeight: newHeight)
    }
    return Image(width: newWidth, height: newHeight, pixels: pixels)
  }

  private static func resizedRows(_ pixels: [UInt8], height: Int, width: Int, newWidth: Int) -> [UInt8] {
    let filter = TriangleFilter(from: width, to: newWidth)
    return [UInt8](unsafeUninitializedCapacity: height * newWidth * 3) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        filter.weights.withUnsafeBufferPointer { weights in
          for row in 0..<height {
            for x in 0..<newWidth {
              let window = filter.windows[x]
              var from = (row * width + window.lowerBound) * 3
              var red = TriangleFilter.half
              var green = TriangleFilter.half
              var blue = TriangleFilter.half
              for tap in 0..<window.count {
                let weight = weights[x &* filter.stride &+ tap]
                red &+= Int32(source[from]) &* weight
                green &+= Int32(source[from &+ 1]) &* weight
                blue &+= Int32(source[from &+ 2]) &* weight
                from &+= 3
              }
              let to = (row * newWidth + x) * 3
              target[to] = TriangleFilter.rounded(red)
              target[to + 1] = TriangleFilter.rounded(green)
              target[to + 2] = TriangleFilter.rounded(blue)
            }
          }
        }
      }
      filled = height * newWidth * 3
    }
  }

  private static func resizedColumns(_ pixels: [UInt8], height: Int, width: Int, newHeight: Int) -> [UInt8] {
    let filter = TriangleFilter(from: height, to: newHeight)
    let rowLength = width * 3
    var sums = [Int32](repeating: 0, count: rowLength)
    return [UInt8](unsafeUninitializedCapacity: newHeight * rowLength) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        sums.withUnsafeMutableBufferPointer { sums in
          for y in 0..<newHeight {
            sums.update(repeating: TriangleFilter.half)
            let window = filter.windows[y]
            for tap in 0..<window.count {
              let weight = filter.weights[y * filter.stride + tap]
              let from = (window.lowerBound + tap) * rowLength
              for x in 0..<rowLength { sums[x] &+= Int32(source[from &+ x]) &* weight }
            }
            for x in 0..<rowLength { target[y * rowLength + x] = TriangleFilter.rounded(sums[x]) }
          }
        }
      }
      filled = newHeight * rowLength
    }
  }
}

/// For each new pixel along one axis, which old pixels make it up and by how much.
private struct TriangleFilter {
  /// Bits after the point: 32 less 8 of the pixel and 2 for the sum.
  static let precision: Int32 = 32 - 8 - 2
  /// One half, with which every sum starts.
  static let half: Int32 = 1 << (precision - 1)

  /// The range of old pixels of each new one.
  let windows: [Range<Int>]
  /// Fixed-point weights, `stride` places for each new pixel.
  let weights: [Int32]
  let stride: Int

  init(from size: Int, to newSize: Int) {
    let scale = Double(size) / Double(newSize)
    let support = max(scale, 1)
    stride = Int(support.rounded(.up)) * 2 + 1
    var windows: [Range<Int>] = []
    windows.reserveCapacity(newSize)
    var weights = [Int32](repeating: 0, count: newSize * stride)
    for index in 0..<newSize {
      let center = (Double(index) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let end = min(size, Int(center + support + 0.5))
      windows.append(first..<end)
      let inverse = 1 / support
      let raw = (0..<end - first).map { tap in
        max(0, 1 - abs((Double(tap + first) - center + 0.5) * inverse))
      }
      let total = raw.reduce(0, +)
      for (tap, weight) in raw.enumerated() {
        let share = total == 0 ? weight : weight / total
        weights[index * stride + tap] = Int32(0.5 + share * Double(1 << Self.precision))
      }
    }
    self.windows = windows
    self.weights = weights
  }

  static func rounded(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> precision) }
}
