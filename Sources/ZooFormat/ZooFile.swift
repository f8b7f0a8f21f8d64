import Synchronization
import ZooGraph
import ZooSystem
import ZooTensor

/// A `.zoo` file, mapped: opening it reads the header and checks everything that it says; a tensor's
/// pages are read when they are used.
package final class ZooFile: WeightSource, Sendable {
  package let path: String
  package let document: ZooDocument
  /// The tensors in the order of the graph's weights.
  package let tensors: [TensorRecord]
  /// The length of the whole file in bytes.
  package var byteCount: Int { mapping.bytes.count }

  private let mapping: any ByteOwner
  private let frames: (any FrameCoder)?
  private let indexBySlot: [WeightSlot: Int]
  /// The tensors whose checksums are still to be verified at their first use.
  private let unverified: Mutex<Set<Int>>

  /// Opens the file at `path`.
  ///
  /// With `verifyingOnUse` a tensor's checksum is verified when it is first asked for. `frames` decodes tensors that are
  /// coded; without, these can't be had. Throws `ZooError` where the file can't be opened or breaks the
  /// specification.
  package convenience init(
    path: String, frames: (any FrameCoder)? = nil, verifyingOnUse: Bool = false
  ) throws {
    try self.init(
      contents: MappedFile(path: path), name: path, frames: frames, verifyingOnUse: verifyingOnUse)
  }

  /// Opens a file that is in memory; `name` is what errors call it.
  ///
  /// The memory may lie at any address. Where that is not a multiple of 64, tensors that could be used where they
  /// lie are copied.
  package init(
    contents mapping: any ByteOwner, name path: String, frames: (any FrameCoder)? = nil,
    verifyingOnUse: Bool = false
  ) throws {
    defer { withExtendedLifetime(mapping) {} }
    let bytes = mapping.bytes
    let preamble = try Preamble(bytes, path: path)
    let headerEnd = Preamble.byteCount + preamble.headerLength
    let headerBytes = UnsafeRawBufferPointer(rebasing: bytes[Preamble.byteCount..<headerEnd])
    guard Checksum(hashing: headerBytes) == preamble.headerChecksum else {
      throw ZooError(.damaged, ".zoo file", at: "\(path), header", "its checksum does not match")
    }
    guard bytes[headerEnd..<preamble.dataStart].allSatisfy({ $0 == 0 }) else {
      throw ZooError(.malformed, ".zoo file", at: "\(path), header", "it is not followed by zeros")
    }
    let header = try Header(headerBytes, version: preamble.version, path: path)
    let dataLength = header.tensors.last.map { $0.offset + $0.byteCount } ?? 0
    guard bytes.count - preamble.dataStart == dataLength else {
      throw ZooError(
        .malformed, ".zoo file", at: path,
        "its data has \(bytes.count - preamble.dataStart) bytes, but its tensors need \(dataLength)")
    }
    try Self.checkExpansion(header.tensors, fileLength: bytes.count, path: path)
    self.path = path
    self.mapping = mapping
    self.frames = frames
    document = header.document
    tensors = header.tensors.map { record in
      var record = record
      record.offset += preamble.dataStart
      return record
    }
    var indexBySlot: [WeightSlot: Int] = [:]
    indexBySlot.reserveCapacity(tensors.count)
    for (index, record) in tensors.enumerated() { indexBySlot[record.slot] = index }
    self.indexBySlot = indexBySlot
    unverified = Mutex(verifyingOnUse ? Set(header.tensors.indices) : [])
  }

  /// The SHA-256 of graph, weights and preprocessing, the same whatever was converted where; nil for files whose
  /// tensors have checksums of another kind (version 1).
  package var contentHash: Checksum? {
    let isCurrent = tensors.allSatisfy { if case .xxh3 = $0.checksum { true } else { false } }
    return isCurrent ? Header(document: document, tensors: tensors).contentHash : nil
  }

  /// Refuses files whose tensors take far more memory than they have bytes: what a few bytes stand for could be without
  /// end.
  private static func checkExpansion(
    _ tensors: [TensorRecord], fileLength: Int, path: String
  ) throws(ZooError) {
    let decoded = tensors.reduce(0) { $0 + ($1.planes.isEmpty ? 0 : $1.plainByteCount) }
    guard decoded > ReadingLimits.current.expansion, decoded / 100 > fileLength else { return }
    throw ZooError(
      .tooLarge, ".zoo file", at: path,
      "its coded tensors have \(decoded) bytes, more than 100 times those of the file",
      remedy: ReadingLimits.remedy("expansion"))
  }

  /// How a graph with layers of this file is computed with activations of 8 bits; nil where it is not.
  package func integerForm(of graph: Graph? = nil) throws -> IntegerForm? {
    try document.integers?.form(of: graph ?? document.graph, weights: self)
  }

  // MARK: Tensors

  /// Nil for a tensor that the file does not have.
  func record(of slot: WeightSlot) -> TensorRecord? { indexBySlot[slot].map { tensors[$0] } }

  /// The tensor for `slot`: where it is mapped, its bytes not copied, or where it is coded or whole numbers, decoded.
  package func tensor(for slot: WeightSlot) throws -> StoredTensor {
    try tensor(for: slot) { count, body in (0..<count).forEach(body) }
  }

  package func tensor(for slot: WeightSlot, sharing share: WorkSharing) throws -> StoredTensor {
    let record = try checkedRecord(slot)
    let content = try content(record, sharing: share)
    switch record.form {
    case .values(let type):
      guard let tensor = StoredTensor(shape: record.shape, elementType: type, bytes: content) else {
        throw isNotThere(record)
      }
      return tensor
    case .codes(let form):
      return StoredTensor(shape: record.shape, values: try quantized(record, form, content).floats())
    }
  }

  /// The tensor for `slot` as whole numbers; nil where it is stored as floats.
  package func quantizedTensor(for slot: WeightSlot) throws -> QuantizedTensor? {
    let record = try checkedRecord(slot)
    guard case .codes(let form) = record.form else { return nil }
    return try quantized(record, form, content(record))
  }

  /// The record of the tensor for `slot`, after the check that is made at its first use.
  private func checkedRecord(_ slot: WeightSlot) throws -> TensorRecord {
    guard let index = indexBySlot[slot] else {
      throw ZooError(
        .malformed, ".zoo file", at: "\(path), tensor '\(slot.name)'",
        "the file has no such tensor of shape \(slot.shape)")
    }
    let record = tensors[index]
    if unverified.withLock({ $0.contains(index) }) {
      try verifyChecksum(record)
      unverified.withLock { _ = $0.remove(index) }
    }
    return record
  }

  private func quantized(
    _ record: TensorRecord, _ form: QuantizedForm, _ content: ByteSlice
  ) throws(ZooError) -> QuantizedTensor {
    guard let tensor = QuantizedTensor(shape: record.shape, form: form, bytes: content) else {
      throw isNotThere(record)
    }
    if let why = tensor.fault {
      throw ZooError(.malformed, ".zoo file", at: "\(path), tensor '\(record.name)'", why)
    }
    return tensor
  }

  /// The bytes in the file.
  private func stored(_ record: TensorRecord) throws(ZooError) -> ByteSlice {
    guard let slice = ByteSlice(mapping, range: record.offset..<record.offset + record.byteCount) else {
      throw isNotThere(record)
    }
    return slice
  }

  private func isNotThere(_ record: TensorRecord) -> ZooError {
    ZooError(.malformed, ".zoo file", at: "\(path), tensor '\(record.name)'", "it is not in the file")
  }

  /// The tensor's bytes, decoded where they are coded.
  private func content(
    _ record: TensorRecord, sharing share: WorkSharing = { count, body in (0..<count).forEach(body) }
  ) throws(ZooError) -> ByteSlice {
    let stored = try stored(record)
    guard !record.planes.isEmpty else { return stored }
    guard let frames else {
      throw ZooError(
        .unsupported, ".zoo file", at: "\(path), tensor '\(record.name)'",
        "it is compressed, and this program is built without a decoder for that",
        remedy:
          "Build with the package's trait CompressedFiles, or write a plain file: `zoo convert FILE -o PLAIN.zoo`."
      )
    }
    defer { stored.letGo() }
    do throws(PlaneReader.Failure) {
      return try ByteSlice(HeapBytes(decoding: record, stored, frames, sharing: share))
    } catch {
      throw error.cause ?? ZooError(.damaged, ".zoo file", at: "\(path), tensor '\(record.name)'", error.why)
    }
  }

  /// Reads a tensor of this file and throws where its bytes, or what they decode to, do not have the recorded
  /// checksums, or the bytes up to the next tensor are not zero.
  package func verifyChecksum(_ record: TensorRecord) throws(ZooError) {
    try verify(record.checksum, of: try stored(record), record)
    if let plain = record.plainChecksum, frames != nil {
      try verify(plain, of: try content(record), record)
    }
    let end = record.offset + record.byteCount
    let next = min(Preamble.aligned(end) ?? end, byteCount)
    guard mapping.bytes[end..<next].allSatisfy({ $0 == 0 }) else {
      throw ZooError(
        .malformed, ".zoo file", at: "\(path), tensor '\(record.name)'", "it is not followed by zeros")
    }
  }

  private func verify(
    _ checksum: TensorChecksum, of bytes: ByteSlice, _ record: TensorRecord
  ) throws(ZooError) {
    guard let found = bytes.withUnsafeBytes({ checksum.verify($0) }) else { return }
    throw ZooError(
      .damaged, ".zoo file", at: "\(path), tensor '\(record.name)'",
      "its \(found.algorithm) is \(found.hexadecimal), expected \(checksum.hexadecimal)")
  }
}

extension HeapBytes {
  /// What the bytes of a coded tensor stand for.
  fileprivate convenience init(
    decoding record: TensorRecord, _ stored: ByteSlice, _ frames: any FrameCoder, sharing share: WorkSharing
  ) throws(PlaneReader.Failure) {
    let elements = record.shape.elementCount
    let prefix = record.form.codedFrom(elements: elements)
    guard stored.count >= prefix else { throw PlaneReader.Failure(why: "it ends before its codes") }
    try self.init(count: record.plainByteCount) { target throws(PlaneReader.Failure) in
      try stored.withUnsafeBytes { bytes throws(PlaneReader.Failure) in
        let reader = try PlaneReader(
          UnsafeRawBufferPointer(rebasing: bytes[prefix...]), planes: record.planes, values: elements,
          frames: frames)
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<prefix]))
        try reader.decode(into: UnsafeMutableRawBufferPointer(rebasing: target[prefix...]), sharing: share)
      }
    }
  }
}
