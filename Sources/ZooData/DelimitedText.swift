import ZooSystem

/// The rows of a text file with values separated by commas, semicolons or tabs (RFC 4180), with their line numbers.
///
/// A reader of our own, since the ready one (SwiftCSV) tells no line numbers, takes a quotation mark that is never
/// closed for the end of the file, and fills up rows that are too short: what is most often wrong with a list of
/// labels would become wrong labels. It reads bytes, so that 10⁵ lines take some hundredths of a second.
struct DelimitedText {
  struct Row {
    /// The number of the line where it begins, from 1.
    let line: Int
    let cells: [String]
  }

  /// All rows that are not blank; the first has the names of the columns.
  let rows: [Row]

  /// Reads the file at `path`, whose separator is the one that is most frequent in its first line.
  init(path: String) throws(ZooError) {
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    let limit = ReadingLimits.current.text
    guard file.bytes.count <= limit else {
      throw ZooError(
        .tooLarge, "CSV file", at: path, "\(file.bytes.count) bytes, more than \(limit)",
        remedy: ReadingLimits.remedy("text"))
    }
    rows = try Self.rows(of: file.bytes, at: path)
  }

  static func rows(of bytes: UnsafeRawBufferPointer, at path: String) throws(ZooError) -> [Row] {
    guard !bytes.starts(with: [0xff, 0xfe]), !bytes.starts(with: [0xfe, 0xff]) else {
      throw ZooError(
        .unsupported, "CSV file", at: path, "it is UTF-16", remedy: "Save it as UTF-8.")
    }
    let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    var scanner = Scanner(
      bytes: UnsafeRawBufferPointer(rebasing: bytes[start...]), path: path)
    scanner.findSeparator()
    var rows: [Row] = []
    while let row = try scanner.next() {
      if rows.count % 4096 == 0 { try Cancellation.check() }
      rows.append(row)
    }
    return rows
  }
}

private struct Scanner {
  let bytes: UnsafeRawBufferPointer
  let path: String
  private var separator = UInt8(ascii: ",")
  private var place = 0
  private var line = 1

  private static let quote = UInt8(ascii: "\"")
  private static let (lineFeed, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))

  init(bytes: UnsafeRawBufferPointer, path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// Takes the comma, semicolon or tab that the first line has most of, outside of quotation marks.
  mutating func findSeparator() {
    let candidates = [",", ";", "\t"].map { UInt8(ascii: $0) }
    var counts = candidates.map { _ in 0 }
    var isQuoted = false
    for byte in bytes {
      if byte == Self.quote { isQuoted.toggle() }
      if isQuoted { continue }
      if byte == Self.lineFeed || byte == Self.carriageReturn { break }
      if let index = candidates.firstIndex(of: byte) { counts[index] += 1 }
    }
    var best = 0
    for index in counts.indices where counts[index] > counts[best] { best = index }
    separator = candidates[best]
  }

  /// The next row that is not blank.
  mutating func next() throws(ZooError) -> DelimitedText.Row? {
    while place < bytes.count {
      let first = line
      var cells: [String] = []
      var isQuoted = false
      repeat { cells.append(try cell(&isQuoted)) } while takeSeparator()
      takeLineBreak()
      let isBlank = cells.count == 1 && !isQuoted && cells[0].allSatisfy { $0 == " " }
      if !isBlank { return DelimitedText.Row(line: first, cells: cells) }
    }
    return nil
  }

  private mutating func takeSeparator() -> Bool {
    guard place < bytes.count, bytes[place] == separator else { return false }
    place += 1
    return true
  }

  private mutating func takeLineBreak() {
    guard place < bytes.count else { return }
    if bytes[place] == Self.carriageReturn {
      place += 1
      if place < bytes.count, bytes[place] == Self.lineFeed { place += 1 }
    } else {
      place += 1
    }
    line += 1
  }

  /// A cell, without the separator after it.
  private mutating func cell(_ isQuoted: inout Bool) throws(ZooError) -> String {
    guard place < bytes.count, bytes[place] == Self.quote else {
      let start = place
      while place < bytes.count, bytes[place] != separator, bytes[place] != Self.lineFeed,
        bytes[place] != Self.carriageReturn
      { place += 1 }
      return try text(bytes[start..<place], line: line)
    }
    isQuoted = true
    let first = line
    var value: [UInt8] = []
    place += 1
    while true {
      guard place < bytes.count else {
        throw malformed(first, "a quotation mark is never closed")
      }
      let byte = bytes[place]
      place += 1
      if byte == Self.quote {
        guard place < bytes.count, bytes[place] == Self.quote else { break }
        place += 1
      } else if byte == Self.lineFeed {
        line += 1
      } else if byte == Self.carriageReturn, place == bytes.count || bytes[place] != Self.lineFeed {
        line += 1
      }
      value.append(byte)
    }
    // Some writers put blanks after the closing mark.
    while place < bytes.count, bytes[place] == UInt8(ascii: " ") { place += 1 }
    guard
      place == bytes.count || bytes[place] == separator || bytes[place] == Self.lineFeed
        || bytes[place] == Self.carriageReturn
    else {
      throw malformed(
        line, "text follows a closing quotation mark; inside of quotation marks they have to be doubled")
    }
    return try text(value, line: first)
  }

  private func text(_ part: some Sequence<UInt8>, line: Int) throws(ZooError) -> String {
    guard let text = String(validating: part, as: UTF8.self) else {
      throw malformed(line, "its text is not UTF-8")
    }
    return text
  }

  private func malformed(_ line: Int, _ why: String) -> ZooError {
    ZooError(.malformed, "CSV file", at: "\(path), line \(line)", why)
  }
}
