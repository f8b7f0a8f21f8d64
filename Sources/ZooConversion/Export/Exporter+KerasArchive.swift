import ZooSystem
import ZooWeightFiles

extension Exporter {
  /// A whole model as Keras 3 saves it: an archive of the configuration and the store of the weights.
  func exportedAsKerasArchive(overwrite: Bool, progress: (Int, Int) -> Void) throws -> Report {
    let tensors = exportedTensors()
    let model = try wholeModel(tensors)
    let total = tensors.reduce(0) { $0 + $1.byteCount }
    // libhdf5 writes files of its own, here the store without its data; it is never committed and so goes again.
    let hidden = try AtomicFile(path: output, hidden: true)
    let offsets = try HDF5Writer.writeStructure(of: model.layout.store(model.tensors), to: hidden)
    let structure = try MappedFile(path: hidden.temporaryPath)
    try ZipArchiveWriter.write(to: output, overwrite: overwrite) { archive in
      // Equal models give equal bytes: the date is ZIP's first day.
      try archive.add(
        "metadata.json",
        Array(#"{"keras_version": "\#(Self.kerasVersion)", "date_saved": "1980-01-01@00:00:00"}"#.utf8))
      try archive.add("config.json", Array(model.configuration.inKeras3.text.utf8))
      // The last tensor's data may lie beyond the structure's end.
      let size = zip(tensors, offsets).reduce(structure.bytes.count) { max($0, $1.1 + $1.0.byteCount) }
      try archive.add("model.weights.h5", size: size) { write throws(ZooError) in
        var done = 0
        try ZooError.wrap {
          try forEachPart(of: zip(tensors, offsets).map { ($0, $1) }, in: structure) { part in
            try write(part)
            done += part.count
            progress(min(done, total), total)
          }
        }
      }
    }
    return try report(tensors)
  }

  /// The first version that reads it.
  private static let kerasVersion = "3.0.0"

  /// Calls `body` with all bytes of an HDF5 file in order: with the data of `tensors` at their offsets, and with those of
  /// `structure` around them.
  private func forEachPart(
    of tensors: [(tensor: ExportedTensor, offset: Int)], in structure: MappedFile,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var position = 0
    func passStructure(to end: Int) throws {
      guard end >= position, let slice = ByteSlice(structure, range: position..<end) else {
        throw ZooError(
          .unexpected, what: "wrong HDF5 structure", at: output, "no bytes \(position) to \(end)")
      }
      try slice.withUnsafeBytes(body)
      position = end
    }
    for (tensor, offset) in tensors.sorted(by: { $0.offset < $1.offset }) {
      try Cancellation.check()
      try passStructure(to: offset)
      try read(tensor).forEachPart(length: Self.partLength) { part in
        try part.bytes.withUnsafeBytes(body)
        part.bytes.letGo()
      }
      position += tensor.byteCount
    }
    if position < structure.bytes.count { try passStructure(to: structure.bytes.count) }
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
