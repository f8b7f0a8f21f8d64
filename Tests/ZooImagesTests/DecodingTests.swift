import Testing
import ZooImageFiles
import ZooImages
import ZooSystem
import ZooTestSupport

/// A line of the fixtures' index: what Pillow makes of an image file, at some size.
struct Golden: CustomStringConvertible, Sendable {
  let file: String
  let raw: String
  let height: Int
  let width: Int

  var description: String { raw }

  static let all: [Golden] = {
    guard let index = try? contents(fixtures + "/index.txt") else { return [] }
    return String(decoding: index, as: UTF8.self).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count == 4, let height = Int(fields[2]), let width = Int(fields[3]) else { return nil }
      return Golden(file: fields[0], raw: fields[1], height: height, width: width)
    }
  }()
}

@Suite struct DecodingTests {
  @Test func thereAreGoldens() { #expect(Golden.all.count > 20) }

  @Test(arguments: Golden.all) func pillowsPixels(_ golden: Golden) throws {
    let image = try Image(path: fixtures + "/" + golden.file)
      .resized(height: golden.height, width: golden.width)
    #expect(image.height == golden.height && image.width == golden.width)
    let expected = try contents(fixtures + "/" + golden.raw)
    #expect(image.pixels.count == expected.count)
    let differences = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }
    #expect(differences.max() == 0)
  }

  @Test func deepColourWithAlphaKeepsItsColour() throws {
    // 16-bit RGBA goes through libpng's own reduction to 8 bits: within one step of the high byte.
    let image = try Image(path: fixtures + "/rgba16.png")
    let expected = try Image(path: fixtures + "/rgb16.png")
    #expect(zip(image.pixels, expected.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
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
    let files = Set(Golden.all.map { fixtures + "/" + $0.file }).union([fixtures + "/rgba16.png"])
    #expect(found == files.sorted())
    #expect(errorCode { try ImageFolder.images(in: fixtures + "/absent") } == .cannotOpen)
  }
}
