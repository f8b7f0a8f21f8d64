import Testing
import ZooImageFiles
import ZooImages
import ZooSystem
import ZooTestSupport

/// A line of the fixtures' indices: what Pillow makes of an image file, at some size.
struct Golden: CustomStringConvertible, Sendable {
  let file: String
  let raw: String
  let height: Int
  let width: Int
  /// How it was brought to the size.
  let fitting: PictureFitting

  var description: String { raw }

  /// Files, decoded or resized bilinearly.
  static let all = read("index.txt")
  /// Files with an orientation, turned upright.
  static let oriented = read("oriented/index.txt")
  /// Files cropped and resized in many ways.
  static let fitted = read("fitted/index.txt")

  private static func read(_ name: String) -> [Golden] {
    guard let index = try? contents(fixtures + "/" + name) else { return [] }
    return String(decoding: index, as: UTF8.self).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count >= 4, let height = Int(fields[2]), let width = Int(fields[3]) else { return nil }
      var fitting = PictureFitting()
      if fields.count == 6 {
        guard let resampling = Resampling(rawValue: fields[4]) else { return nil }
        fitting.resampling = resampling
        switch fields[5] {
        case "none": fitting.crop = .none
        case "aspect": fitting.crop = .aspect
        case let text:
          guard let number = Double(text) else { return nil }
          fitting.crop = number > 1 ? .shortSide(Int(number)) : .fraction(number)
        }
      }
      return Golden(file: fields[0], raw: fields[1], height: height, width: width, fitting: fitting)
    }
  }

  func check(_ image: Image) throws {
    #expect(image.height == height && image.width == width)
    let expected = try contents(fixtures + "/" + raw)
    #expect(image.pixels.count == expected.count)
    let differences = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }
    #expect(differences.max() == 0)
  }
}

@Suite struct DecodingTests {
  @Test func thereAreGoldens() {
    #expect(Golden.all.count > 70)
    #expect(Golden.oriented.count == 33)
    #expect(Golden.fitted.count > 100)
  }

  @Test(arguments: Golden.all) func pillowsPixels(_ golden: Golden) throws {
    let image = try Image(path: fixtures + "/" + golden.file)
    for code in PixelCode.all {
      try golden.check(image.resized(height: golden.height, width: golden.width, with: code))
    }
  }

  /// Also as Keras, torchvision and timm crop.
  @Test(arguments: Golden.fitted) func pillowsSizes(_ golden: Golden) throws {
    let image = try Image(path: fixtures + "/" + golden.file)
    for code in PixelCode.all {
      try golden.check(
        try image.fitted(height: golden.height, width: golden.width, golden.fitting, with: code))
    }
  }

  @Test(arguments: Golden.oriented) func uprightAsPillowTurnsThem(_ golden: Golden) throws {
    let path = fixtures + "/" + golden.file
    try golden.check(try Image(path: path, upright: true))
    // Only TIFF is turned without asking, by Pillow too.
    let plain = try Image(path: path)
    #expect(plain.height == (golden.file.hasSuffix("tiff") ? golden.height : 11))
  }

  /// A picture of unlike pixels, so that each of the eight is another; turning one back gives the picture.
  @Test func allOrientationsDiffer() {
    let image = Image(width: 3, height: 2, pixels: (0..<18).map { UInt8($0) })
    let turned = Orientation.allCases.map { image.uprighted(from: $0) }
    #expect(Set(turned.map { "\($0.width) \($0.pixels)" }).count == 8)
    let inverses: [Orientation: Orientation] = [.turnedLeft: .turnedRight, .turnedRight: .turnedLeft]
    for orientation in Orientation.allCases {
      let back = image.uprighted(from: orientation).uprighted(from: inverses[orientation] ?? orientation)
      #expect(back == image, "\(orientation)")
    }
  }

  @Test func cropsThatMakeNoSense() throws {
    let image = try Image(path: fixtures + "/rgb.png")
    let crops: [PictureFitting.Crop] = [
      .fraction(0), .fraction(0.05), .fraction(1.5), .fraction(.nan), .shortSide(15), .shortSide(-1),
      .shortSide(1 << 20),
    ]
    for crop in crops {
      #expect(
        errorCode { _ = try image.fitted(height: 16, width: 16, PictureFitting(crop: crop)) }
          == .invalidArgument, "\(crop)")
    }
    for (height, width) in [(0, 4), (4, -1), (1 << 20, 4)] {
      #expect(
        errorCode { _ = try image.fitted(height: height, width: width, PictureFitting()) } == .invalidArgument
      )
    }
    // Only what is wanted of a long picture is computed: all of it would have 13 thousand million pixels.
    let long = Image(width: 100_000, height: 2, pixels: [UInt8](repeating: 7, count: 600_000))
    let fitted = try long.fitted(
      height: 224, width: 224, PictureFitting(resampling: .lanczos, crop: .shortSide(512)))
    #expect(fitted.pixels.allSatisfy { $0 == 7 } && fitted.pixels.count == 224 * 224 * 3)
  }

  @Test func deepColourWithAlphaKeepsItsColour() throws {
    // 16-bit RGBA goes through libpng's own reduction to 8 bits: within one step of the high byte.
    let image = try Image(path: fixtures + "/rgba16.png")
    let expected = try Image(path: fixtures + "/rgb16.png")
    #expect(zip(image.pixels, expected.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }

  @Test func plainYCbCrIsWithinOneStep() throws {
    let image = try Image(path: fixtures + "/ycbcr.tiff")
    let expected = try contents(fixtures + "/ycbcr-tiff.rgb")
    #expect(image.pixels.count == expected.count)
    #expect(zip(image.pixels, expected).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }

  @Test(
    .enabled(if: hasPhotographs, "the shared photographs are absent"),
    arguments: [
      ("bike.jpg", 0x8d69_d1f2_e05e_b2d4, 0xbaca_62c7_db4f_dba5),
      ("cat_swift.jpg", 0x4c32_8113_733a_e04f, 0x484a_e985_9469_eadb),
      ("dog.jpg", 0x2c42_d0da_26b0_0c2c, 0x0a26_701c_066c_1c2d),
      ("elephant.jpg", 0x9d54_df97_958a_1bab, 0x09a9_ac92_29cc_e77a),
      ("elephants_tract.jpg", 0x8650_30e8_5993_5d93, 0x03d2_1d15_3058_4c17),
      ("grace_hopper.jpg", 0x32ee_c84b_2fe7_f0e9, 0x9efb_f8df_032b_11cc),
      ("peacock.jpg", 0xc84d_5eae_0fac_8dd9, 0x900d_ca27_0cbb_b065),
      ("seagull.jpg", 0xe83a_9242_3397_945c, 0x4431_8d34_3384_9ef9),
      ("street_faces.jpg", 0x6d77_4eed_7ce6_28c7, 0x3312_d6eb_97e4_6763),
    ] as [(String, UInt64, UInt64)])
  func photograph(_ name: String, decoded: UInt64, resized: UInt64) throws {
    let image = try Image(path: photographs + "/" + name)
    #expect(checksum(image.pixels) == decoded)
    #expect(checksum(image.resized(height: 224, width: 224).pixels) == resized)
  }

  @Test func aFolder() throws {
    let found = try ImageFolder.images(in: fixtures)
    let files = Set((Golden.all + Golden.oriented).map { fixtures + "/" + $0.file })
      .union([fixtures + "/rgba16.png", fixtures + "/ycbcr.tiff"])
    #expect(found == files.sorted())
    #expect(errorCode { try ImageFolder.images(in: fixtures + "/absent") } == .cannotOpen)
  }
}
