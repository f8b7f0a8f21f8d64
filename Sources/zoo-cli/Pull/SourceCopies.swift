#if Pull
  import ModelZooTools
  import ZooFetch
  import ZooSystem

  /// A published file as a person wants to keep it, outside of the cache.
  struct SourceCopies {
    /// The file, and the `config.json` that came with it.
    let paths: [String]

    /// - Throws: `ZooError` where it can't be written.
    init(of file: FetchedFile, path: String, overwrite: Bool) throws(ZooError) {
      try Self.copy(file.path, to: path, overwrite: overwrite)
      guard let configuration = file.configuration else {
        paths = [path]
        return
      }
      // The name under which the converter looks for it. One that is there is of other weights.
      let beside = folder(of: path) + "/" + lastComponent(of: configuration)
      guard overwrite || !exists(beside) else {
        Terminal.note("\(beside) is there already and stays; the one of these weights is \(configuration)")
        paths = [path]
        return
      }
      try Self.copy(configuration, to: beside, overwrite: overwrite)
      paths = [path, beside]
    }

    func print() throws {
      for path in paths { try Terminal.print("wrote \(path)") }
    }

    private static func copy(_ source: String, to path: String, overwrite: Bool) throws(ZooError) {
      let descriptor = open(source, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw ZooError.file(.open, source) }
      defer { close(descriptor) }
      let file = try AtomicFile(path: path)
      // Not by a mapping, which would be in memory whole.
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      var offset = 0
      while true {
        let count = buffer.withUnsafeMutableBytes {
          pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
        }
        if count == 0 { break }
        guard count > 0 else {
          if errno == EINTR { continue }
          throw ZooError.file(.read, source)
        }
        try file.write(Array(buffer[..<count]), at: offset)
        offset += count
      }
      try file.commit(overwrite: overwrite)
    }
  }
#endif
