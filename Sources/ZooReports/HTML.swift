/// Markup that is safe by construction: what is written in the source is markup, and what is interpolated is text.
///
///     let cell: HTML = "<td>\(name)</td>"   // a name with <, & or quotes is shown as it is
///
/// Markup inside markup is interpolated as ``HTML`` and stays what it is. Attributes are written in double quotes.
package struct HTML: Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
  /// The markup.
  package private(set) var text: String

  package init(stringLiteral value: String) { text = value }
  package init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  /// Nothing.
  package init() { text = "" }

  /// What was made as markup by the project's own code.
  init(markup: String) { text = markup }

  package var description: String { text }

  package static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.text + right.text) }
  package static func += (left: inout HTML, right: HTML) { left.text += right.text }

  /// Takes literals as they are and escapes all else.
  package struct Interpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }
    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ value: HTML) { text += value.text }
    package mutating func appendInterpolation(_ value: String) { text += HTML.escaped(value) }
    package mutating func appendInterpolation(_ value: Int) { text += String(value) }
    /// Coordinates and other measures, with at most two decimals.
    package mutating func appendInterpolation(_ value: Double) { text += HTML.number(value) }
  }

  /// The text without anything that a browser or a reader of the source could take for markup.
  ///
  /// Control characters are shown as pictures, and characters that turn the direction of writing as their code: names
  /// come from files, and no name may make others look different.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x26: result += "&amp;"
      case 0x3c: result += "&lt;"
      case 0x3e: result += "&gt;"
      case 0x22: result += "&quot;"
      case 0x27: result += "&#39;"
      case 0...0x1f: result.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? " ")
      case 0x7f: result += "\u{2421}"
      case 0x80...0x9f, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0x061c, 0xfeff, 0xfff9...0xfffb,
        0xfffe, 0xffff:
        result += "[U+" + String(scalar.value, radix: 16, uppercase: true) + "]"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A number for coordinates: at most two decimals, and never `inf` or `nan`.
  static func number(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "0" }
    let hundredths = Int((value * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return sign + String(whole) }
    let digits = rest < 10 ? "0\(rest)" : rest % 10 == 0 ? String(rest / 10) : String(rest)
    return "\(sign)\(whole).\(digits)"
  }
}

extension Sequence<HTML> {
  /// One after the other.
  package func joined() -> HTML { reduce(into: HTML()) { $0 += $1 } }
}
