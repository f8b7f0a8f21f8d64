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
  private let indexBySlot: [WeightSlot: Int]
  /// The tensors whose checksums are still to be verified at their first use.
  private let unverified: Mutex<Set<Int>>

  /// Opens the file at `path`.
  ///
  /// With `verifyingOnUse` a tensor's checksum is verified when it is first asked for. Throws `ZooError`
  /// where the file can't be opened and `ZooError` where it breaks the specification.
  package convenience init(path: String, verifyingOnUse: Bool = false) throws {
    try self.init(contents: MappedFile(path: path), name: path, verifyingOnUse: verifyingOnUse)
  }

  /// Opens a file that is in memory; `name` is what errors call it.
  ///
  /// The memory may lie at any address. Where that is not a multiple of 64, tensors that could be used where they
  /// lie are copied.
  package init(contents mapping: any ByteOwner, name path: String, verifyingOnUse: Bool = false) throws {
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
    self.path = path
    self.mapping = mapping
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

  /// The tensor for `slot`, where it is mapped; its bytes are not copied.
  package func tensor(for slot: WeightSlot) throws -> StoredTensor {
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
    return try stored(record)
  }

  private func stored(_ record: TensorRecord) throws(ZooError) -> StoredTensor {
    guard
      let slice = ByteSlice(mapping, range: record.offset..<record.offset + record.byteCount),
      let tensor = StoredTensor(shape: record.shape, elementType: record.elementType, bytes: slice)
    else {
      throw ZooError(.malformed, ".zoo file", at: "\(path), tensor '\(record.name)'", "it is not in the file")
    }
    return tensor
  }

  /// Reads a tensor of this file and throws where its bytes do not have the recorded checksum, or the
  /// bytes up to the next tensor are not zero.
  package func verifyChecksum(_ record: TensorRecord) throws(ZooError) {
    if let found = try stored(record).bytes.withUnsafeBytes({ record.checksum.verify($0) }) {
      throw ZooError(
        .damaged, ".zoo file", at: "\(path), tensor '\(record.name)'",
        "its \(found.algorithm) is \(found.hexadecimal), expected \(record.checksum.hexadecimal)")
    }
    let end = record.offset + record.byteCount
    let next = min(Preamble.aligned(end) ?? end, byteCount)
    guard mapping.bytes[end..<next].allSatisfy({ $0 == 0 }) else {
      throw ZooError(
        .malformed, ".zoo file", at: "\(path), tensor '\(record.name)'", "it is not followed by zeros")
    }
  }
}
