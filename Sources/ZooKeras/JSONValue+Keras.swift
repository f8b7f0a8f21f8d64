import ZooWeightFiles

extension JSONValue {
  /// True or false as Python takes a value for one: of numbers, only 0 is false.
  var flag: Bool? { bool ?? number.map { $0 != 0 } }
}

extension String {
  /// Whether Python sorts it before `other`: by code points.
  func isBefore(_ other: String) -> Bool {
    unicodeScalars.lexicographicallyPrecedes(other.unicodeScalars)
  }
}
