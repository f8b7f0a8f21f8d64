import Testing
import ZooImages
import ZooSystem

@Suite struct ViewTests {
  private static let picture = deadLeaves(height: 300, width: 400, seed: 1)
  private static let content = XXH3Hasher.Digest(high: 1, low: 2)

  private static func view(_ number: Int, _ strength: PictureView.Strength, seed: UInt64 = 7) -> PictureView {
    PictureViews(seed: seed, strength: strength).view(number, of: content)
  }

  /// The same on every machine and with every compiler: all arithmetic is exact.
  @Test(arguments: [
    (PictureView.Strength.light, 1, 0xb751_d20c_bfdd_e47f as UInt64), (.light, 2, 0x1538_521d_4dd1_f4ab),
    (.light, 17, 0xcd08_e138_604b_88b6), (.strong, 1, 0x1ba4_2c5e_1343_4fd1),
    (.strong, 2, 0x1bdf_ef76_0d37_da31),
    (.strong, 17, 0xa2ee_7002_c7ef_5333),
  ])
  func goldens(_ strength: PictureView.Strength, _ number: Int, _ expected: UInt64) throws {
    let view = Self.view(number, strength)
    let image = try Self.picture.view(view, height: 96, width: 128)
    #expect(image.height == 96 && image.width == 128)
    #expect(checksum(image.pixels) == expected)
    let base = Self.picture.resized(height: 24 * view.detail, width: 32 * view.detail)
    for code in PixelCode.all {
      #expect(base.transformed(by: view, height: 96, width: 128, with: code) == image, "\(code.name)")
    }
  }

  /// Also at sizes that are no multiple of a vector, beyond the edges, and of pictures of few pixels.
  @Test func allCodesAgree() throws {
    let portable = try #require(PixelCode.all.last)
    for (number, (height, width)) in [(1, 1), (1, 40), (3, 2), (9, 5), (37, 23), (64, 81)].enumerated() {
      let image = deadLeaves(height: height, width: width, seed: UInt64(number))
      for number in 1...60 {
        let view = Self.view(number, .strong)
        let (newHeight, newWidth) = (1 + number % 7, 1 + number % 19)
        let expected = image.transformed(by: view, height: newHeight, width: newWidth, with: portable)
        for code in PixelCode.all {
          let shown = image.transformed(by: view, height: newHeight, width: newWidth, with: code)
          #expect(shown == expected, "\(code.name): view \(number) of \(height)x\(width)")
        }
      }
    }
  }

  @Test func viewZeroIsThePicture() throws {
    for strength in PictureView.Strength.allCases {
      #expect(Self.view(0, strength) == PictureView() && PictureView().isPlain)
    }
    for crop in [PictureFitting.Crop.none, .aspect, .fraction(0.875), .shortSide(80)] {
      let fitting = PictureFitting(resampling: .bicubic, crop: crop)
      #expect(
        try Self.picture.view(PictureView(), height: 64, width: 64, fitting: fitting)
          == Self.picture.fitted(height: 64, width: 64, fitting))
    }
  }

  @Test func viewsWithoutFlipsAreOtherwiseTheSame() {
    let views = PictureViews(seed: 7, strength: .strong, areFlipped: false)
    for number in 0...100 {
      var view = Self.view(number, .strong)
      view.isFlipped = false
      #expect(views.view(number, of: Self.content) == view)
    }
  }

  @Test func aFlippedPictureIsTheMirrorImage() throws {
    let plain = try Self.picture.view(PictureView(), height: 60, width: 80)
    #expect(
      try Self.picture.view(.flipped, height: 60, width: 80) == plain.uprighted(from: .mirrored))
  }

  @Test func parametersAreInRangeAndDiffer() {
    for strength in PictureView.Strength.allCases {
      let views = (1...2000).map { Self.view($0, strength) }
      #expect(Set(views).count == views.count)
      #expect(Set(views).isDisjoint(with: (1...2000).map { Self.view($0, strength, seed: 8) }))
      let smallest = strength == .light ? 0.69 : 0.34
      for view in views {
        let area = Double(view.width * view.height) / (65536 * 65536)
        #expect(area > smallest && area <= 1)
        #expect(view.left >= 0 && view.top >= 0 && view.left + view.width <= 65536)
        #expect(view.top + view.height <= 65536)
        #expect(abs(view.turn) <= (strength == .light ? 0 : 60))
        #expect([view.brightness, view.contrast, view.saturation].allSatisfy { abs($0 - 256) <= 77 })
      }
      let flipped = views.count { $0.isFlipped }
      #expect((900...1100).contains(flipped))
      #expect(abs(views.reduce(0) { $0 + $1.brightness } / 2000 - 256) <= 3)
      #expect((strength == .light ? 0...0 : 330...470).contains(views.count { $0.blur > 0 }))
    }
  }

  @Test func severalAtOnceAreTheSame() throws {
    let views = [PictureView()] + (1...4).flatMap { [Self.view($0, .light), Self.view($0, .strong)] }
    let fitting = PictureFitting(crop: .shortSide(100))
    let together = try Self.picture.views(views, height: 80, width: 96, fitting: fitting)
    for (view, image) in zip(views, together) {
      #expect(try Self.picture.view(view, height: 80, width: 96, fitting: fitting) == image)
    }
  }

  /// A view that changes nothing, at the picture's own size, is the picture; one that flips is its mirror image.
  @Test func mapsAreExact() throws {
    let size = (height: Self.picture.height, width: Self.picture.width)
    var view = PictureView()
    view.isFlipped = true
    let flipped = try Self.picture.view(view, height: size.height, width: size.width)
    #expect(flipped == Self.picture.uprighted(from: .mirrored))
    #expect(try flipped.view(view, height: size.height, width: size.width) == Self.picture)
    // A crop to whole pixels, seen at the picture's own scale.
    view = PictureView()
    (view.left, view.top, view.width, view.height, view.detail) = (16384, 32768, 32768, 32768, 8)
    #expect(
      try Self.picture.view(view, height: 150, width: 200) == Self.picture.cropped(x: 100..<300, y: 150..<300)
    )
  }

  @Test func turnsGoClockwise() throws {
    // The upper half is white: turned clockwise, the upper right becomes white further down.
    let rows = (0..<100).map { [UInt8](repeating: $0 < 50 ? 255 : 0, count: 300) }
    let image = Image(width: 100, height: 100, pixels: Array(rows.joined()))
    var view = PictureView()
    view.turn = 60
    let turned = try image.view(view, height: 100, width: 100)
    func white(_ x: Int) -> Int { (0..<100).count { turned.pixels[($0 * 100 + x) * 3] > 127 } }
    // tan 15° times 40 pixels.
    #expect(abs(white(90) - (50 + 11)) <= 1 && abs(white(10) - (50 - 11)) <= 1, "\(white(10)) \(white(90))")
  }

  @Test func colours() throws {
    func pixel(_ color: [UInt8], _ change: (inout PictureView) -> Void) throws -> [UInt8] {
      let image = Image(width: 4, height: 4, pixels: Array([[UInt8]](repeating: color, count: 16).joined()))
      var view = PictureView()
      change(&view)
      return Array(try image.view(view, height: 4, width: 4).pixels.prefix(3))
    }
    #expect(try pixel([100, 50, 200]) { $0.brightness = 384 } == [150, 75, 255])
    #expect(try pixel([200, 100, 50]) { $0.saturation = 0 } == [118, 118, 118])
    // A picture of one grey has no contrast to change; grey has no colour to turn.
    #expect(try pixel([90, 90, 90]) { $0.contrast = 512 } == [90, 90, 90])
    #expect(try pixel([90, 90, 90]) { ($0.hue, $0.saturation) = (45, 300) } == [90, 90, 90])
    #expect(try pixel([255, 255, 255]) { $0.hue = 15 } == [255, 255, 255])
    let turned = try pixel([200, 40, 40]) { $0.hue = 30 }
    #expect(turned[1] > turned[2] && turned[0] > turned[1], "red turns towards yellow: \(turned)")
  }

  @Test func smallAndLongPictures() throws {
    for (height, width) in [(1, 1), (1, 500), (500, 1), (2, 3)] {
      let image = Image(
        width: width, height: height,
        pixels: (0..<height * width * 3).map { UInt8(truncatingIfNeeded: $0 * 7) })
      for number in 0..<20 {
        let view = try image.view(Self.view(number, .strong), height: 5, width: 7)
        #expect(view.height == 5 && view.width == 7)
      }
    }
    let even = Image(width: 30, height: 20, pixels: [UInt8](repeating: 77, count: 1800))
    var view = Self.view(3, .strong)
    (view.brightness, view.contrast, view.saturation, view.hue) = (256, 256, 256, 0)
    #expect(try even.view(view, height: 16, width: 16).pixels.allSatisfy { $0 == 77 })
  }
}
