import ZooGraph
import ZooSystem
import ZooTensor

extension CoreMLModel {
  /// Where a package has what, and the folders that are needed for that, the outer first.
  private enum Place {
    static let folders = ["Data", "Data/com.apple.CoreML", "Data/com.apple.CoreML/weights"]
    static let manifest = "Manifest.json"
    static let model = "Data/com.apple.CoreML/model.mlmodel"
    static let weights = "Data/com.apple.CoreML/weights/weight.bin"
    static let all = folders + [manifest, model, weights]
  }

  /// Throws where a package at `path` could not be made: to refuse before the work rather than after.
  ///
  /// - Throws: `ZooError`, also where `path` is a folder with other files than a package has, even with `overwrite`.
  package static func checkPossible(_ path: String, overwrite: Bool) throws(ZooError) {
    try AtomicFolder.checkPossible(path, overwrite: overwrite, contents: Place.all)
  }

  /// Writes the package, a folder at `path`, whole or not at all.
  ///
  /// - Parameters:
  ///   - overwrite: whether another package of that name is replaced.
  ///   - weights: those that the model was made with.
  ///   - progress: gets the bytes of a part of the weights when it is written.
  /// - Returns: the bytes of all files.
  /// - Throws: `ZooError` where a weight can't be read, a value is beyond the range of 16-bit floats, a file can't be
  ///   written, or the task is cancelled.
  package func write(
    to path: String, overwrite: Bool, weights: some WeightSource, progress: (Int) -> Void = { _ in }
  ) throws(ZooError) -> Int {
    try ZooError.wrap {
      let folder = try AtomicFolder(path: path, contents: Place.all)
      for inner in Place.folders { try folder.addFolder(inner) }
      var count = 0
      for (place, bytes) in [(Place.manifest, Array(Self.manifest.utf8)), (Place.model, specification())] {
        let file = try folder.makeFile(place)
        try file.write(bytes, at: 0)
        try file.commit(overwrite: false)
        count += bytes.count
      }
      let file = try folder.makeFile(Place.weights)
      try writeWeights(weights, to: file, progress)
      try file.commit(overwrite: false)
      try folder.commit(overwrite: overwrite)
      return count + program.byteCount
    }
  }

  // MARK: Weights

  private enum Header {
    static let version: UInt32 = 2
    static let sentinel: UInt32 = 0xdead_beef
  }

  private func writeWeights(
    _ weights: some WeightSource, to file: borrowing AtomicFile, _ progress: (Int) -> Void
  ) throws {
    var start = Self.bytes(UInt32(program.blobs.count)) + Self.bytes(Header.version)
    start += [UInt8](repeating: 0, count: CoreMLProgram.headerLength - start.count)
    try file.write(start, at: 0)
    try file.withBackgroundWriter { writer in
      for blob in program.blobs {
        try Cancellation.check()
        try write(blob, weights, to: writer, progress)
      }
    }
  }

  private func write(
    _ blob: CoreMLProgram.Blob, _ weights: some WeightSource, to writer: BackgroundWriter,
    _ progress: (Int) -> Void
  ) throws {
    let count = blob.constant.elementCount * program.type.byteCount
    let first = blob.offset + CoreMLProgram.headerLength
    var header = Self.bytes(Header.sentinel) + Self.bytes(program.type.blobNumber)
    header += Self.bytes(UInt64(count)) + Self.bytes(UInt64(first))
    header += [UInt8](repeating: 0, count: CoreMLProgram.headerLength - header.count)
    try writer.write(ByteSlice(HeapBytes(header)), at: blob.offset)
    var end = first
    try blob.constant.forEachPart(of: weights) { part in
      try Cancellation.check()
      let part = program.type == .float16 ? try blob.constant.halved(part) : part
      try writer.write(part, at: end)
      end += part.count
      progress(part.count)
    }
    guard end == first + count else {
      throw ZooError(
        .malformed, what: "malformed weight", at: blob.constant.slots.map(\.name).joined(separator: ", "),
        "it has \(end - first) bytes, expected \(count)")
    }
  }

  private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  // MARK: Manifest

  /// Identifiers have to differ only within a package.
  private static let manifest = """
    {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": {
            "6D6F6465-6C2D-4A6F-8F6D-6C6D6F64656C": {
                "author": "com.apple.CoreML",
                "description": "CoreML Model Specification",
                "name": "model.mlmodel",
                "path": "com.apple.CoreML/model.mlmodel"
            },
            "77656967-6874-4A73-8F77-656967687473": {
                "author": "com.apple.CoreML",
                "description": "CoreML Model Weights",
                "name": "weights",
                "path": "com.apple.CoreML/weights"
            }
        },
        "rootModelIdentifier": "6D6F6465-6C2D-4A6F-8F6D-6C6D6F64656C"
    }

    """
}

extension LoweredConstant {
  /// A part of its values as the nearest 16-bit floats.
  fileprivate func halved(_ part: ByteSlice) throws(ZooError) -> ByteSlice {
    let floats = part.withUnsafeBytes { bytes in
      bytes.bindMemory(to: UInt32.self).map { Float(bitPattern: UInt32(littleEndian: $0)) }
    }
    part.letGo()
    return ByteSlice(HeapBytes(try halved(floats)))
  }

  /// Some of its values as the nearest 16-bit floats, as little-endian bits.
  ///
  /// - Throws: `ZooError` of the code `unsupported` where one is beyond their range.
  func halved(_ floats: [Float]) throws(ZooError) -> [UInt16] {
    let halves = Float.float16Bits(of: floats)
    for (float, half) in zip(floats, halves)
    where UInt16(littleEndian: half) & 0x7fff == 0x7c00 && float.isFinite {
      throw ZooError(
        .unsupported, what: "cannot export",
        at: slots.isEmpty ? "a constant" : slots.map { "'\($0.name)'" }.joined(separator: ", "),
        "the value \(float) is beyond the range of 16-bit floats", remedy: "Use --dtype f32.")
    }
    return halves
  }
}
