import ZooSystem
import ZooTensor

/// A ZIP archive in memory: what its central directory lists. Nothing is ever extracted to disk.
struct ZipArchive: Sendable {
  let location: String
  let bytes: ByteSlice
  /// In the order of the central directory.
  let members: [ZipMember]
  private let index: [String: Int]

  /// Reads the central directory and checks it: every member inside the archive, none on top of
  /// another, no name twice.
  init(bytes: ByteSlice, location: String) throws(ZooError) {
    let directory = try bytes.withUnsafeBytes { raw throws(ZooError) in
      try ZipDirectory(in: raw, location: location)
    }
    var index: [String: Int] = [:]
    for (position, member) in directory.members.enumerated() {
      guard Self.staysInside(member.name) else {
        throw ZooError(
          .malformed, "ZIP archive", at: "\(location), \(member.name)", "a name that leads out of the archive"
        )
      }
      guard index.updateValue(position, forKey: member.name) == nil else {
        throw ZooError(
          .malformed, "ZIP archive", at: "\(location), \(member.name)", "it has this member twice")
      }
    }
    self.location = location
    self.bytes = bytes
    self.members = directory.members
    self.index = index
  }

  /// Whether a name is a path downwards. Nothing is extracted, but no honest writer makes others, and what
  /// is read here may become a file's name elsewhere.
  private static func staysInside(_ name: String) -> Bool {
    !name.hasPrefix("/") && !name.contains("\\") && !name.contains("\0")
      && !name.split(separator: "/").contains("..")
  }

  subscript(name: String) -> ZipMember? { index[name].map { members[$0] } }

  /// A member's contents: a part of the archive where it is stored, inflated into memory where it is
  /// deflated. Inflated contents are always `checked` against the checksum.
  func bytes(of member: ZipMember, checked: Bool) throws(ZooError) -> ByteSlice {
    let stored = try stored(member)
    guard member.isDeflated else {
      if checked { try check(member, contents: stored) }
      return stored
    }
    try checkExpansion(of: member)
    let inflated = try HeapBytes(count: member.size) { target throws(ZooError) in
      let count = try inflate(stored, into: target, member: member, whole: true)
      guard count == target.count else {
        throw malformed(member, "it inflates to \(count) bytes where \(member.size) were declared")
      }
    }
    let contents = ByteSlice(inflated)
    try check(member, contents: contents)
    return contents
  }

  /// A member's contents, checked, where they are a text of at most as many bytes as
  /// ``ReadingLimits/text`` allows.
  func text(of member: ZipMember) throws(ZooError) -> ByteSlice {
    let limit = ReadingLimits.current.text
    guard member.size <= limit else {
      throw unsupported(
        member, "a text of \(member.size) bytes, more than \(limit)", remedy: ReadingLimits.remedy("text"))
    }
    return try bytes(of: member, checked: true)
  }

  /// The first `count` bytes of a member's contents, or fewer where it is shorter; not checked
  /// against the checksum.
  func prefix(of member: ZipMember, count: Int) throws(ZooError) -> [UInt8] {
    let stored = try stored(member)
    guard member.isDeflated else { return stored.withUnsafeBytes { Array($0.prefix(count)) } }
    try checkExpansion(of: member)
    var filled = 0
    let start = try HeapBytes(count: min(count, member.size)) { target throws(ZooError) in
      filled = try inflate(stored, into: target, member: member, whole: false)
    }
    return Array(start.bytes.prefix(filled))
  }

  /// Compares `contents` with the member's checksum.
  func check(_ member: ZipMember, contents: ByteSlice) throws(ZooError) {
    var sum: UInt32 = 0
    for start in stride(from: 0, to: contents.count, by: 1 << 20) {
      guard let part = contents.part(at: start, count: min(1 << 20, contents.count - start)) else { break }
      sum = part.withUnsafeBytes { crc32(of: $0, continuing: sum) }
      part.letGo()
    }
    guard sum == member.checksum else { throw malformed(member, "its checksum does not match its contents") }
  }

  func malformed(_ member: ZipMember, _ why: String) -> ZooError {
    ZooError(.malformed, "ZIP archive", at: "\(location), \(member.name)", why)
  }

  func unsupported(_ member: ZipMember, _ why: String, remedy: String? = nil) -> ZooError {
    ZooError(.unsupported, "ZIP archive", at: "\(location), \(member.name)", why, remedy: remedy)
  }

  // MARK: The stored bytes

  /// The member's bytes in the archive. Its local header is only asked where they start: some
  /// writers leave the sizes there empty, others write them in 64 bits without need.
  private func stored(_ member: ZipMember) throws(ZooError) -> ByteSlice {
    guard !member.isEncrypted else { throw unsupported(member, "it is encrypted") }
    guard member.method == ZipMember.stored || member.isDeflated else {
      throw unsupported(member, "compression method \(member.method); stored and deflated members are read")
    }
    let start = try bytes.withUnsafeBytes { raw throws(ZooError) in
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

  private func checkExpansion(of member: ZipMember) throws(ZooError) {
    guard Inflater.canInflate(member.storedSize, to: member.size) else {
      throw malformed(member, "\(member.storedSize) stored bytes can't inflate to \(member.size)")
    }
    try Expansion.check(
      declared: member.size, stored: member.storedSize, limit: Expansion.zip
    ) { why, remedy in
      unsupported(member, why, remedy: remedy)
    }
  }

  private func inflate(
    _ stored: ByteSlice, into target: UnsafeMutableRawBufferPointer, member: ZipMember, whole: Bool
  ) throws(ZooError) -> Int {
    do throws(Inflater.Failure) {
      return try stored.withUnsafeBytes { source throws(Inflater.Failure) in
        var start = 0
        return try Inflater.inflate(source, into: target, format: .raw, isWhole: whole) { end in
          stored.part(at: start, count: end - start)?.letGo()
          start = end
        }
      }
    } catch {
      throw malformed(member, error.why)
    }
  }
}
