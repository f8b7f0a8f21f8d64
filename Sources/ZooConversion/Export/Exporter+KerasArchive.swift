import ZooSystem
import ZooWeightFiles

extension Exporter {
  /// A whole model as Keras 3 saves it: an archive of the configuration and the store of the weights.
  func exportedAsKerasArchive(overwrite: Bool, progress: (Int, Int) -> Void) throws -> Report {
    let tensors = exportedTensors()
    let model = try wholeModel(tensors)
    let total = tensors.reduce(0) { $0 + $1.byteCount }
    var done = 0
    // libhdf5 writes files of its own; this one is never committed, so that it goes when it is copied.
    let store = try AtomicFile(path: output, hidden: true)
    let offsets = try HDF5Writer.writeStructure(of: model.layout.store(model.tensors), to: store)
    try write(tensors, at: offsets, to: store) { bytes in
      done += bytes
      progress(done, total)
    }
    let parts = try Self.parts(of: MappedFile(path: store.temporaryPath))
    try ZipArchiveWriter.write(to: output, overwrite: overwrite) { archive in
      // Equal models give equal bytes: the date is ZIP's first day.
      try archive.add(
        "metadata.json",
        Array(#"{"keras_version": "\#(Self.kerasVersion)", "date_saved": "1980-01-01@00:00:00"}"#.utf8))
      try archive.add("config.json", Array(model.configuration.inKeras3.text.utf8))
      try archive.add(
        "model.weights.h5", size: parts.reduce(0) { $0 + $1.count }, checksum: Self.checksum(of: parts)
      ) { sink throws(ZooError) in
        for part in parts {
          try part.withUnsafeBytes(sink)
          part.letGo()
        }
      }
    }
    return try report(
      tensors: tensors.count, widened: tensors.count { $0.elementType != $0.sourceType })
  }

  /// The first version that reads it.
  private static let kerasVersion = "3.0.0"

  /// The file in parts that need not be in memory together.
  private static func parts(of file: MappedFile) -> [ByteSlice] {
    let length = 16 << 20
    return stride(from: 0, to: file.bytes.count, by: length).compactMap {
      ByteSlice(file, range: $0..<min($0 + length, file.bytes.count))
    }
  }

  private static func checksum(of parts: [ByteSlice]) -> UInt32 {
    parts.reduce(0) { sum, part in
      defer { part.letGo() }
      return part.withUnsafeBytes { crc32(of: $0, continuing: sum) }
    }
  }
}

extension JSONValue {
  /// The configuration of a model of Keras 2 as Keras 3's archives have it: with the class's module.
  fileprivate var inKeras3: JSONValue {
    guard case .object(var members) = self else { return self }
    members["module"] = "keras.src.models.functional"
    members["registered_name"] = "Functional"
    return .object(members)
  }
}
