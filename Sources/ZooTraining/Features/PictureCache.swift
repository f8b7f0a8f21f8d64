import Synchronization
import ZooSystem

/// What was computed of pictures, kept in a file from one run to the next: a record of fixed length for each view of
/// each picture's bytes.
///
/// Nothing in the file is trusted: a record counts only with its checksum, and a file of another kind or with a cut
/// end is as good as empty from there on. Records are appended whole, so that an interruption loses at most those of
/// one batch, and two programs can use one file at a time.
package final class PictureCache: Sendable {
  /// Whose record it is: the hash of the picture's file, and which view of it.
  package struct Key: Sendable, Hashable {
    package let picture: XXH3Hasher.Digest
    package let view: UInt32

    package init(picture: XXH3Hasher.Digest, view: Int) {
      self.picture = picture
      self.view = UInt32(truncatingIfNeeded: view)
    }
  }

  private struct State {
    /// The file as it was when it was opened; nil where there was none.
    var mapping: MappedFile?
    var offsets: [Key: Int] = [:]
    /// What was added and is not in the file yet.
    var pending: [UInt8] = []
    var damaged = 0
    var failure: ZooError?
  }

  private static let magic = Array("ZOOPICT1".utf8)
  private static let headerLength = 64
  private static let keyLength = 20
  private static let checksumLength = 8

  /// Where the records are.
  package let path: String
  private let purpose: [UInt8]
  private let payloadLength: Int
  private let state = Mutex(State())

  private var recordLength: Int { Self.keyLength + payloadLength + Self.checksumLength }

  /// Opens or begins a cache.
  ///
  /// - Parameters:
  ///   - folder: where its file lies; made where it is missing.
  ///   - purpose: all that the records depend on besides the picture and the view, in words. Other words, another
  ///     file.
  ///   - payloadLength: the bytes of a record.
  /// - Throws: `ZooError` where the folder can't be made.
  package init(folder: String, purpose: String, payloadLength: Int) throws(ZooError) {
    let hash = SHA256Hasher.hash(Array(purpose.utf8))
    self.purpose = hash
    self.payloadLength = payloadLength
    let name = hash.prefix(12).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    path = "\(folder)/\(name).cache"
    try Self.make(folder: folder)
    readIndex()
  }

  /// The user's folder for caches of this program: `ZOO_CACHE`, or where the system keeps such things.
  package static var defaultFolder: String? {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    if let folder = variable("ZOO_CACHE") { return folder }
    #if canImport(Darwin)
      return variable("HOME").map { $0 + "/Library/Caches/zoo" }
    #else
      return (variable("XDG_CACHE_HOME") ?? variable("HOME").map { $0 + "/.cache" }).map { $0 + "/zoo" }
    #endif
  }

  private static func make(folder: String) throws(ZooError) {
    guard !isFolder(folder) else { return }
    let parent = ZooSystem.folder(of: folder)
    if parent != folder, !isFolder(parent) { try make(folder: parent) }
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw ZooError.file(.create, folder) }
    guard isFolder(folder) else { throw ZooError.file(.create, folder, reason: "it is not a folder") }
  }

  // MARK: Reading

  /// How many records were found damaged and are computed again.
  package var damagedCount: Int { state.withLock { $0.damaged } }

  /// Why records are no longer written, where that is so.
  package var failure: ZooError? { state.withLock { $0.failure } }

  /// The record of `key`, or nil.
  package func record(of key: Key) -> [UInt8]? {
    state.withLock { state in
      guard let offset = state.offsets[key], let mapping = state.mapping else { return nil }
      let record = UnsafeRawBufferPointer(rebasing: mapping.bytes[offset..<offset + recordLength])
      let checked = recordLength - Self.checksumLength
      let sum = XXH3Hasher.hash(UnsafeRawBufferPointer(rebasing: record[..<checked])).low
      guard record.loadUnaligned(fromByteOffset: checked, as: UInt64.self) == sum.littleEndian else {
        state.offsets[key] = nil
        state.damaged += 1
        return nil
      }
      return Array(record[Self.keyLength..<checked])
    }
  }

  /// Notes where each record lies; the last of several of one key counts.
  private func readIndex() {
    guard let mapping = try? MappedFile(path: path) else { return }
    let bytes = mapping.bytes
    guard bytes.count >= Self.headerLength, Array(bytes[..<Self.headerLength]) == header else { return }
    state.withLock { state in
      state.mapping = mapping
      var offset = Self.headerLength
      while offset + recordLength <= bytes.count {
        let key = Key(
          picture: XXH3Hasher.Digest(
            high: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
            low: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))),
          view: Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt32.self))))
        state.offsets[key] = offset
        offset += recordLength
      }
    }
  }

  private var header: [UInt8] {
    let start = Self.magic + purpose + UInt64(payloadLength).littleEndianBytes
    return start + [UInt8](repeating: 0, count: Self.headerLength - start.count)
  }

  // MARK: Writing

  /// Adds a record; it is in the file after the next ``flush()``.
  ///
  /// - Precondition: `payload` has the length of a record.
  package func add(_ payload: [UInt8], for key: Key) {
    precondition(payload.count == payloadLength, "a record's length")
    var record =
      key.picture.high.littleEndianBytes + key.picture.low.littleEndianBytes + key.view.littleEndianBytes
    record.reserveCapacity(recordLength)
    record += payload
    record += XXH3Hasher.hash(record).low.littleEndianBytes
    state.withLock { state in
      if state.failure == nil { state.pending += record }
    }
  }

  /// Appends what was added to the file. Where that fails, for example for want of space, ``failure`` says why, and
  /// nothing more is written.
  package func flush() {
    state.withLock { state in
      guard !state.pending.isEmpty else { return }
      do throws(ZooError) {
        try append(state.pending)
      } catch {
        state.failure = error
      }
      state.pending = []
    }
  }

  private func append(_ records: [UInt8]) throws(ZooError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw ZooError.file(.create, path) }
    defer { close(descriptor) }
    // Others append to the same file.
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else { throw ZooError.file(.write, path) }
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw ZooError.file(.write, path) }
    var found = [UInt8](repeating: 0, count: Self.headerLength)
    let count = found.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    var end = Self.headerLength
    if count == Self.headerLength, found == header {
      // A record that was cut is overwritten.
      end += (Int(status.st_size) - Self.headerLength) / recordLength * recordLength
    } else {
      guard ftruncate(descriptor, 0) == 0 else { throw ZooError.file(.write, path) }
      try write(header, at: 0, to: descriptor)
    }
    do throws(ZooError) {
      try write(records, at: end, to: descriptor)
    } catch {
      // What is there of them would be taken for a record only with its checksum; the space is better free.
      _ = ftruncate(descriptor, off_t(end))
      throw error
    }
  }

  private func write(_ bytes: [UInt8], at offset: Int, to descriptor: CInt) throws(ZooError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(ZooError) in
        try AtomicFile.write(bytes, at: offset, to: descriptor, path: path)
      }
    }
    try result.get()
  }
}
