/// A file in a folder of its own among the temporary files; both are removed with this value, and when a signal
/// ends a program that has called ``AtomicFile/removeTemporariesOnSignals()``.
package final class TemporaryFile: Sendable {
  /// The system's folder for temporary files.
  static var systemFolder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

  /// Where it is, or is to be.
  package let path: String
  private let file: TemporaryName
  private let folder: TemporaryName

  /// Makes the folder, which only this user can read; the file is made by whoever writes it.
  ///
  /// - Parameter name: what the file is called.
  package init(name: String) throws(ZooError) {
    var random = SystemRandomNumberGenerator()
    let folder = "\(Self.systemFolder)/zoo-\(String(random.next() as UInt64, radix: 36))"
    path = "\(folder)/\(name)"
    // Registered before they exist, so that no signal can come between; a file goes before its folder.
    file = TemporaryName(path)
    self.folder = TemporaryName(folder)
    guard mkdir(folder, 0o700) == 0 else {
      let error = ZooError.file(.create, folder)
      file.forget()
      self.folder.forget()
      throw error
    }
  }

  /// Writes all that `descriptor` has, up to `limit` bytes, into the file.
  ///
  /// - Parameter name: what errors call the source.
  package func fill(from descriptor: CInt, name: String, limit: Int) throws(ZooError) {
    let output = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw ZooError.file(.create, path) }
    defer { close(output) }
    var part = [UInt8](repeating: 0, count: 1 << 20)
    var total = 0
    while true {
      let count = part.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw ZooError.file(.read, name) }
      if count == 0 { return }
      guard count <= limit - total else {
        throw ZooError(
          .tooLarge, "input", at: name, "it has more than \(limit) bytes",
          remedy: ReadingLimits.remedy("input"))
      }
      let written = part.withUnsafeBytes { raw in
        Result { () throws(ZooError) in
          try AtomicFile.write(
            UnsafeRawBufferPointer(rebasing: raw[..<count]), at: total, to: output, path: path)
        }
      }
      try written.get()
      total += count
    }
  }

  deinit {
    file.remove()
    folder.remove()
  }
}
