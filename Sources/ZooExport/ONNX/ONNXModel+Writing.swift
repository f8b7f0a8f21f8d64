import ZooGraph
import ZooSystem
import ZooTensor

extension ONNXModel {
  /// What was written.
  package struct Written: Sendable {
    /// The model's file, and where the model is too large for one message, the file of its weights.
    package let files: [String]
    /// The bytes of all of them.
    package let byteCount: Int
  }

  /// Writes the model to `path`, whole or not at all; where it would be longer than `limit` bytes, its weights go to
  /// `path` with the ending `.data`.
  ///
  /// - Parameter progress: gets the bytes of a part of the weights when it is written.
  /// - Throws: `ZooError` where a weight can't be read, a file can't be written, or the task is cancelled.
  package func write(
    to path: String, overwrite: Bool, weights: some WeightSource, limit: Int = messageLimit,
    progress: (Int) -> Void = { _ in }
  ) throws(ZooError) -> Written {
    try ZooError.wrap {
      let message = message()
      if message.length <= limit {
        let file = try AtomicFile(path: path)
        try write(message, to: file, weights, progress)
        try file.commit(overwrite: overwrite)
        return Written(files: [path], byteCount: message.length)
      }
      return try writeApart(to: path, overwrite: overwrite, weights, limit: limit, progress)
    }
  }

  private func writeApart(
    to path: String, overwrite: Bool, _ weights: some WeightSource, limit: Int, _ progress: (Int) -> Void
  ) throws -> Written {
    let dataPath = path + ".data"
    try AtomicFile.checkPossible(dataPath, overwrite: overwrite)
    let external = externalData(fileName: dataPath.split(separator: "/").last.map(String.init) ?? dataPath)
    let message = message(external: external)
    guard message.length <= limit else {
      throw ZooError(
        .unsupported, what: "cannot export", at: path,
        "without its weights the model has \(message.length) bytes, and a message at most \(limit)")
    }
    let data = try AtomicFile(path: dataPath)
    try data.withBackgroundWriter { writer in
      for (constant, offset) in zip(graph.constants, external.offsets) {
        guard let offset else { continue }
        try write(constant, to: writer, at: offset, weights, progress)
      }
    }
    let model = try AtomicFile(path: path)
    try write(message, to: model, weights, progress)
    try data.commit(overwrite: overwrite)
    do {
      try model.commit(overwrite: overwrite)
    } catch {
      // Without its model the data is of no use.
      unlink(dataPath)
      throw error
    }
    return Written(files: [path, dataPath], byteCount: message.length + external.byteCount)
  }

  private func write(
    _ message: ProtobufMessage, to file: borrowing AtomicFile, _ weights: some WeightSource,
    _ progress: (Int) -> Void
  ) throws {
    try file.withBackgroundWriter { writer in
      var offset = 0
      for part in message.parts {
        switch part {
        case .bytes(let bytes):
          try writer.write(ByteSlice(HeapBytes(bytes)), at: offset)
          offset += bytes.count
        case .payload(let index, let count):
          try write(graph.constants[index], to: writer, at: offset, weights, progress)
          offset += count
        }
      }
    }
  }

  private func write(
    _ constant: LoweredConstant, to writer: BackgroundWriter, at offset: Int, _ weights: some WeightSource,
    _ progress: (Int) -> Void
  ) throws {
    var end = offset
    try constant.forEachPart(of: weights) { part in
      try Cancellation.check()
      try writer.write(part, at: end)
      end += part.count
      progress(part.count)
    }
    guard end == offset + constant.byteCount else {
      throw ZooError(
        .malformed, what: "malformed weight", at: constant.slots.map(\.name).joined(separator: ", "),
        "it has \(end - offset) bytes, expected \(constant.byteCount)")
    }
  }
}
