/// Names as Core ML takes them: letters, digits and underscores, each given once.
struct CoreMLNames {
  private var used = Self.reserved
  private var counts: [String: Int] = [:]

  /// Words of MIL's text form.
  private static let reserved: Set<String> = [
    "any", "bool", "program", "func", "tensor", "list", "dict", "tuple", "true", "false", "string", "state",
    "bf16", "fp16", "fp32", "fp64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
  ]

  mutating func unique(_ name: String) -> String {
    var plain = String(
      name.unicodeScalars.map { scalar in
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
          ? Character(scalar) : "_"
      })
    if plain.first?.isLetter != true { plain = "_" + plain }
    var candidate = plain
    while !used.insert(candidate).inserted {
      candidate = "\(plain)_\(counts[plain, default: 0])"
      counts[plain, default: 0] += 1
    }
    return candidate
  }
}
