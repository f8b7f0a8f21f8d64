import ZooSystem

extension Image {
  /// The image at another size, by the pixel rule of Pillow's `Image.resize`.
  ///
  /// First along rows, then along columns, each rounded to 8 bits, with coefficients in fixed point: bit for bit
  /// Pillow's result (its `libImaging/Resample.c`). From version 13 Pillow takes the columns first for some ratios,
  /// of images that become wider and lower or are far higher than wide: there a value can differ by one.
  /// - Precondition: both sides are positive.
  package func resized(height newHeight: Int, width newWidth: Int, by filter: Resampling = .bilinear) -> Image
  {
    precondition(newHeight > 0 && newWidth > 0, "a size of \(newHeight)x\(newWidth)")
    return resized(
      rows: ResizedAxis(size: height, newSize: newHeight),
      columns: ResizedAxis(size: width, newSize: newWidth),
      by: filter)
  }

  /// The picture in proportion, with no side longer than `side` pixels.
  package func fitted(within side: Int) -> Image {
    let longer = max(width, height)
    guard longer > side, side > 0 else { return self }
    func scaled(_ length: Int) -> Int { max(1, (length * side + longer / 2) / longer) }
    return resized(height: scaled(height), width: scaled(width))
  }

  /// The wanted part of the resized image; nothing else is computed.
  func resized(rows: ResizedAxis, columns: ResizedAxis, by filter: Resampling) -> Image {
    if rows.isUnchanged && columns.isUnchanged { return cropped(x: columns.wanted, y: rows.wanted) }
    if filter == .nearest { return picked(rows: rows.nearest, columns: columns.nearest) }
    // The rows that the second pass reads.
    let weights = ResamplingWeights(filter, rows)
    let read =
      rows.isUnchanged
      ? rows.wanted
      : (weights.windows.map(\.lowerBound).min() ?? 0)..<(weights.windows.map(\.upperBound).max() ?? 0)
    let narrowed =
      columns.isUnchanged
      ? cropped(x: columns.wanted, y: read)
      : resizedRows(read, ResamplingWeights(filter, columns))
    return rows.isUnchanged ? narrowed : narrowed.resizedColumns(weights, first: read.lowerBound)
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
  private func resizedRows(_ rows: Range<Int>, _ filter: ResamplingWeights) -> Image {
    let newWidth = filter.windows.count
    if let pairs = PairedWeights(filter) { return resizedRows(rows, pairs) }
    let count = rows.count * newWidth * 3
    let resized = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        filter.weights.withUnsafeBufferPointer { weights in
          for row in rows {
            for x in 0..<newWidth {
              let window = filter.windows[x]
              var from = (row * width + window.lowerBound) * 3
              var red = ResamplingWeights.half
              var green = ResamplingWeights.half
              var blue = ResamplingWeights.half
              for tap in 0..<window.count {
                let weight = weights[x &* filter.stride &+ tap]
                red &+= Int32(source[from]) &* weight
                green &+= Int32(source[from &+ 1]) &* weight
                blue &+= Int32(source[from &+ 2]) &* weight
                from &+= 3
              }
              let to = ((row - rows.lowerBound) * newWidth + x) * 3
              target[to] = ResamplingWeights.rounded(red)
              target[to + 1] = ResamplingWeights.rounded(green)
              target[to + 2] = ResamplingWeights.rounded(blue)
            }
          }
        }
      }
      filled = count
    }
    return Image(width: newWidth, height: rows.count, pixels: resized)
  }

  /// The same where at most two windows overlap: each old pixel is read once.
  private func resizedRows(_ rows: Range<Int>, _ filter: PairedWeights) -> Image {
    let newWidth = filter.ends.count
    let count = rows.count * newWidth * 3
    let width = width
    let resized = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        filter.weights.withUnsafeBufferPointer { weights in
          filter.ends.withUnsafeBufferPointer { ends in
            var to = 0
            for row in rows {
              var place = filter.first
              var from = (row * width + place) * 3
              var red = PairedWeights.start
              var green = PairedWeights.start
              var blue = PairedWeights.start
              for end in ends {
                while place < end {
                  let weight = weights[place]
                  red &+= UInt64(source[from]) &* weight
                  green &+= UInt64(source[from &+ 1]) &* weight
                  blue &+= UInt64(source[from &+ 2]) &* weight
                  from &+= 3
                  place &+= 1
                }
                target[to] = PairedWeights.takeNext(&red)
                target[to &+ 1] = PairedWeights.takeNext(&green)
                target[to &+ 2] = PairedWeights.takeNext(&blue)
                to &+= 3
              }
            }
          }
        }
      }
      filled = count
    }
    return Image(width: newWidth, height: rows.count, pixels: resized)
  }

  /// All columns resized, where this image begins at row `first` of the one that the windows are of.
  private func resizedColumns(_ filter: ResamplingWeights, first: Int) -> Image {
    let rowLength = width * 3
    let newHeight = filter.windows.count
    var sums = [Int32](repeating: 0, count: rowLength)
    let resized = [UInt8](unsafeUninitializedCapacity: newHeight * rowLength) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        sums.withUnsafeMutableBufferPointer { sums in
          for y in 0..<newHeight {
            sums.update(repeating: ResamplingWeights.half)
            let window = filter.windows[y]
            for tap in 0..<window.count {
              let weight = filter.weights[y * filter.stride + tap]
              let from = (window.lowerBound - first + tap) * rowLength
              for x in 0..<rowLength { sums[x] &+= Int32(source[from &+ x]) &* weight }
            }
            for x in 0..<rowLength { target[y * rowLength + x] = ResamplingWeights.rounded(sums[x]) }
          }
        }
      }
      filled = newHeight * rowLength
    }
    return Image(width: width, height: newHeight, pixels: resized)
  }
}
