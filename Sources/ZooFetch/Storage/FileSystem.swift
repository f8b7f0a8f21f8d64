import ZooSystem

/// What downloads ask of the file system.
package enum FileSystem {
  /// The bytes that this user can still write to `folder`; nil where the system doesn't say.
  package static func freeBytes(folder: String) -> Int? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return nil }
    let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    return overflow ? .max : bytes
  }

  /// Makes the folder and those that it is in, where they are missing.
  static func make(folder: String, mode: mode_t = 0o755) throws(ZooError) {
    guard !isFolder(folder) else { return }
    let parent = ZooSystem.folder(of: folder)
    if parent != folder, !isFolder(parent) { try make(folder: parent, mode: mode) }
    guard mkdir(folder, mode) == 0 || errno == EEXIST else { throw ZooError.file(.create, folder) }
    guard isFolder(folder) else { throw ZooError.file(.create, folder, reason: "it is not a folder") }
  }

  /// The length of the regular file at `path`, or of the one that a link there leads to; nil where there is
  /// none.
  static func length(of path: String) -> Int? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// Which file it is, whatever the path; nil where there is none.
  static func identity(of path: String) -> [UInt64]? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return [UInt64(truncatingIfNeeded: status.st_dev), UInt64(truncatingIfNeeded: status.st_ino)]
  }

  /// The first bytes of a small regular file; nil where it can't be read or is longer than `limit`.
  package static func contents(of path: String, atMost limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: limit)
    var done = 0
    while done < limit {
      let count = bytes.withUnsafeMutableBytes {
        read(descriptor, $0.baseAddress?.advanced(by: done), limit - done)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      done += count
    }
    return Array(bytes[..<done])
  }

  /// Writes a small file in one step for whoever reads it; a process that is killed leaves the old one.
  /// Unlike an `AtomicFile` it isn't made durable: the file is of use only as long as the system runs, or is
  /// checked.
  static func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o644) throws(ZooError) {
    let new = path + ".new"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw ZooError.file(.create, path) }
    let written = bytes.withUnsafeBytes { raw in
      Result { () throws(ZooError) in try AtomicFile.write(raw, at: 0, to: descriptor, path: path) }
    }
    close(descriptor)
    do throws(ZooError) {
      try written.get()
      guard rename(new, path) == 0 else { throw ZooError.file(.create, path) }
    } catch {
      unlink(new)
      throw error
    }
  }

  /// Makes the names in `folder` durable, where the file system can.
  static func sync(folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }
}
