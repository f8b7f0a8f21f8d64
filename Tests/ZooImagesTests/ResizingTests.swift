import Testing
import ZooImages
import ZooSystem
import ZooTensor

@Suite struct ResizingTests {
  private static let filters: [Resampling] = [.box, .bilinear, .hamming, .bicubic, .lanczos]

  /// Pixels without any order, many of them black or white: where sums leave the range of levels.
  private static func noise(height: Int, width: Int, seed: UInt64) -> Image {
    let random = CounterRandom(seed: seed)
    let pixels = (0..<height * width * 3).map { place -> UInt8 in
      let bits = random[place]
      return bits & 3 == 0 ? 0 : bits & 3 == 1 ? 255 : UInt8(truncatingIfNeeded: bits >> 8)
    }
    return Image(width: width, height: height, pixels: pixels)
  }

  @Test func theLastCodeRunsEverywhere() {
    #expect(PixelCode.all.last?.name == "portable")
    #expect(PixelCode.fastest == PixelCode.all.first)
  }

  /// Rows are resized by other code than columns; a picture and its transpose have to agree.
  @Test(arguments: filters)
  func rowsAndColumnsAgree(_ filter: Resampling) {
    for (size, newSize) in [
      (500, 3), (500, 1), (333, 100), (97, 13), (64, 32), (65, 31), (640, 224), (30, 80),
    ] {
      let image = deadLeaves(height: 5, width: size, seed: UInt64(size))
      let resized = image.resized(height: 5, width: newSize, by: filter)
      let turned = image.uprighted(from: .transposed).resized(height: newSize, width: 5, by: filter)
      #expect(resized == turned.uprighted(from: .transposed), "\(size) to \(newSize)")
    }
  }

  /// All widths around those of vectors, and few rows: where rows end with the picture's memory.
  @Test(arguments: filters) func allCodesAgree(_ filter: Resampling) throws {
    let portable = try #require(PixelCode.all.last)
    for width in 1...40 {
      for (height, newHeight, newWidth) in [(1, 1, 7), (2, 5, 1), (5, 3, 40), (9, 2, 13), (6, 11, 95)] {
        let image = Self.noise(height: height, width: width, seed: UInt64(width * 16 + height))
        let expected = image.resized(height: newHeight, width: newWidth, by: filter, with: portable)
        for code in PixelCode.all {
          let resized = image.resized(height: newHeight, width: newWidth, by: filter, with: code)
          #expect(resized == expected, "\(code.name): \(height)x\(width) to \(newHeight)x\(newWidth)")
        }
      }
    }
    let fitting = PictureFitting(resampling: filter, crop: .fraction(0.7))
    for (height, width) in [(301, 403), (17, 1999), (1023, 31)] {
      let image = Self.noise(height: height, width: width, seed: UInt64(height))
      let expected = try image.fitted(height: 97, width: 65, fitting, with: portable)
      for code in PixelCode.all {
        let fitted = try image.fitted(height: 97, width: 65, fitting, with: code)
        #expect(fitted == expected, "\(code.name): \(height)x\(width)")
      }
    }
  }
}
