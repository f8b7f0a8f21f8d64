import Testing
import ZooData
import ZooImages
import ZooSystem
import ZooTensor
import ZooTestSupport

@Suite struct DuplicateTests {
  /// Pictures of unlike content.
  private static let originals = (0..<40).map { seed in
    deadLeaves(height: 150 + seed, width: 180 + 2 * seed, seed: UInt64(seed))
  }

  private func hash(_ number: Int) -> XXH3Hasher.Digest { .init(high: splitMix64(UInt64(number)), low: 1) }

  private func groups(_ images: [Image?]) throws -> (groups: [Int], pairs: [DuplicateFinder.Pair]) {
    try DuplicateFinder.groups(
      fingerprints: images.map { $0.map { PictureFingerprint(of: $0) } },
      contentHashes: images.indices.map(hash))
  }

  @Test func unlikePicturesAreNoCopies() throws {
    let found = try groups(Self.originals)
    #expect(found.groups == Array(0..<40) && found.pairs.isEmpty)
  }

  @Test(arguments: ["same", "resized", "cropped", "brighter", "grey", "mirrored", "noisy"])
  func copiesAreFound(_ change: String) throws {
    let copies = try Self.originals.map { image in
      switch change {
      case "same": return image
      case "resized": return image.resized(height: image.height * 2 / 5, width: image.width * 2 / 5)
      case "cropped":
        let (x, y) = (image.width / 50, image.height / 50)
        return image.cropped(x: x..<image.width - x, y: y..<image.height - y)
      case "brighter":
        var view = PictureView()
        view.brightness = 280
        return try image.view(view, height: image.height, width: image.width)
      case "grey": return image.grey
      case "mirrored": return image.uprighted(from: .mirrored)
      default:
        let random = CounterRandom(seed: 3)
        let pixels = image.pixels.enumerated().map { UInt8(clamping: Int($1) + Int(random[$0] % 31) - 15) }
        return Image(width: image.width, height: image.height, pixels: pixels)
      }
    }
    let found = try groups(Self.originals + copies)
    let kind: DuplicateFinder.Kind = change == "same" ? .exact : change == "mirrored" ? .mirrored : .near
    let expected = Set((0..<40).map { DuplicateFinder.Pair(first: $0, second: $0 + 40, kind: kind) })
    #expect(Set(found.pairs).subtracting(expected).isEmpty)
    // Crops change the frequencies of some pictures too much.
    #expect(found.pairs.count >= (change == "cropped" ? 26 : 39), "\(found.pairs.count)")
    for pair in found.pairs { #expect(found.groups[pair.first] == found.groups[pair.second]) }
    #expect(Set(found.groups).count == 80 - found.pairs.count)
  }

  @Test func orderDoesNotMatter() throws {
    let images = Self.originals + Self.originals.prefix(20).map { $0.resized(height: 100, width: 120) }
    let prints = images.map { PictureFingerprint(of: $0) }
    func named(_ order: [Int]) throws -> Set<Set<Int>> {
      let found = try DuplicateFinder.groups(
        fingerprints: order.map { prints[$0] }, contentHashes: order.map(hash))
      return Set(found.pairs.map { [order[$0.first], order[$0.second]] })
    }
    let plain = try named(Array(images.indices))
    #expect(plain.count >= 18)
    #expect(try named(images.indices.reversed()) == plain)
    let random = CounterRandom(seed: 1)
    #expect(try named(images.indices.sorted { random[$0] < random[$1] }) == plain)
  }

  @Test func picturesOfOneColour() throws {
    let flat = [0, 128, 255, 255].enumerated().map { index, value in
      Image(width: 30 + index, height: 30, pixels: [UInt8](repeating: UInt8(value), count: (30 + index) * 90))
    }
    #expect(flat.allSatisfy { PictureFingerprint(of: $0).isFlat })
    // Not even those with the same pixels: drawings can have lost what they show with their transparency.
    #expect(try groups(flat + flat).pairs.isEmpty)
    let prints = (flat + flat).map { PictureFingerprint(of: $0) }
    let found = try DuplicateFinder.groups(fingerprints: prints, contentHashes: (0..<8).map { hash($0 % 4) })
    #expect(found.pairs == (0..<4).map { .init(first: $0, second: $0 + 4, kind: .exact) })
  }

  @Test func picturesThatCannotBeDecoded() throws {
    let found = try DuplicateFinder.groups(
      fingerprints: [nil, nil, nil], contentHashes: [hash(1), hash(2), hash(1)])
    #expect(found.groups == [0, 1, 0])
    #expect(found.pairs == [.init(first: 0, second: 2, kind: .exact)])
    let none = try DuplicateFinder.groups(fingerprints: [], contentHashes: [])
    #expect(none.groups.isEmpty && none.pairs.isEmpty)
  }

  @Test func encoding() {
    for image in Self.originals.prefix(3) + [Image(width: 1, height: 1, pixels: [1, 2, 3])] {
      let print = PictureFingerprint(of: image)
      #expect(print.bytes.count == PictureFingerprint.byteCount)
      #expect(PictureFingerprint(bytes: print.bytes) == print)
      #expect(PictureFingerprint(bytes: print.bytes.dropLast()) == nil)
      #expect(print.width == image.width && print.height == image.height)
      #expect(print.mirroredHash == PictureFingerprint(of: image.uprighted(from: .mirrored)).hash)
    }
  }

  /// Thousands of pictures that differ in little: the search must not compare all with all.
  @Test func manyAlikePictures() throws {
    let base = PictureFingerprint(of: Self.originals[0]).bytes
    let prints = (0..<5000).map { number -> PictureFingerprint? in
      var bytes = base
      for place in 24..<40 {
        bytes[place] = UInt8(truncatingIfNeeded: splitMix64(UInt64(number * 16 + place)))
      }
      return PictureFingerprint(bytes: bytes)
    }
    let found = try DuplicateFinder.groups(fingerprints: prints, contentHashes: (0..<5000).map(hash))
    #expect(Set(found.groups).count == 1)
    #expect(found.pairs.count < 1_000_000)
  }
}
