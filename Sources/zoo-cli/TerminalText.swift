// How text fits into the columns of a terminal.

extension Character {
  /// The columns that it takes in a terminal.
  private var columns: Int {
    // Ideographs, kana, Hangul, full-width forms and pictographs take two columns.
    guard let value = unicodeScalars.first?.value else { return 0 }
    let isWide =
      (0x1100...0x115f).contains(value) || (0x2e80...0xa4cf).contains(value)
      || (0xac00...0xd7a3).contains(value) || (0xf900...0xfaff).contains(value)
      || (0xfe30...0xfe6f).contains(value) || (0xff00...0xff60).contains(value)
      || (0x1f300...0x3fffd).contains(value)
    return isWide ? 2 : 1
  }

  fileprivate static func columns(of text: some StringProtocol) -> Int {
    text.reduce(0) { $0 + $1.columns }
  }

  fileprivate static func prefix(of text: String, columns: Int) -> Substring {
    var used = 0
    return text.prefix { character in
      used += character.columns
      return used <= columns
    }
  }
}

extension String {
  /// The columns that it takes in a terminal.
  var columns: Int { Character.columns(of: self) }

  /// Its beginning that takes at most `columns` columns of a terminal, with … where something is left out.
  func fitting(columns: Int) -> String {
    self.columns <= columns ? self : Character.prefix(of: self, columns: max(0, columns - 1)) + "…"
  }

  /// The same for a name, of which the end matters too.
  func nameFitting(columns: Int) -> String {
    guard self.columns > columns, !contains(" ") else { return fitting(columns: columns) }
    let tail = String(Character.prefix(of: String(reversed()), columns: (columns - 1) / 2).reversed())
    return Character.prefix(of: self, columns: columns - 1 - tail.columns) + "…" + tail
  }

  /// Lines of at most `columns` columns, broken at blanks; all but the first begin with `indent` blanks. A word
  /// that is longer than a line stays whole.
  func wrapped(columns: Int, indent: Int) -> [String] {
    guard self.columns > columns, columns > 2 * indent else { return [self] }
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = String(prefix { $0 == " " })
    var lead = ""
    for word in split(separator: " ", omittingEmptySubsequences: false).drop(while: \.isEmpty) {
      // Several blanks in a row align what follows them.
      if word.isEmpty {
        lead += " "
        continue
      }
      let isFirst = line.allSatisfy { $0 == " " }
      let width = Character.columns(of: word)
      if !isFirst, line.columns + lead.count + width > columns, indent + width <= columns {
        lines.append(line)
        line = margin + word
      } else {
        line += (isFirst ? "" : lead) + word
      }
      lead = " "
    }
    return lines + [line]
  }
}
