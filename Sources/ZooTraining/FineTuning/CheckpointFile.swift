import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The file that a training goes on from after an interruption. It is replaced in one step: whenever the program is
/// killed, a whole checkpoint is there.
///
/// Its bytes are eight of a magic number, the length of a JSON text, that text with the names and sizes of arrays, the
/// arrays as 32-bit floats in that order, and the XXH3 hash of all that; numbers are little-endian.
package struct CheckpointFile: Sendable {
  package let path: String
  /// What a training is of: the hashes of data, split, settings and backbone, by what they are.
  package let identity: [String: String]
  package let resuming: Trainer.Resuming

  package init(path: String, identity: [String: String], resuming: Trainer.Resuming) {
    self.path = path
    self.identity = identity
    self.resuming = resuming
  }

  private static let magic = Array("ZOOTRAIN".utf8)
  private static let version = 1
  /// The longest JSON text that is read, in bytes.
  private static let headerLimit = 1 << 26

  private struct Header: Codable {
    struct Array: Codable {
      var name: String
      var count: Int
    }

    var version: Int
    var identity: [String: String]
    var state: TuningState
    var arrays: [Array]
  }

  /// Checks, before any work, that there can be a checkpoint at `path`, and that one that is there is wanted.
  ///
  /// - Throws: `ZooError`.
  static func checkPossible(_ path: String, _ resuming: Trainer.Resuming) throws(ZooError) {
    try AtomicFile.checkPossible(path, overwrite: true)
    guard resuming == .never, exists(path) else { return }
    throw ZooError(
      .cannotCreate, "checkpoint", at: path, "an unfinished training is there",
      remedy: "Resume it, or replace it.")
  }

  /// The state to go on from; nil: from the start.
  ///
  /// - Throws: `ZooError` where there is a checkpoint that was not asked for, or that does not fit.
  func resumed() throws(ZooError) -> TuningState? {
    try Self.checkPossible(path, resuming)
    guard exists(path), resuming != .restart else { return nil }
    let (state, found) = try Self.read(path)
    let different = Set(identity.keys).union(found.keys).filter { identity[$0] != found[$0] }.sorted()
    guard different.isEmpty || resuming == .changed else {
      throw ZooError(
        .doesNotFit, what: "cannot resume", at: path,
        "other \(different.joined(separator: ", ")) than when it was begun")
    }
    return state
  }

  /// Writes a state, whole or not at all.
  func write(_ state: TuningState) throws(ZooError) {
    let arrays = state.arrays.sorted { $0.key < $1.key }
    let header = Header(
      version: Self.version, identity: identity, state: state,
      arrays: arrays.map { .init(name: $0.key, count: $0.value.count) })
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // A loss that is no number is a fact to keep.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let text: Data
    do {
      text = try encoder.encode(header)
    } catch {
      throw ZooError(.unexpected, what: "checkpoint", at: path, "\(error)")
    }
    var output = HashedOutput(file: try AtomicFile(path: path))
    try output.put(Self.magic)
    try output.put(UInt64(text.count).littleEndianBytes)
    try output.put(Array(text))
    for (_, values) in arrays {
      #if _endian(little)
        let result = values.withUnsafeBytes { raw in Result { () throws(ZooError) in try output.put(raw) } }
        try result.get()
      #else
        try output.put(values.flatMap { $0.bitPattern.littleEndianBytes })
      #endif
    }
    try output.commit()
  }

  /// A file whose end is the hash of what is before it.
  private struct HashedOutput: ~Copyable {
    let file: AtomicFile
    private var hasher = XXH3Hasher()
    private var offset = 0

    init(file: consuming AtomicFile) { self.file = file }

    mutating func put(_ bytes: UnsafeRawBufferPointer) throws(ZooError) {
      hasher.update(bytes)
      try file.write(bytes, at: offset)
      offset += bytes.count
    }

    mutating func put(_ bytes: [UInt8]) throws(ZooError) {
      let result = bytes.withUnsafeBytes { raw in Result { () throws(ZooError) in try put(raw) } }
      try result.get()
    }

    consuming func commit() throws(ZooError) {
      try file.write(hasher.finalize().low.littleEndianBytes, at: offset)
      try file.commit(overwrite: true)
    }
  }

  /// Removes the file, where there is one.
  func remove() { unlink(path) }

  private static func read(_ path: String) throws(ZooError) -> (TuningState, [String: String]) {
    func damaged(_ why: String) -> ZooError { ZooError(.damaged, what: "checkpoint", at: path, why) }
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    let bytes = file.bytes
    guard bytes.count >= 24, Array(bytes[..<8]) == magic else {
      throw damaged("it is no checkpoint of a training")
    }
    let sum = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
    guard XXH3Hasher.hash(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 8)])).low == sum else {
      throw damaged("its checksum is wrong")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    guard length <= headerLimit, length <= bytes.count - 24 else {
      throw damaged("it states a text of \(length) bytes")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let header: Header
    do {
      header = try decoder.decode(Header.self, from: Data(bytes[16..<16 + Int(length)]))
    } catch {
      throw damaged("its text can't be read")
    }
    guard header.version == version else { throw damaged("version \(header.version), expected \(version)") }
    var state = header.state
    var offset = 16 + Int(length)
    for array in header.arrays {
      let (size, overflow) = array.count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
      guard !overflow, size >= 0, size <= bytes.count - 8 - offset else {
        throw damaged("the array '\(array.name)' is longer than the file")
      }
      state.arrays[array.name] = (0..<array.count).map {
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4 * $0, as: UInt32.self)))
      }
      offset += size
    }
    guard offset == bytes.count - 8 else {
      throw damaged("it has \(bytes.count - 8 - offset) bytes too many")
    }
    return (state, header.identity)
  }
}
