import ZooGraph
import ZooSystem
import ZooTensor

/// Writes a `.zoo` file, one tensor after another, in memory that does not grow with the file.
package struct ZooWriter {
  private let document: ZooDocument
  private let storage: StorageType
  private let single: Set<WeightSlot>

  /// - Parameter single: what stays in 32-bit floats whatever `storage` says.
  package init(document: ZooDocument, storage: StorageType, single: Set<WeightSlot> = []) {
    self.document = document
    self.storage = storage
    self.single = single
  }

  /// The elements that are converted, hashed and written at a time.
  private static let chunkLength = 1 << 18

  /// Writes the file and returns what it holds. The same document and weights give the same bytes.
  ///
  /// The file appears under its name only when it is whole and synced. With `.f16` every tensor is asked
  /// for twice. The checksum of `source` is waited for when the tensors are written; without, it
  /// is what the document says. `progress` gets the bytes of tensors written so far and in all. `confirm` is
  /// called when all is written; where it throws, nothing appears. Throws `ZooError` where
  /// the document breaks the specification, and what `weights` and `confirm` throw.
  @discardableResult
  package func write(
    to path: String, overwrite: Bool, weights: some WeightSource,
    source: SourceHashes? = nil, progress: (Int, Int) -> Void = { _, _ in },
    confirm: () throws -> Void = {}
  ) throws -> [TensorRecord] {
    if !overwrite { try AtomicFile.checkAbsent(path) }
    var header = Header(document: document, tensors: try layout(weights, path: path))
    // Neither the tensors' checksums nor the source's change the header's length.
    let headerLength = try checked(header, path: path).count
    let dataLength = header.tensors.last.map { $0.offset + $0.byteCount } ?? 0
    let dataStart = Preamble(headerLength: headerLength, fileLength: 0, headerChecksum: .zero).dataStart

    let file = try AtomicFile(path: path)
    var done = 0
    let total = header.tensors.reduce(0) { $0 + $1.byteCount }
    try file.withBackgroundWriter { writer in
      for index in header.tensors.indices {
        try Cancellation.check()
        let record = header.tensors[index]
        var hash = XXH3Hasher()
        var offset = dataStart + record.offset
        try forEachChunk(of: tensor(weights, record.slot, path: path), as: record.elementType) { chunk in
          try writer.write(chunk, at: offset)
          chunk.withUnsafeBytes { hash.update($0) }
          offset += chunk.count
          done += chunk.count
          progress(done, total)
        }
        header.tensors[index].checksum = TensorChecksum(hash.finalize())
      }
    }
    if let source { header.document.source?.sha256 = source.checksum.hexadecimal }

    let headerBytes = header.bytes
    let preamble = Preamble(
      headerLength: headerLength, fileLength: dataStart + dataLength,
      headerChecksum: headerBytes.withUnsafeBytes { Checksum(hashing: $0) })
    var start = preamble.bytes + headerBytes
    start += [UInt8](repeating: 0, count: dataStart - start.count)
    try file.write(start, at: 0)
    try confirm()
    try file.commit(overwrite: overwrite)
    return header.tensors.map { record in
      var record = record
      record.offset += dataStart
      return record
    }
  }

  /// The header's bytes, after the reader's own check.
  private func checked(_ header: Header, path: String) throws(ZooError) -> [UInt8] {
    if let source = document.source, Checksum(hexadecimal: source.sha256) == nil || source.bytes < 0 {
      throw ZooError(.malformed, ".zoo file", at: "\(path), source", "its SHA-256 or length is invalid")
    }
    let bytes = header.bytes
    guard bytes.count <= Preamble.headerLimit else {
      throw ZooError(.unsupported, ".zoo file", at: "\(path), header", "it would have \(bytes.count) bytes")
    }
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(ZooError) in try Header(raw, version: Preamble.version, path: path) }
    }
    _ = try result.get()
    return bytes
  }

  // MARK: Tensors

  /// Where every tensor goes, in which type, and what that changes; checksums are still zero.
  private func layout(_ weights: some WeightSource, path: String) throws -> [TensorRecord] {
    var end = 0
    return try document.graph.weightSlots.map { slot in
      var type = ElementType.float32
      var error: StorageError?
      if storage.elementType != type, !single.contains(slot) {
        (type, error) = form(of: try tensor(weights, slot, path: path))
      }
      guard let offset = Preamble.aligned(end) else {
        throw ZooError(
          .unsupported, ".zoo file", at: "\(path), tensor '\(slot.name)'", "the file would be too large")
      }
      let byteCount = slot.shape.elementCount * type.byteCount
      end = offset + byteCount
      return TensorRecord(
        slot: slot, elementType: type, offset: offset, byteCount: byteCount, checksum: .zero,
        storageError: error)
    }
  }

  private func tensor(
    _ weights: some WeightSource, _ slot: WeightSlot, path: String
  ) throws -> StoredTensor {
    let tensor = try weights.tensor(for: slot)
    guard tensor.shape == slot.shape else {
      throw ZooError(
        .malformed, ".zoo file", at: "\(path), tensor '\(slot.name)'",
        "its shape is \(tensor.shape), expected \(slot.shape)")
    }
    return tensor
  }

  /// The type in which a tensor is stored, and what that changes.
  private func form(of source: StoredTensor) -> (ElementType, StorageError?) {
    guard source.elementType != storage.elementType else { return (storage.elementType, nil) }
    var isInRange = true
    var largestError: Float = 0
    var largestValue: Float = 0
    source.forEachPart(length: Self.chunkLength) { part in
      let rounding = storage.rounding(part.floats())
      part.bytes.letGo()
      isInRange = isInRange && rounding.isInRange
      largestError = max(largestError, rounding.largestError)
      largestValue = max(largestValue, rounding.largestValue)
    }
    guard isInRange else { return (.float32, nil) }
    guard largestError > 0 else { return (storage.elementType, nil) }
    return (
      storage.elementType,
      StorageError(largestError: Double(largestError), largestValue: Double(largestValue))
    )
  }

  /// Calls `body` with the tensor's bytes as `type` (`f32` or `f16`), part by part, in order.
  private func forEachChunk(
    of tensor: StoredTensor, as type: ElementType, _ body: (ByteSlice) throws -> Void
  ) throws {
    try tensor.forEachPart(length: Self.chunkLength) { part in
      if part.elementType == type {
        // Whoever writes it lets it go.
        try body(part.bytes)
      } else {
        let values = part.floats()
        part.bytes.letGo()
        try body(
          ByteSlice(
            type == .float16
              ? HeapBytes(Float.float16Bits(of: values))
              : HeapBytes(values.map { $0.bitPattern.littleEndian })))
      }
    }
  }
}
