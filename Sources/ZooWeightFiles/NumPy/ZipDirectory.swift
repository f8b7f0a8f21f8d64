import ZooSystem
import ZooTensor

/// A member of a ZIP archive, as the central directory describes it.
struct ZipMember: Sendable {
  static let stored: UInt16 = 0
  static let deflated: UInt16 = 8

  let name: String
  let rawName: [UInt8]
  let method: UInt16
  let isEncrypted: Bool
  let checksum: UInt32
  /// In the archive, and of the contents.
  let storedSize: Int
  let size: Int
  let headerOffset: Int

  var isDeflated: Bool { method == Self.deflated }
}

/// The central directory at the end of a ZIP archive (PKWARE's APPNOTE, sections 4.3.12 to 4.3.16).
struct ZipDirectory {
  private(set) var members: [ZipMember] = []

  private static let endSize = 22
  private static let commentLimit = 0xffff
  private static let localHeaderSize = 30

  init(in bytes: UnsafeRawBufferPointer, location: String) throws(ZooError) {
    func malformed(_ why: String) -> ZooError {
      ZooError(.malformed, "ZIP archive", at: location, why)
    }
    let reader = LittleEndianReader(bytes)
    guard let end = Self.findEnd(reader), let shortCount = reader.uint16(at: end + 10),
      let shortSize = reader.uint32(at: end + 12), let shortOffset = reader.uint32(at: end + 16)
    else { throw malformed("no end of central directory: the file is truncated or not an archive") }
    var (count, size, offset) = (Int(shortCount), Int(shortSize), Int(shortOffset))
    var directoryEnd = end

    // 64-bit values stand in a record of their own, found through a locator before the end record.
    if end >= 20, reader.uint32(at: end - 20) == 0x0706_4b50 {
      guard let record = reader.size(at: end - 12), reader.uint32(at: record) == 0x0606_4b50,
        let count64 = reader.size(at: record, plus: 32), let size64 = reader.size(at: record, plus: 40),
        let offset64 = reader.size(at: record, plus: 48)
      else { throw malformed("its 64-bit end record is damaged") }
      (count, size, offset) = (count64, size64, offset64)
      directoryEnd = record
    }
    let limit = ReadingLimits.current.members
    guard count <= limit else {
      throw ZooError(
        .unsupported, "ZIP archive", at: location, "more than \(limit) members",
        remedy: ReadingLimits.remedy("members"))
    }
    let (stop, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, stop == directoryEnd else {
      throw malformed("its central directory is not where it should be")
    }

    var position = offset
    members.reserveCapacity(count)
    for _ in 0..<count {
      guard let (member, next) = Self.member(at: position, in: reader), next <= stop else {
        throw malformed("its central directory is damaged at byte \(position)")
      }
      members.append(member)
      position = next
    }
    guard position == stop else { throw malformed("its central directory has more entries than it declares") }
    try checkPlaces(before: offset, malformed)
  }

  private static func findEnd(_ reader: LittleEndianReader) -> Int? {
    let last = reader.count - endSize
    guard last >= 0 else { return nil }
    for position in stride(from: last, through: max(0, last - commentLimit), by: -1)
    where reader.uint32(at: position) == 0x0605_4b50 {
      // The comment must reach exactly to the end, else these bytes are part of one.
      if let comment = reader.uint16(at: position + 20), position + endSize + Int(comment) == reader.count {
        return position
      }
    }
    return nil
  }

  private static func member(at position: Int, in reader: LittleEndianReader) -> (ZipMember, next: Int)? {
    guard reader.uint32(at: position) == 0x0201_4b50, let flags = reader.uint16(at: position + 8),
      let method = reader.uint16(at: position + 10), let checksum = reader.uint32(at: position + 16),
      let shortStored = reader.uint32(at: position + 20), let shortSize = reader.uint32(at: position + 24),
      let nameLength = reader.uint16(at: position + 28), let extraLength = reader.uint16(at: position + 30),
      let commentLength = reader.uint16(at: position + 32),
      let shortOffset = reader.uint32(at: position + 42),
      let name = reader.slice(at: position + 46, count: Int(nameLength))
    else { return nil }
    var (stored, size, offset) = (Int(shortStored), Int(shortSize), Int(shortOffset))
    let extra = position + 46 + Int(nameLength)
    let extraEnd = extra + Int(extraLength)

    // Values that don't fit in 32 bits stand in extra field 1, in this order, and only they.
    if shortSize == .max || shortStored == .max || shortOffset == .max {
      guard var field = zip64Field(from: extra, to: extraEnd, in: reader) else { return nil }
      func next() -> Int? {
        guard field.count >= 8, let value = reader.size(at: field.lowerBound) else { return nil }
        field = field.lowerBound + 8..<field.upperBound
        return value
      }
      if shortSize == .max { if let value = next() { size = value } else { return nil } }
      if shortStored == .max { if let value = next() { stored = value } else { return nil } }
      if shortOffset == .max { if let value = next() { offset = value } else { return nil } }
    }
    let member = ZipMember(
      name: String(decoding: name, as: UTF8.self), rawName: Array(name), method: method,
      isEncrypted: flags & 1 != 0, checksum: checksum, storedSize: stored, size: size, headerOffset: offset)
    if method == ZipMember.stored, stored != size { return nil }
    return (member, extraEnd + Int(commentLength))
  }

  private static func zip64Field(from start: Int, to end: Int, in reader: LittleEndianReader) -> Range<Int>? {
    var position = start
    while position + 4 <= end, let kind = reader.uint16(at: position),
      let length = reader.uint16(at: position + 2)
    {
      let next = position + 4 + Int(length)
      guard next <= end else { return nil }
      if kind == 1 { return position + 4..<next }
      position = next
    }
    return nil
  }

  /// No two members may share bytes: a small archive could otherwise hold the same data thousands
  /// of times over.
  private func checkPlaces(
    before directory: Int, _ malformed: (String) -> ZooError
  ) throws(ZooError) {
    var free = 0
    for member in members.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      guard member.headerOffset >= free else { throw malformed("member \(member.name) overlaps another") }
      let (end, overflow) = member.headerOffset.addingReportingOverflow(member.storedSize)
      guard !overflow, end <= directory - Self.localHeaderSize else {
        throw malformed("member \(member.name) reaches into the central directory or beyond the file")
      }
      free = end + Self.localHeaderSize
    }
  }
}

/// Bounds-checked little-endian numbers in a buffer.
struct LittleEndianReader {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var count: Int { bytes.count }

  func slice(at offset: Int, count: Int) -> UnsafeRawBufferPointer? {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  func uint16(at offset: Int) -> UInt16? {
    slice(at: offset, count: 2).map { UInt16(littleEndian: $0.loadUnaligned(as: UInt16.self)) }
  }

  func uint32(at offset: Int) -> UInt32? {
    slice(at: offset, count: 4).map { UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)) }
  }

  /// A 64-bit size or offset; nil where it is larger than any file.
  func size(at offset: Int, plus distance: Int = 0) -> Int? {
    let (place, overflow) = offset.addingReportingOverflow(distance)
    guard !overflow else { return nil }
    let bits = slice(at: place, count: 8).map { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    return bits.flatMap { $0 < 1 << 60 ? Int($0) : nil }
  }
}
