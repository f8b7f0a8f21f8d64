import ZooSystem

/// A file of the names and the unit-length features of pictures; docs/unlabelled.md has its layout.
///
/// Nothing in it is trusted: all lengths are checked before anything is read, the header, the names and the checksums
/// of the blocks have a checksum of their own, and each block of rows has one.
package final class PictureIndexFile: Sendable {
  private static let magic = Array("ZOOFEAT1".utf8)
  private static let headerLength = 64
  /// Rows with one checksum.
  private static let block = 1024
  private static let alignment = 4096
  /// The most rows, features of a row, and bytes of the description that are read.
  private static let rowLimit = 1 << 31
  private static let columnLimit = 1 << 20
  private static let descriptionLimit = 1 << 20

  package let origin: PictureFeatures.Origin
  package let rows: Int
  package let columns: Int
  private let file: MappedFile
  /// Where each name begins; one more, where the last ends.
  private let names: [Int]
  private let sums: Range<Int>
  private let start: Int

  package static func isIndex(_ path: String) -> Bool {
    guard isFile(path) else { return false }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var start = [UInt8](repeating: 0, count: magic.count)
    let count = start.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    return count == magic.count && start == magic
  }

  package init(path: String) throws(ZooError) {
    file = try MappedFile(path: path)
    let bytes = file.bytes
    func malformed(_ why: String) -> ZooError { ZooError(.malformed, "picture index", at: path, why) }
    guard bytes.count >= Self.headerLength, bytes.starts(with: Self.magic) else {
      throw malformed("it does not begin as an index does")
    }
    let number = { (place: Int) in
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self))
    }
    let head = UnsafeRawBufferPointer(rebasing: bytes[..<(Self.headerLength - 8)])
    guard number(7) == XXH3Hasher.hash(head).low else {
      throw ZooError(.damaged, "picture index", at: path, "its header does not match its checksum")
    }
    func length(_ place: Int, limit: Int, _ what: String) throws(ZooError) -> Int {
      guard let length = Int(exactly: number(place)), length <= limit else {
        throw malformed("\(number(place)) \(what) are more than \(limit)")
      }
      return length
    }
    rows = try length(1, limit: Self.rowLimit, "pictures")
    columns = try length(2, limit: Self.columnLimit, "features")
    let descriptionLength = try length(3, limit: Self.descriptionLimit, "bytes of description")
    let namesLength = try length(4, limit: bytes.count, "bytes of names")
    start = try length(5, limit: bytes.count, "bytes before the features")
    guard rows > 0, columns > 0 else { throw malformed("it has no features") }
    // With the limits above no sum or product overflows.
    let namesStart = Self.headerLength + descriptionLength
    let blocks = (rows + Self.block - 1) / Self.block
    sums = namesStart + namesLength..<namesStart + namesLength + blocks * 8
    guard start == Self.aligned(sums.upperBound), bytes.count == start + rows * columns * 4 else {
      throw malformed("its parts do not add up to its \(bytes.count) bytes")
    }
    let tables = UnsafeRawBufferPointer(rebasing: bytes[Self.headerLength..<sums.upperBound])
    guard number(6) == XXH3Hasher.hash(tables).low else {
      throw ZooError(.damaged, "picture index", at: path, "its names do not match their checksum")
    }
    guard
      let origin = Self.origin(UnsafeRawBufferPointer(rebasing: bytes[Self.headerLength..<namesStart]))
    else { throw malformed("its description can't be understood") }
    self.origin = origin
    names = Self.lines(bytes, namesStart..<sums.lowerBound, atMost: rows)
    guard names.count == rows + 1, names.last == sums.lowerBound else {
      throw malformed("its names are not those of \(rows) pictures")
    }
  }

  private static func aligned(_ length: Int) -> Int { (length + alignment - 1) / alignment * alignment }

  /// Where each line begins, and where the last one ends; no more than `limit` lines.
  private static func lines(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, atMost limit: Int
  ) -> [Int] {
    var places = [range.lowerBound]
    // A line has at least one byte, so that no hostile number of rows reserves more than the file's own size.
    places.reserveCapacity(min(limit, range.count) + 1)
    guard let base = bytes.baseAddress else { return places }
    var next = range.lowerBound
    while places.count <= limit, next < range.upperBound,
      let found = memchr(base + next, Int32(UInt8(ascii: "\n")), range.upperBound - next)
    {
      next = UnsafeRawPointer(found) - base + 1
      places.append(next)
    }
    return places
  }

  // MARK: Content

  /// The rows, (rows, columns).
  package var matrix: UnsafeBufferPointer<Float> {
    // The file is mapped at a page, and the features begin at a multiple of 4096 bytes.
    UnsafeRawBufferPointer(rebasing: file.bytes[start...]).assumingMemoryBound(to: Float.self)
  }

  package func name(of row: Int) -> String {
    Self.unescaped(String(decoding: file.bytes[names[row]..<names[row + 1] - 1], as: UTF8.self))
  }

  /// Compares the blocks of these rows with their checksums.
  package func verify(rows: Range<Int>) throws(ZooError) {
    for block in rows.lowerBound / Self.block..<(rows.upperBound + Self.block - 1) / Self.block {
      try Cancellation.check()
      let first = block * Self.block
      let own = Self.bytes(of: matrix, first..<min(self.rows, first + Self.block), columns)
      let sum = file.bytes.loadUnaligned(fromByteOffset: sums.lowerBound + block * 8, as: UInt64.self)
      guard XXH3Hasher.hash(own).low == UInt64(littleEndian: sum) else {
        throw ZooError(
          .damaged, "picture index", at: file.path,
          "the features of pictures \(first) to \(min(self.rows, first + Self.block) - 1) do not match their checksum",
          remedy: "zoo index writes it again.")
      }
    }
  }

  private static func bytes(
    of matrix: UnsafeBufferPointer<Float>, _ rows: Range<Int>, _ columns: Int
  ) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      UnsafeBufferPointer(rebasing: matrix[rows.lowerBound * columns..<rows.upperBound * columns]))
  }

  // MARK: Writing

  package static func write(
    origin: PictureFeatures.Origin, names: [String], rows: UnsafeBufferPointer<Float>, columns: Int,
    to path: String, overwrite: Bool
  ) throws(ZooError) {
    guard !names.isEmpty, rows.count == names.count * columns else {
      throw ZooError(.unsuitable, what: "no index", at: path, "there are no pictures")
    }
    let description = Array(text(of: origin).utf8)
    var tables = description
    for name in names { tables += Array((escaped(name) + "\n").utf8) }
    let namesLength = tables.count - description.count
    for first in stride(from: 0, to: names.count, by: block) {
      let own = bytes(of: rows, first..<min(names.count, first + block), columns)
      tables += number(XXH3Hasher.hash(own).low)
    }
    let start = aligned(headerLength + tables.count)
    var header = magic
    for length in [names.count, columns, description.count, namesLength, start] {
      header += number(UInt64(length))
    }
    header += number(XXH3Hasher.hash(tables).low)
    header += number(XXH3Hasher.hash(header).low)
    let padding = [UInt8](repeating: 0, count: start - headerLength - tables.count)
    let file = try AtomicFile(path: path)
    try file.write(header + tables + padding, at: 0)
    try file.write(UnsafeRawBufferPointer(rows), at: start)
    try file.commit(overwrite: overwrite)
  }

  private static func number(_ value: UInt64) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  // MARK: Text

  /// A line for each fact.
  private static func text(of origin: PictureFeatures.Origin) -> String {
    var lines = [("model", origin.model)]
    lines += origin.layers.map { ("layer", $0) }
    lines += [
      ("resampling", origin.resampling), ("crop", origin.crop), ("upright", origin.isUpright ? "yes" : "no"),
    ]
    return lines.map { "\($0)=\(escaped($1))\n" }.joined()
  }

  private static func origin(_ bytes: UnsafeRawBufferPointer) -> PictureFeatures.Origin? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    var origin = PictureFeatures.Origin(model: "", layers: [], resampling: "", crop: "", isUpright: false)
    for line in text.split(separator: "\n") {
      guard let sign = line.firstIndex(of: "=") else { return nil }
      let value = unescaped(String(line[line.index(after: sign)...]))
      switch line[..<sign] {
      case "model": origin.model = value
      case "layer": origin.layers.append(value)
      case "resampling": origin.resampling = value
      case "crop": origin.crop = value
      case "upright": origin.isUpright = value == "yes"
      default: return nil
      }
    }
    return origin.model.isEmpty || origin.layers.isEmpty ? nil : origin
  }

  /// A name in one line.
  private static func escaped(_ name: String) -> String {
    var text = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private static func unescaped(_ line: String) -> String {
    var text = ""
    var isEscaped = false
    for scalar in line.unicodeScalars {
      switch (isEscaped, scalar) {
      case (false, "\\"): isEscaped = true
      case (true, "n"): (text, isEscaped) = (text + "\n", false)
      case (true, "r"): (text, isEscaped) = (text + "\r", false)
      default:
        text.unicodeScalars.append(scalar)
        isEscaped = false
      }
    }
    return text
  }
}
