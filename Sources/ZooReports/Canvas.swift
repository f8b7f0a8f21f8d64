/// Pixels to draw and write on, for what a picture file has to say of itself.
struct Canvas {
  let width: Int
  let height: Int
  private(set) var pixels: [UInt8]

  init(width: Int, height: Int, colour: (UInt8, UInt8, UInt8)) {
    self.width = width
    self.height = height
    pixels = (0..<width * height).flatMap { _ in [colour.0, colour.1, colour.2] }
  }

  /// Fills the part of a rectangle that lies on the canvas.
  mutating func fill(x: Int, y: Int, width: Int, height: Int, colour: (UInt8, UInt8, UInt8)) {
    for row in max(0, y)..<max(0, y, min(self.height, y + height)) {
      for column in max(0, x)..<max(0, x, min(self.width, x + width)) {
        let index = (row * self.width + column) * 3
        (pixels[index], pixels[index + 1], pixels[index + 2]) = colour
      }
    }
  }

  /// Writes letters of 5 by 7 dots, `scale` pixels each; what is not ASCII is a question mark.
  mutating func write(_ text: String, x: Int, y: Int, scale: Int) {
    var left = x
    for character in text {
      let value = character == "…" ? 126 : Int(character.asciiValue ?? 63)
      let columns = Self.dots[Self.dots.indices.contains(value - 32) ? value - 32 : 31]
      for column in 0..<5 {
        let bits = columns >> (8 * (4 - column)) & 0xff
        for row in 0..<8 where bits >> row & 1 == 1 {
          fill(
            x: left + column * scale, y: y + row * scale, width: scale, height: scale,
            colour: (235, 237, 240))
        }
      }
      left += 6 * scale
    }
  }

  static func width(of text: String, scale: Int) -> Int { text.count * 6 * scale }

  /// Of the characters from the blank on: five columns of eight dots, the first column in the highest byte, the
  /// uppermost dot in the lowest bit. The last is an ellipsis.
  private static let dots: [UInt64] = [
    0x00_00_00_00_00, 0x00_00_5f_00_00, 0x00_07_00_07_00, 0x14_7f_14_7f_14, 0x24_2a_7f_2a_12,
    0x23_13_08_64_62, 0x36_49_56_20_50, 0x00_08_07_03_00, 0x00_1c_22_41_00, 0x00_41_22_1c_00,
    0x2a_1c_7f_1c_2a, 0x08_08_3e_08_08, 0x00_80_70_30_00, 0x08_08_08_08_08, 0x00_00_60_60_00,
    0x20_10_08_04_02, 0x3e_51_49_45_3e, 0x00_42_7f_40_00, 0x72_49_49_49_46, 0x21_41_49_4d_33,
    0x18_14_12_7f_10, 0x27_45_45_45_39, 0x3c_4a_49_49_31, 0x41_21_11_09_07, 0x36_49_49_49_36,
    0x46_49_49_29_1e, 0x00_00_14_00_00, 0x00_40_34_00_00, 0x00_08_14_22_41, 0x14_14_14_14_14,
    0x00_41_22_14_08, 0x02_01_59_09_06, 0x3e_41_5d_59_4e, 0x7c_12_11_12_7c, 0x7f_49_49_49_36,
    0x3e_41_41_41_22, 0x7f_41_41_41_3e, 0x7f_49_49_49_41, 0x7f_09_09_09_01, 0x3e_41_41_51_73,
    0x7f_08_08_08_7f, 0x00_41_7f_41_00, 0x20_40_41_3f_01, 0x7f_08_14_22_41, 0x7f_40_40_40_40,
    0x7f_02_1c_02_7f, 0x7f_04_08_10_7f, 0x3e_41_41_41_3e, 0x7f_09_09_09_06, 0x3e_41_51_21_5e,
    0x7f_09_19_29_46, 0x26_49_49_49_32, 0x03_01_7f_01_03, 0x3f_40_40_40_3f, 0x1f_20_40_20_1f,
    0x3f_40_38_40_3f, 0x63_14_08_14_63, 0x03_04_78_04_03, 0x61_59_49_4d_43, 0x00_7f_41_41_41,
    0x02_04_08_10_20, 0x00_41_41_41_7f, 0x04_02_01_02_04, 0x40_40_40_40_40, 0x00_03_07_08_00,
    0x20_54_54_78_40, 0x7f_28_44_44_38, 0x38_44_44_44_28, 0x38_44_44_28_7f, 0x38_54_54_54_18,
    0x00_08_7e_09_02, 0x18_a4_a4_9c_78, 0x7f_08_04_04_78, 0x00_44_7d_40_00, 0x20_40_40_3d_00,
    0x7f_10_28_44_00, 0x00_41_7f_40_00, 0x7c_04_78_04_78, 0x7c_08_04_04_78, 0x38_44_44_44_38,
    0xfc_18_24_24_18, 0x18_24_24_18_fc, 0x7c_08_04_04_08, 0x48_54_54_54_24, 0x04_04_3f_44_24,
    0x3c_40_40_20_7c, 0x1c_20_40_20_1c, 0x3c_40_30_40_3c, 0x44_28_10_28_44, 0x4c_90_90_90_7c,
    0x44_64_54_4c_44, 0x00_08_36_41_00, 0x00_00_77_00_00, 0x00_41_36_08_00, 0x00_60_00_60_00,
  ]
}
