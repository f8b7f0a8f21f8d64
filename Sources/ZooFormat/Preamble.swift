import ZooSystem
import ZooTensor

/// The fixed first bytes of a `.zoo` file.
struct Preamble: Equatable {
  static let byteCount = 64
  static let magic = FileSignature.zoo.bytes
  /// The newest one. Of version 1, tensors have SHA-256.
  static let newestVersion: UInt32 = 3
  static let headerLimit = 64 << 20
  /// What tensors are aligned to, in bytes from the file's start.
  static let alignment = 64

  let version: UInt32
  let headerLength: Int
  let fileLength: Int
  let headerChecksum: Checksum

  init(version: UInt32, headerLength: Int, fileLength: Int, headerChecksum: Checksum) {
    self.version = version
    self.headerLength = headerLength
    self.fileLength = fileLength
    self.headerChecksum = headerChecksum
  }

  /// The first multiple of the alignment from `offset` on; `nil` beyond `Int.max`.
  static func aligned(_ offset: Int) -> Int? {
    let (sum, overflow) = offset.addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum & ~(alignment - 1)
  }

  /// Where the tensors start, in bytes from the file's start.
  var dataStart: Int {
    (Self.byteCount + headerLength + Self.alignment - 1) & ~(Self.alignment - 1)
  }

  var bytes: [UInt8] {
    func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    return Self.magic + littleEndian(version) + littleEndian(0 as UInt32)
      + littleEndian(UInt64(headerLength)) + littleEndian(UInt64(fileLength)) + headerChecksum.bytes
  }

  /// Reads and checks the preamble of a file's bytes, and that the header lies inside the file.
  init(_ file: UnsafeRawBufferPointer, path: String) throws(ZooError) {
    func malformed(_ why: String) -> ZooError { ZooError(.malformed, ".zoo file", at: path, why) }
    guard !file.isEmpty else { throw malformed("it is empty") }
    guard file.prefix(Self.magic.count).elementsEqual(Self.magic.prefix(file.count)) else {
      throw malformed("it does not start like a .zoo file")
    }
    guard file.count >= Self.byteCount else { throw malformed("it ends after \(file.count) bytes") }
    func field<Bits: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Bits.Type) -> Bits {
      Bits(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: Bits.self))
    }
    let version = field(8, UInt32.self)
    guard (1...Self.newestVersion).contains(version) else {
      throw ZooError(
        version > Self.newestVersion ? .unsupported : .malformed, ".zoo file", at: path,
        "its version is \(version), this program reads versions 1 to \(Self.newestVersion)")
    }
    let reserved = field(12, UInt32.self)
    guard reserved == 0 else { throw malformed("its reserved bytes are \(reserved), expected 0") }
    let headerLength = field(16, UInt64.self)
    guard headerLength >= 1, headerLength <= Self.headerLimit else {
      throw malformed("its header has \(headerLength) bytes, allowed are 1 to \(Self.headerLimit)")
    }
    let fileLength = field(24, UInt64.self)
    guard fileLength == UInt64(file.count) else {
      throw malformed("it has \(file.count) bytes, but its preamble declares \(fileLength)")
    }
    guard let checksum = Checksum(file[32..<64]) else { throw malformed("it has no header checksum") }
    self.init(
      version: version, headerLength: Int(headerLength), fileLength: file.count, headerChecksum: checksum)
    guard dataStart <= file.count else {
      throw malformed("its header of \(headerLength) bytes goes beyond its end")
    }
  }
}
