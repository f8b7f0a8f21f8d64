/// Where the codes of a value lie.
struct CodedValue {
  /// Its codes, seen through padding; `nil` where there are only wide ones.
  var codes: View?
  /// Its wide codes.
  var wide: Place?
}

extension Place {
  /// A good distance between the pixels of codes.
  static func codedPixel(_ channels: Int) -> Int { channels < 16 ? channels : wholeLines(channels) }
}
