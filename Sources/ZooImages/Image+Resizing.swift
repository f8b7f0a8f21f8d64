import CZooPixels
import ZooSystem

extension Image {
  /// The image at another size, by the pixel rule of Pillow's `Image.resize`.
  ///
  /// First along rows, then along columns, each rounded to 8 bits, with coefficients in fixed point: bit for bit
  /// Pillow's result (its `libImaging/Resample.c`). From version 13 Pillow takes the columns first for some ratios,
  /// of images that become wider and lower or are far higher than wide: there a value can differ by one.
  /// - Precondition: both sides are positive.
  package func resized(
    height newHeight: Int, width newWidth: Int, by filter: Resampling = .bilinear,
    with code: PixelCode = .fastest
  ) -> Image {
    precondition(newHeight > 0 && newWidth > 0, "a size of \(newHeight)x\(newWidth)")
    return resized(
      rows: ResizedAxis(size: height, newSize: newHeight),
      columns: ResizedAxis(size: width, newSize: newWidth),
      by: filter, with: code)
  }

  /// The picture in proportion, with no side longer than `side` pixels.
  package func fitted(within side: Int) -> Image {
    let longer = max(width, height)
    guard longer > side, side > 0 else { return self }
    func scaled(_ length: Int) -> Int { max(1, (length * side + longer / 2) / longer) }
    return resized(height: scaled(height), width: scaled(width))
  }

  /// The wanted part of the resized image; nothing else is computed.
  func resized(
    rows: ResizedAxis, columns: ResizedAxis, by filter: Resampling, with code: PixelCode = .fastest
  ) -> Image {
    if rows.isUnchanged && columns.isUnchanged { return cropped(x: columns.wanted, y: rows.wanted) }
    if filter == .nearest { return picked(rows: rows.nearest, columns: columns.nearest) }
    // The rows that the second pass reads.
    let weights = ResamplingWeights(filter, rows)
    let read = rows.isUnchanged ? rows.wanted : weights.read
    let narrowed =
      columns.isUnchanged
      ? cropped(x: columns.wanted, y: read)
      : resizedRows(read, ResamplingWeights(filter, columns), with: code)
    return rows.isUnchanged ? narrowed : narrowed.resizedColumns(weights, first: read.lowerBound, with: code)
  }

  /// The pixels where these rows and columns cross.
  private func picked(rows: [Int], columns: [Int]) -> Image {
    let count = rows.count * columns.count * 3
    let picked = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      var to = 0
      for row in rows {
        for column in columns {
          let from = (row * width + column) * 3
          for channel in 0..<3 { target[to + channel] = pixels[from + channel] }
          to += 3
        }
      }
      filled = count
    }
    return Image(width: columns.count, height: rows.count, pixels: picked)
  }

  /// Some rows, each resized.
  private func resizedRows(_ rows: Range<Int>, _ weights: ResamplingWeights, with code: PixelCode) -> Image {
    let rowLength = width * 3
    let newWidth = weights.windows.count
    let count = rows.count * newWidth * 3
    let resized = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { pixels in
        weights.withResampling { resampling in
          withUnsafeTemporaryAllocation(
            byteCount: zoo_resize_rows_scratch(resampling, rowLength), alignment: 16
          ) { scratch in
            let source = UnsafeBufferPointer(rebasing: pixels[(rows.lowerBound * rowLength)...])
            zoo_resize_rows(
              code.number, resampling, source.baseAddress, source.count, rowLength, rows.count,
              scratch.baseAddress, target.baseAddress)
          }
        }
      }
      filled = count
    }
    return Image(width: newWidth, height: rows.count, pixels: resized)
  }

  /// All columns resized, where this image begins at row `first` of the one that the windows are of.
  private func resizedColumns(_ weights: ResamplingWeights, first: Int, with code: PixelCode) -> Image {
    let rowLength = width * 3
    let newHeight = weights.windows.count
    let resized = [UInt8](unsafeUninitializedCapacity: newHeight * rowLength) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        weights.withResampling { resampling in
          zoo_resize_columns(
            code.number, resampling, source.baseAddress, first, rowLength, target.baseAddress)
        }
      }
      filled = newHeight * rowLength
    }
    return Image(width: width, height: newHeight, pixels: resized)
  }
}
