import CZlib
import ZooTensor

/// A ZIP archive in memory: what its central directory lists. Nothing is ever extracted to disk.
struct ZipArchive: Sendable {
  let location: String
  let bytes: ByteSlice
  /// In the order of the central directory.
  let members: [ZipMember]
  private let index: [String: Int]

  static let memberLimit = 100_000

  /// Reads the central directory and checks it: every member inside the archive, none on top of
  /// another, no name twice.
  init(bytes: ByteSlice, location: String) throws(WeightFileError) {
    let directory = try bytes.withUnsafeBytes { raw throws(WeightFileError) in
      try ZipDirectory(in: raw, location: location)
    }
    var index: [String: Int] = [:]
    for (position, member) in directory.members.enumerated() {
      guard index.updateValue(position, forKey: member.name) == nil else {
        throw WeightFileError(
          .malformed, "ZIP archive", at: "\(location), \(member.name)", "it has this member twice")
      }
    }
    self.location = location
    self.bytes = bytes
    self.members = directory.members
    self.index = index
  }

  subscript(name: String) -> ZipMember? { index[name].map { members[$0] } }

  /// A member's contents: a part of the archive where it is stored, inflated into memory where it is
  /// deflated. Inflated contents are always `checked` against the checksum.
  func bytes(of member: ZipMember, checked: Bool) throws(WeightFileError) -> ByteSlice {
    let stored = try stored(member)
    guard member.isDeflated else {
      if checked { try check(member, contents: stored) }
      return stored
    }
    try checkExpansion(of: member)
    let inflated = try HeapBytes(count: member.size) { target throws(WeightFileError) in
      let count = try inflate(stored, into: target, member: member, whole: true)
      guard count == target.count else {
        throw malformed(member, "it inflates to \(count) bytes where \(member.size) were declared")
      }
    }
    let contents = ByteSlice(inflated)
    try check(member, contents: contents)
    return contents
  }

  /// The first `count` bytes of a member's contents, or fewer where it is shorter; not checked
  /// against the checksum.
  func prefix(of member: ZipMember, count: Int) throws(WeightFileError) -> [UInt8] {
    let stored = try stored(member)
    guard member.isDeflated else { return stored.withUnsafeBytes { Array($0.prefix(count)) } }
    try checkExpansion(of: member)
    var filled = 0
    let start = try HeapBytes(count: min(count, member.size)) { target throws(WeightFileError) in
      filled = try inflate(stored, into: target, member: member, whole: false)
    }
    return Array(start.bytes.prefix(filled))
  }

  /// Compares `contents` with the member's checksum.
  func check(_ member: ZipMember, contents: ByteSlice) throws(WeightFileError) {
    let sum = contents.withUnsafeBytes { crc32(of: $0) }
    guard sum == member.checksum else { throw malformed(member, "its checksum does not match its contents") }
  }

  func malformed(_ member: ZipMember, _ why: String) -> WeightFileError {
    WeightFileError(.malformed, "ZIP archive", at: "\(location), \(member.name)", why)
  }

  func unsupported(_ member: ZipMember, _ why: String) -> WeightFileError {
    WeightFileError(.unsupported, "ZIP archive", at: "\(location), \(member.name)", why)
  }

  // MARK: The stored bytes

  /// The member's bytes in the archive. Its local header is only asked where they start: some
  /// writers leave the sizes there empty, others write them in 64 bits without need.
  private func stored(_ member: ZipMember) throws(WeightFileError) -> ByteSlice {
    guard !member.isEncrypted else { throw unsupported(member, "it is encrypted") }
    guard member.method == ZipMember.stored || member.isDeflated else {
      throw unsupported(member, "compression method \(member.method); stored and deflated members are read")
    }
    let start = try bytes.withUnsafeBytes { raw throws(WeightFileError) in
      let reader = LittleEndianReader(raw)
      let header = member.headerOffset
      guard reader.uint32(at: header) == 0x0403_4b50, let nameLength = reader.uint16(at: header + 26),
        let extraLength = reader.uint16(at: header + 28)
      else { throw malformed(member, "no local header where the central directory says it is") }
      guard let name = reader.slice(at: header + 30, count: Int(nameLength)),
        name.elementsEqual(member.rawName)
      else { throw malformed(member, "its local header has another name") }
      return header + 30 + Int(nameLength) + Int(extraLength)
    }
    guard let stored = bytes.part(at: start, count: member.storedSize) else {
      throw malformed(member, "its data lies beyond the end of the file")
    }
    return stored
  }

  private func checkExpansion(of member: ZipMember) throws(WeightFileError) {
    // A deflated byte can stand for 1032 bytes at most.
    let (most, overflow) = member.storedSize.multipliedReportingOverflow(by: 1032)
    guard overflow || member.size <= most else {
      throw malformed(member, "\(member.storedSize) stored bytes can't inflate to \(member.size)")
    }
    try Expansion.check(declared: member.size, stored: member.storedSize, limit: Expansion.zip) { why in
      unsupported(member, why)
    }
  }

  /// Inflates into `target` until it is full or the data ends; the number of bytes written. Where
  /// `whole`, the data must end when `target` is full.
  private func inflate(
    _ stored: ByteSlice, into target: UnsafeMutableRawBufferPointer, member: ZipMember, whole: Bool
  ) throws(WeightFileError) -> Int {
    try stored.withUnsafeBytes { source throws(WeightFileError) in
      var stream = z_stream()
      // Negative: raw deflate data without zlib's own header, in a window of 32 KiB.
      guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw WeightFileError(.unreadable, "ZIP archive", at: location, "zlib can't start")
      }
      defer { inflateEnd(&stream) }
      // zlib counts in 32 bits: both ends advance by pieces.
      let piece = 1 << 30
      var consumed = 0
      var produced = 0
      var scratch: UInt8 = 0
      while true {
        let input = min(piece, source.count - consumed)
        let room = min(piece, target.count - produced)
        if room == 0, !whole { return produced }
        stream.next_in = UnsafeMutablePointer(
          mutating: source.baseAddress?.advanced(by: consumed).assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(input)
        let status = withUnsafeMutablePointer(to: &scratch) { overflow in
          // One more byte than declared is enough to see that there are more.
          let next = target.baseAddress?.advanced(by: produced).assumingMemoryBound(to: UInt8.self)
          stream.next_out = room > 0 ? next : overflow
          stream.avail_out = room > 0 ? UInt32(room) : 1
          return CZlib.inflate(&stream, Z_NO_FLUSH)
        }
        consumed += input - Int(stream.avail_in)
        let written = (room > 0 ? room : 1) - Int(stream.avail_out)
        produced += written
        guard produced <= target.count else {
          throw malformed(member, "it inflates to more than the \(member.size) bytes that were declared")
        }
        switch status {
        case Z_STREAM_END: return produced
        case Z_OK, Z_BUF_ERROR:
          if written == 0, input == Int(stream.avail_in) {
            throw malformed(member, "its deflated data ends too early")
          }
        default:
          throw malformed(
            member, "its deflated data is damaged (\(stream.msg.map { String(cString: $0) } ?? "zlib"))")
        }
      }
    }
  }
}

/// The CRC-32 that ZIP uses.
func crc32(of bytes: UnsafeRawBufferPointer, continuing sum: UInt32 = 0) -> UInt32 {
  UInt32(
    truncatingIfNeeded: crc32_z(
      uLong(sum), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
}
