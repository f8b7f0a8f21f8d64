import ZooSystem

/// A file that is being downloaded, with the record from which a later run goes on. Only the lock's holder
/// has one.
final class PartialFile {
  let path: String
  private let recordPath: String
  private let descriptor: CInt
  private var running = RunningDigests()
  /// What the record says of where the bytes come from.
  private var record = PartialRecord(address: "", bytes: 0, sha256: "")
  /// The bytes that the record is about.
  private var recorded = 0

  /// Bytes between two records.
  private static let interval = 1 << 20

  /// Opens the file, or makes it.
  ///
  /// - Parameters:
  ///   - path: `….partial` or the like.
  ///   - recordPath: that of its record.
  init(path: String, recordPath: String) throws(ZooError) {
    self.path = path
    self.recordPath = recordPath
    // A link would have another file written.
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
    guard descriptor >= 0 else { throw ZooError.file(.create, path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw ZooError.file(.create, path, reason: "it exists and is not a regular file")
    }
  }

  deinit { close(descriptor) }

  /// The bytes that are here.
  var bytes: Int { running.bytes }
  var digests: FileDigests { running.digests }
  /// What goes with a request for the rest; nil: none is known.
  var etag: String? { record.etag }
  /// Of the whole file, as a server said before.
  var length: Int? { record.length }

  // MARK: From one run to the next

  /// What came of the bytes of an earlier run.
  enum Restored: Equatable {
    case nothing
    case kept(Int)
    /// They are of no use; why not.
    case useless(String)
  }

  /// Takes up what an earlier run has left, as far as it can be right.
  ///
  /// - Parameters:
  ///   - address: where the rest would be asked for.
  ///   - isHashKnown: whether the whole will be checked: then the bytes may be from elsewhere.
  ///   - progress: called with the bytes that were hashed.
  func restore(
    address: String, isHashKnown: Bool, progress: (Int, Int) -> Void
  ) throws(ZooError) -> Restored {
    restart()
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw ZooError.file(.read, path) }
    guard status.st_size > 0 else { return .nothing }
    guard var found = PartialRecord.read(recordPath) else {
      return try discard("their record is missing or damaged")
    }
    guard found.bytes > 0 else { return try discard("their record covers none of them") }
    if found.address != address {
      // What another server says of its file is nothing to this one.
      found.etag = nil
      found.length = nil
    }
    guard isHashKnown || found.etag != nil else {
      return try discard("the server gave no way to tell whether the file has changed")
    }
    // Bytes that came after the record are dropped: after a crash of the system they may be anything.
    guard status.st_size >= found.bytes else { return try discard("some are missing") }
    guard ftruncate(descriptor, off_t(found.bytes)) == 0 else { throw ZooError.file(.write, path) }
    try hash(upTo: found.bytes, progress: progress)
    guard running.prefix == found.sha256 else { return try discard("they are damaged") }
    record = found
    recorded = found.bytes
    return .kept(found.bytes)
  }

  private func discard(_ why: String) throws(ZooError) -> Restored {
    try empty()
    return .useless(why)
  }

  private func hash(upTo count: Int, progress: (Int, Int) -> Void) throws(ZooError) {
    var part = [UInt8](repeating: 0, count: 1 << 20)
    while running.bytes < count {
      try Cancellation.check()
      let wanted = min(part.count, count - running.bytes)
      let got = part.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress, wanted, off_t(running.bytes))
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { throw ZooError.file(.read, path, reason: got == 0 ? "it became shorter" : nil) }
      part.withUnsafeBytes { running.update(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
      if running.bytes % (16 << 20) < got || running.bytes == count { progress(running.bytes, count) }
    }
  }

  // MARK: Writing

  /// Drops all bytes: the next come from the file's start.
  func empty() throws(ZooError) {
    unlink(recordPath)
    guard ftruncate(descriptor, 0) == 0 else { throw ZooError.file(.write, path) }
    restart()
  }

  private func restart() {
    running = RunningDigests()
    record = PartialRecord(address: "", bytes: 0, sha256: "")
    recorded = 0
  }

  /// States where the bytes come from, for the record.
  func describe(address: String, etag: String?, length: Int?) {
    record.address = address
    record.etag = etag
    record.length = length
  }

  /// Writes the next bytes.
  func append(_ part: [UInt8]) throws(ZooError) {
    let written = part.withUnsafeBytes { raw in
      Result { () throws(ZooError) in
        try AtomicFile.write(raw, at: running.bytes, to: descriptor, path: path)
        running.update(raw)
      }
    }
    try written.get()
    if running.bytes - recorded >= Self.interval { checkpoint() }
  }

  /// Writes the record, from which another run can go on. Where it can't be written, that run begins earlier.
  func checkpoint() {
    guard running.bytes > recorded else { return }
    record.bytes = running.bytes
    record.sha256 = running.prefix
    do throws(ZooError) {
      try record.write(recordPath)
      recorded = running.bytes
    } catch {}
  }

  // MARK: The end

  /// Makes the bytes durable and gives the file its name, in place of one that has it.
  func publish(as name: String) throws(ZooError) {
    while fsync(descriptor) != 0 {
      guard errno == EINTR else { throw ZooError.file(.write, path) }
    }
    // What is renamed must be what was written and hashed.
    var (own, named) = (stat(), stat())
    guard fstat(descriptor, &own) == 0, lstat(path, &named) == 0, own.st_ino == named.st_ino,
      own.st_dev == named.st_dev, own.st_size == running.bytes
    else { throw ZooError.file(.write, path, reason: "another program has changed it") }
    guard rename(path, name) == 0 else { throw ZooError.file(.create, name) }
    unlink(recordPath)
    recorded = running.bytes
    FileSystem.sync(folder: folder(of: name))
  }

  /// Leaves the file to a later run, or nothing where nothing came.
  func leave() {
    if running.bytes == 0 { remove() }
    checkpoint()
  }

  /// Removes the file and its record.
  private func remove() {
    unlink(recordPath)
    unlink(path)
  }
}
