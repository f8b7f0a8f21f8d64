import ZooSystem

/// Writes a ZIP archive of stored members, with 64-bit sizes and offsets only where they are needed.
///
/// The bytes go to `sink` member by member, and a member's header once more when its checksum is known; nothing is kept but the
/// directory.
package struct ZipArchiveWriter<Failure: Error> {
  /// Takes bytes and the place of the first of them, which is at most the number of bytes that came before.
  package typealias Sink = (UnsafeRawBufferPointer, Int) throws(Failure) -> Void

  private struct Entry {
    let name: [UInt8]
    var checksum: UInt32 = 0
    let size: Int
    let offset: Int
    let time: [UInt8]
  }

  private let sink: Sink
  private var entries: [Entry] = []
  private var offset = 0

  package init(sink: @escaping Sink) { self.sink = sink }

  /// Adds the member `name`.
  ///
  /// - Parameters:
  ///   - size: its bytes.
  ///   - body: hands all of them to its argument, in order and in parts of any length.
  package mutating func add(
    _ name: String, size: Int,
    _ body: ((UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) -> Void
  ) throws(Failure) {
    var entry = Entry(
      name: Array(name.utf8), size: size, offset: offset,
      // 1980-01-01, ZIP's first day: equal contents give equal files.
      time: [0, 0, 0x21, 0])
    try write(localHeader(entry))
    let start = offset
    var (checksum, done) = (UInt32(0), 0)
    try body { bytes throws(Failure) in
      // In pieces that the cache holds from the checksum to the copy.
      for first in stride(from: 0, to: bytes.count, by: Self.pieceLength) {
        let piece = UnsafeRawBufferPointer(
          rebasing: bytes[first..<min(first + Self.pieceLength, bytes.count)])
        checksum = crc32(of: piece, continuing: checksum)
        try sink(piece, start + done)
        done += piece.count
      }
    }
    precondition(done == size, "\(name): \(done) bytes in place of \(size)")
    offset = start + size
    entry.checksum = checksum
    let header = ByteSlice(HeapBytes(localHeader(entry)))
    try header.withUnsafeBytes { bytes throws(Failure) in try sink(bytes, entry.offset) }
    entries.append(entry)
  }

  private static var pieceLength: Int { 1 << 18 }

  /// Adds the member `name` with these bytes.
  package mutating func add(_ name: String, _ bytes: [UInt8]) throws(Failure) {
    let bytes = ByteSlice(HeapBytes(bytes))
    try add(name, size: bytes.count) { write throws(Failure) in try bytes.withUnsafeBytes(write) }
  }

  /// Writes the central directory; nothing can be added after it.
  package mutating func finish() throws(Failure) {
    let start = offset
    for entry in entries { try write(directoryEntry(entry)) }
    let size = offset - start
    let is64 = entries.count >= 0xffff || start >= 0xffff_ffff || size >= 0xffff_ffff
    if is64 {
      let record = offset
      try write(
        le32(0x0606_4b50) + le64(44) + le16(45) + le16(45) + le32(0) + le32(0) + le64(entries.count)
          + le64(entries.count) + le64(size) + le64(start))
      try write(le32(0x0706_4b50) + le32(0) + le64(record) + le32(1))
    }
    let count = le16(min(entries.count, 0xffff))
    try write(
      le32(0x0605_4b50) + le16(0) + le16(0) + count + count + le32(min(size, 0xffff_ffff))
        + le32(min(start, 0xffff_ffff)) + le16(0))
  }

  private mutating func write(_ bytes: [UInt8]) throws(Failure) {
    try ByteSlice(HeapBytes(bytes)).withUnsafeBytes { bytes throws(Failure) in try sink(bytes, offset) }
    offset += bytes.count
  }

  /// Bit 11 of the flags: the name is UTF-8.
  private static var flags: Int { 1 << 11 }

  private func localHeader(_ entry: Entry) -> [UInt8] {
    let is64 = entry.size >= 0xffff_ffff
    let size = is64 ? le32(0xffff_ffff) : le32(entry.size)
    let extra = is64 ? le16(1) + le16(16) + le64(entry.size) + le64(entry.size) : []
    return le32(0x0403_4b50) + le16(is64 ? 45 : 20) + le16(Self.flags) + le16(0) + entry.time
      + le32(Int(entry.checksum)) + size + size + le16(entry.name.count) + le16(extra.count) + entry.name
      + extra
  }

  private func directoryEntry(_ entry: Entry) -> [UInt8] {
    let isLarge = entry.size >= 0xffff_ffff
    let isFar = entry.offset >= 0xffff_ffff
    let values = (isLarge ? le64(entry.size) + le64(entry.size) : []) + (isFar ? le64(entry.offset) : [])
    let extra = values.isEmpty ? [] : le16(1) + le16(values.count) + values
    let version = le16(values.isEmpty ? 20 : 45)
    let size = le32(min(entry.size, 0xffff_ffff))
    return le32(0x0201_4b50) + version + version + le16(Self.flags) + le16(0) + entry.time
      + le32(Int(entry.checksum)) + size + size + le16(entry.name.count) + le16(extra.count) + le16(0)
      + le16(0)
      + le16(0) + le32(0) + le32(min(entry.offset, 0xffff_ffff)) + entry.name + extra
  }
}

extension ZipArchiveWriter where Failure == ZooError {
  /// Writes the members that `body` adds to `path`, whole or not at all.
  ///
  /// - Throws: `ZooError`, for an existing file too unless `overwrite`; what `body` throws.
  package static func write(
    to path: String, overwrite: Bool, _ body: (inout ZipArchiveWriter) throws -> Void
  ) throws {
    let output = Output(try AtomicFile(path: path))
    var writer = ZipArchiveWriter { bytes, offset throws(ZooError) in try output.write(bytes, at: offset) }
    try body(&writer)
    try writer.finish()
    try output.commit(overwrite: overwrite)
  }
}

/// An atomic file; a class, so that a closure can hold it.
private final class Output {
  private var file: AtomicFile?
  /// Bytes that the system was not told to send to the disk.
  private var waiting = 0

  init(_ file: consuming AtomicFile) { self.file = consume file }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ZooError) {
    try file?.write(bytes, at: offset)
    waiting += bytes.count
    guard waiting >= AtomicFile.writebackLength else { return }
    file?.beginWriteback()
    waiting = 0
  }

  func commit(overwrite: Bool) throws(ZooError) {
    if let file = file.take() { try file.commit(overwrite: overwrite) }
  }
}

// Numbers as ZIP and NumPy have them, little-endian.
func le16(_ value: Int) -> [UInt8] { (0..<2).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
func le32(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
func le64(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
