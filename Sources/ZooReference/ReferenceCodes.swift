import ZooGraph
import ZooTensor

/// A value of the integer reference in one or more forms, all that it has been written or read in.
struct ReferenceCodes {
  let code: ValueCode?
  let channels: Int
  var floats: [Double]?
  var codes: [UInt8]?
  var wide: [UInt16]?

  /// Its codes; those of its floats where it has none.
  mutating func readCodes() -> [UInt8] {
    if let codes { return codes }
    guard let code, let floats else { return [] }
    let made = floats.enumerated().map { index, value in
      let channel = index % channels
      let y = Float(value) * Float(1 / Double(code.scale(channel)))
      return UInt8(rounded(y + Float(code.origin(channel)), most: 255))
    }
    codes = made
    return made
  }

  /// Its floats; those of its codes where it has none.
  mutating func readFloats() -> [Double] {
    if let floats { return floats }
    guard let code else { return [] }
    let made: [Double]
    if let codes {
      made = codes.enumerated().map { index, x in
        let channel = index % channels
        return Double((Float(x) - Float(code.origin(channel))) * code.scale(channel))
      }
    } else {
      made = (wide ?? []).enumerated().map { index, x in
        let channel = index % channels
        return Double((Float(x) - 256 * Float(code.origin(channel))) * (code.scale(channel) / 256))
      }
    }
    floats = made
    return made
  }

  /// What is added to a sum.
  mutating func readTerm(isWide: Bool) -> [Float] {
    if isWide, let wide { return wide.map { Float($0) } }
    return readCodes().map { Float($0) }
  }
}

/// To the nearest whole number, ties to the even one, from 0 to `most`.
func rounded(_ y: Float, most: Float) -> Float { min(most, max(0, y)).rounded(.toNearestOrEven) }
