import ZooGraph
import ZooSystem
import ZooTensor

/// Writes a `.zoo` file, one tensor after another, in memory that does not grow with the file: only a tensor that becomes
/// whole numbers is held as a whole.
package struct ZooWriter {
  private let document: ZooDocument
  private let plan: StoragePlan

  package init(document: ZooDocument, plan: StoragePlan) {
    self.document = document
    self.plan = plan
  }

  /// A writer of the floats of `storage`.
  ///
  /// - Parameter single: what stays in 32-bit floats whatever `storage` says.
  package init(document: ZooDocument, storage: StorageType, single: Set<WeightSlot> = []) {
    self.init(document: document, plan: StoragePlan(storage, for: document.graph, single: single))
  }

  /// Writes the file and returns what it holds. The same document and weights give the same bytes.
  ///
  /// The file appears under its name only when it is whole and synced. A tensor that is not stored in 32-bit floats as
  /// they are is asked for several times. The checksum of `source` is waited for when the tensors are written; without,
  /// it is what the document says. `progress` gets the bytes of tensors written so far and in all. `confirm` is
  /// called when all is written; where it throws, nothing appears. Throws `ZooError` where
  /// the document breaks the specification or the file would have more than `largestLength` bytes, and what `weights`
  /// and `confirm` throw.
  @discardableResult
  package func write(
    to path: String, overwrite: Bool, weights: some WeightSource,
    source: SourceHashes? = nil, largestLength: Int = .max, progress: (Int, Int) -> Void = { _, _ in },
    confirm: () throws -> Void = {}
  ) throws -> [TensorRecord] {
    if !overwrite { try AtomicFile.checkAbsent(path) }
    let layouts = try layouts(weights, path: path)
    var header = Header(document: document, tensors: try records(layouts, path: path))
    if header.version < 3 { header.tensors = header.tensors.map(\.withoutRootMeanSquare) }
    // Neither the tensors' checksums nor the source's change the header's length.
    let headerLength = try checked(header, path: path).count
    let dataLength = header.tensors.last.map { $0.offset + $0.byteCount } ?? 0
    let dataStart = Preamble(
      version: header.version, headerLength: headerLength, fileLength: 0, headerChecksum: .zero
    ).dataStart
    guard dataStart + dataLength <= largestLength else {
      throw ZooError(
        .unsuitable, what: "cannot write a .zoo file", at: path,
        "it would have \(dataStart + dataLength) bytes, more than \(largestLength)")
    }

    let file = try AtomicFile(path: path)
    var done = 0
    let total = header.tensors.reduce(0) { $0 + $1.byteCount }
    try file.withBackgroundWriter { writer in
      var later: [(index: Int, checksum: LaterChecksum)] = []
      // They read the file, which must not be closed meanwhile.
      defer { for (_, checksum) in later { _ = checksum.value } }
      for (index, layout) in layouts.enumerated() {
        try Cancellation.check()
        let record = header.tensors[index]
        let start = dataStart + record.offset
        func count(_ bytes: Int) {
          done += bytes
          progress(done, total)
        }
        if let view = try viewAsItIs(weights, record.slot, layout, path: path) {
          if let checksum = try write(view, to: writer, at: start, count) {
            header.tensors[index].checksum = checksum
          } else {
            let range = start..<start + record.byteCount
            later.append((index, LaterChecksum { Self.checksum(of: range, in: writer) }))
          }
        } else {
          let sums = try write(weights, record, layout, to: writer, at: start, path: path, count)
          header.tensors[index].checksum = sums.stored
          header.tensors[index].plainChecksum = sums.plain
        }
      }
      for (index, checksum) in later { header.tensors[index].checksum = try checksum.value.get() }
    }
    if let source { header.document.source?.sha256 = source.checksum.hexadecimal }

    let headerBytes = header.bytes
    let preamble = Preamble(
      version: header.version, headerLength: headerLength, fileLength: dataStart + dataLength,
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

  // MARK: Data

  private typealias LaterChecksum = BackgroundResult<Result<TensorChecksum, ZooError>>

  /// Writes a tensor from its first byte on.
  private func write(
    _ weights: some WeightSource, _ record: TensorRecord, _ layout: TensorEncoder.Layout,
    to writer: BackgroundWriter, at start: Int, path: String, _ count: (Int) -> Void
  ) throws -> (stored: TensorChecksum, plain: TensorChecksum?) {
    var (hash, plainHash) = (XXH3Hasher(), XXH3Hasher())
    var offset = start
    try plan.encoder(of: record.slot).forEachChunk(
      record.name, of: stored(weights, record.slot, path: path),
      quantized: plan.codes(weights, record.slot),
      layout,
      plain: { if layout.survey != nil { plainHash.update($0) } },
      { chunk in
        try writer.write(chunk, at: offset)
        chunk.withUnsafeBytes { hash.update($0) }
        offset += chunk.count
        count(chunk.count)
      })
    return (
      TensorChecksum(hash.finalize()), layout.survey == nil ? nil : TensorChecksum(plainHash.finalize())
    )
  }

  /// The tensor of a slot whose values are stored as they come; nil for others.
  private func viewAsItIs(
    _ weights: some WeightSource, _ slot: WeightSlot, _ layout: TensorEncoder.Layout, path: String
  ) throws -> TensorView? {
    guard layout.survey == nil, layout.form == .values(.float32), plan.replaced[slot] == nil else {
      return nil
    }
    let view = try weights.tensorView(for: slot)
    try check(view.shape, of: slot, path: path)
    return view.elementType == .float32 ? view : nil
  }

  /// Returns the checksum; nil where the parts did not come in order.
  private func write(
    _ view: TensorView, to writer: BackgroundWriter, at start: Int, _ count: (Int) -> Void
  ) throws -> TensorChecksum? {
    var hash = view.comesInOrder ? XXH3Hasher() : nil
    try view.forEachPart(length: TensorContent.partLength) { part, place in
      // Before the writer lets it go.
      part.bytes.withUnsafeBytes { hash?.update($0) }
      try writer.write(part.bytes, at: start + place * part.elementType.byteCount)
      count(part.bytes.count)
    }
    return hash.map { TensorChecksum($0.finalize()) }
  }

  /// The checksum of what has been written out of order.
  private static func checksum(
    of range: Range<Int>, in writer: BackgroundWriter
  ) -> Result<TensorChecksum, ZooError> {
    Result { () throws(ZooError) in
      var hash = XXH3Hasher()
      try writer.forEachPart(of: range) { hash.update($0) }
      return TensorChecksum(hash.finalize())
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
      Result { () throws(ZooError) in try Header(raw, version: header.version, path: path) }
    }
    _ = try result.get()
    return bytes
  }

  // MARK: Tensors

  /// How every tensor is stored, and what that changes.
  private func layouts(_ weights: some WeightSource, path: String) throws -> [TensorEncoder.Layout] {
    try document.graph.weightSlots.map { slot in
      try Cancellation.check()
      guard plan.hasToSurvey(slot) else { return plan.layoutAsItIs(slot) }
      return try plan.layout(
        of: slot, checked(try weights.tensor(for: slot), slot, path: path),
        quantized: plan.codes(weights, slot))
    }
  }

  /// Where every tensor goes; checksums are still zero.
  private func records(_ layouts: [TensorEncoder.Layout], path: String) throws(ZooError) -> [TensorRecord] {
    var end = 0
    var records: [TensorRecord] = []
    for (slot, layout) in zip(document.graph.weightSlots, layouts) {
      guard let offset = Preamble.aligned(end) else {
        throw ZooError(
          .unsupported, ".zoo file", at: "\(path), tensor '\(slot.name)'", "the file would be too large")
      }
      end = offset + layout.byteCount
      records.append(
        TensorRecord(
          slot: slot, form: layout.form, planes: layout.survey?.planes ?? [], offset: offset,
          byteCount: layout.byteCount, checksum: .zero, plainChecksum: layout.survey == nil ? nil : .zero,
          storageError: layout.error))
    }
    return records
  }

  /// What the file stores of a slot.
  private func stored(_ weights: some WeightSource, _ slot: WeightSlot, path: String) throws -> StoredTensor {
    try checked(try plan.replaced[slot] ?? weights.tensor(for: slot), slot, path: path)
  }

  private func checked(
    _ tensor: StoredTensor, _ slot: WeightSlot, path: String
  ) throws(ZooError) -> StoredTensor {
    try check(tensor.shape, of: slot, path: path)
    return tensor
  }

  private func check(_ shape: Shape, of slot: WeightSlot, path: String) throws(ZooError) {
    guard shape == slot.shape else {
      throw ZooError(
        .malformed, ".zoo file", at: "\(path), tensor '\(slot.name)'",
        "its shape is \(shape), expected \(slot.shape)")
    }
  }
}
