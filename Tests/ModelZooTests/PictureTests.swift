import Foundation
import ModelZooTools
import Testing
import ZooSystem

/// Pictures as programs make, cut and resize them.
@Suite struct PictureTests {
  private static let photograph = ModelZooTests.folder.appending(path: "pictures/three.jpg").path
  private static let images = ModelZooTests.folder.deletingLastPathComponent().appending(path: "images")

  private func code(_ body: () throws -> Void) -> ZooError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? ZooError)?.code
    }
  }

  /// Two rows of three pixels in every format, in rows that are filled up to 16 bytes.
  @Test(arguments: Picture.PixelFormat.allCases) func pixelFormats(_ format: Picture.PixelFormat) throws {
    let isGrey = format == .grey
    let rgb: [UInt8] =
      isGrey ? (1...6).flatMap { [UInt8($0), UInt8($0), UInt8($0)] } : (1...18).map { UInt8($0) }
    var rows: [[UInt8]] = [[], []]
    for pixel in 0..<6 {
      let (r, g, b) = (rgb[pixel * 3], rgb[pixel * 3 + 1], rgb[pixel * 3 + 2])
      let bytes: [UInt8] =
        switch format {
        case .rgb: [r, g, b]
        case .bgr: [b, g, r]
        case .rgba: [r, g, b, 99]
        case .bgra: [b, g, r, 99]
        case .argb: [99, r, g, b]
        case .grey: [r]
        }
      rows[pixel / 3] += bytes
    }
    let dense = try Picture(width: 3, height: 2, bytes: rows[0] + rows[1], format: format)
    #expect(dense.pixels == rgb)
    #expect(try Picture(width: 3, height: 2, rgb: rgb) == dense)
    // The last row need not be filled up.
    let padding = [UInt8](repeating: 77, count: 16 - rows[0].count)
    let padded = rows[0] + padding + rows[1]
    #expect(try Picture(width: 3, height: 2, bytes: padded, format: format, rowStride: 16) == dense)
    let few = padded.dropLast()
    #expect(
      code { _ = try Picture(width: 3, height: 2, bytes: Array(few), format: format, rowStride: 16) }
        == .invalidArgument)
    for (width, height, stride) in [
      (3, 2, 2), (0, 2, 16), (3, -1, 16), (.max, .max, nil), (3, 3, 16), (3, 2, .max), (3, 2, -16),
    ] as [(Int, Int, Int?)] where !(isGrey && stride == 2) {
      #expect(
        code {
          _ = try Picture(width: width, height: height, bytes: padded, format: format, rowStride: stride)
        } == .invalidArgument, "\(width)x\(height), \(stride ?? 0)")
    }
  }

  @Test func partsAndSizes() throws {
    let picture = try Picture(path: Self.photograph)
    let part = try picture.cropped(x: 10..<14, y: 90..<96)
    #expect(part.width == 4 && part.height == 6)
    #expect(Array(part.pixels.prefix(3)) == Array(picture.pixels[(90 * 96 + 10) * 3..<(90 * 96 + 11) * 3]))
    for (x, y) in [(0..<97, 0..<1), (0..<0, 0..<1), (-1..<3, 0..<1), (0..<1, 95..<97)] {
      #expect(code { _ = try picture.cropped(x: x, y: y) } == .invalidArgument)
    }
    #expect(try picture.resized(width: 96, height: 96, resampling: .lanczos) == picture)
    let small = try picture.resized(width: 24, height: 12, resampling: .box)
    #expect(small.width == 24 && small.height == 12)
    #expect(code { _ = try picture.resized(width: 0, height: 5) } == .invalidArgument)
    let fitting = PictureFitting(resampling: .bicubic, crop: .fraction(0.875))
    #expect(try picture.fitted(width: 32, height: 32, fitting).pixels.count == 32 * 32 * 3)
  }

  @Test func uprightFromFilesAndBytes() throws {
    let path = Self.images.appending(path: "oriented/6.jpg").path
    let data = try Data(contentsOf: URL(filePath: path))
    let (plain, upright) = (try Picture(path: path), try Picture(path: path, upright: true))
    #expect(plain.width == 7 && plain.height == 11 && upright.width == 11 && upright.height == 7)
    #expect(try Picture(encoded: data, upright: true) == upright)
    #expect(try Picture(encoded: data) == plain)
  }

  @Test func aModelsUsersCropAndResize() throws {
    let model = try Model(converting: ModelZooTests.weights)
    let picture = try Picture(path: Self.photograph)
    let fitting = PictureFitting(resampling: .nearest, crop: .fraction(0.8))
    let fitted = try picture.fitted(width: model.inputShape[1], height: model.inputShape[0], fitting)

    var classifier = try Classifier(model: model)
    let plain = try classifier.classify(picture)
    let expected = try classifier.classify(fitted)
    classifier.fitting = fitting
    let cropped = try classifier.classify(picture)
    #expect(cropped == expected && cropped != plain)

    var backbone = try Backbone(model: model, pooling: .average)
    let features = try backbone.features(of: [fitted])
    backbone.fitting = fitting
    #expect(try backbone.features(of: [picture]).values == features.values)
    backbone.fitting.crop = .shortSide(3)
    #expect(code { _ = try backbone.features(of: [picture]) } == .invalidArgument)
  }
}
