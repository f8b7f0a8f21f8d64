import CZooSystem
import Synchronization

/// A file that appears whole or not at all.
///
/// What is written goes to a file without a name, or where there is no such thing to a hidden file in the same
/// folder; ``commit(overwrite:)`` makes it durable and gives it its name. Without a commit nothing is left behind.
package struct AtomicFile: ~Copyable {
  /// The name that the file gets.
  package let path: String
  private let folder: String
  /// What a hidden file is called.
  private let hiddenName: String
  /// Nil for a file without a name.
  private var temporary: TemporaryName?
  private(set) var descriptor: CInt

  /// Creates the file.
  ///
  /// - Parameter hidden: whether it is to have a name while it is written, for a library that writes only by
  ///   name; it outlives a process that is killed.
  package init(path: String, hidden: Bool = false) throws(ZooError) {
    let slash = path.lastIndex(of: "/")
    guard !path.isEmpty, slash.map({ path.index(after: $0) }) != path.endIndex else {
      throw ZooError.file(.create, path, reason: "it names no file")
    }
    let folder = slash.map { String(path[...$0]) } ?? "./"
    var random = SystemRandomNumberGenerator()
    let name = "\(folder).zoo-\(String(random.next() as UInt64, radix: 36)).tmp"
    let unnamed = hidden ? -1 : zoo_process_open_unnamed(folder)
    let (descriptor, temporary) = unnamed >= 0 ? (unnamed, nil) : try Self.create(hidden: name, path: path)
    self.path = path
    self.folder = folder
    hiddenName = name
    self.temporary = temporary
    self.descriptor = descriptor
  }

  private static func create(
    hidden name: String, path: String
  ) throws(ZooError) -> (CInt, TemporaryName?) {
    // Registered before it exists, so that no signal can come between.
    let temporary = TemporaryName(name)
    let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let error = ZooError.file(.create, path)
      temporary.forget()
      throw error
    }
    return (descriptor, temporary)
  }

  /// A path to the file while it is written; its name where it is hidden.
  package var temporaryPath: String {
    if let temporary { return temporary.path }
    var path = [CChar](repeating: 0, count: 64)
    zoo_process_unnamed_path(descriptor, &path)
    return path.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    temporary?.remove()
  }

  /// Writes all of `bytes` at the byte `offset` from the file's start.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ZooError) {
    try Self.write(bytes, at: offset, to: descriptor, path: path)
  }

  /// Writes all of `bytes` to the open file `descriptor`, which is that of `path`.
  package static func write(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, to descriptor: CInt, path: String
  ) throws(ZooError) {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let (position, overflow) = offset.addingReportingOverflow(done)
      guard !overflow else { throw ZooError.file(.write, path, reason: "the file would be too large") }
      let count = pwrite(descriptor, base + done, bytes.count - done, off_t(position))
      if count > 0 {
        done += count
      } else if count == 0 {
        throw ZooError.file(.write, path, reason: "the system accepts no more bytes")
      } else if errno != EINTR {
        throw ZooError.file(.write, path)
      }
    }
  }

  /// Writes all of `bytes` at the byte `offset` from the file's start.
  package func write(_ bytes: [UInt8], at offset: Int) throws(ZooError) {
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(ZooError) in try write(raw, at: offset) }
    }
    try result.get()
  }

  /// Lets the system begin to send what was written to the disk, so that the sync of a commit finds little left.
  package func beginWriteback() { zoo_begin_writeback(descriptor) }

  /// Bytes after which to begin that: enough for long transfers.
  package static let writebackLength = 64 << 20

  /// Syncs the file and gives it its name.
  ///
  /// With `overwrite` it replaces a file of that name in one step; without, an existing file is an error
  /// and stays as it is, even where it appeared after this one was begun.
  package consuming func commit(overwrite: Bool) throws(ZooError) {
    if overwrite { try Self.checkReplaceable(path) }
    while fsync(descriptor) != 0 {
      guard errno == EINTR else { throw ZooError.file(.write, path) }
    }
    if temporary == nil {
      // Only a file with a name can take another's place; it has one for an instant.
      if overwrite { temporary = TemporaryName(hiddenName) }
      let code = zoo_process_name(descriptor, overwrite ? hiddenName : path)
      if code == EEXIST, !overwrite { throw Self.existsAlready(path) }
      guard code == 0 else { throw ZooError.file(.create, path, reason: String(cString: strerror(code))) }
    }
    let closing = descriptor
    descriptor = -1
    guard close(closing) == 0 || errno == EINTR else { throw ZooError.file(.write, path) }
    if let temporary {
      try Self.give(temporary, the: path, overwrite: overwrite)
      if overwrite { self.temporary = nil }
    }
    // The name is durable once the folder is; some file systems can't sync a folder, and the file is
    // whole either way.
    let directory = open(folder, O_RDONLY | O_CLOEXEC)
    if directory >= 0 {
      _ = fsync(directory)
      close(directory)
    }
  }

  /// Gives a hidden file its name; without `overwrite` the hidden one stays beside it.
  private static func give(
    _ temporary: TemporaryName, the path: String, overwrite: Bool
  ) throws(ZooError) {
    if overwrite {
      guard rename(temporary.path, path) == 0 else { throw ZooError.file(.create, path) }
      temporary.forget()
    } else {
      // Unlike rename, link never replaces what is there.
      if link(temporary.path, path) != 0 {
        let code = errno
        switch code {
        case EEXIST: throw Self.existsAlready(path)
        case EPERM, ENOTSUP, ENOSYS, EMLINK:
          // A file system without hard links.
          try Self.checkAbsent(path)
          guard rename(temporary.path, path) == 0 else { throw ZooError.file(.create, path) }
        default: throw ZooError.file(.create, path, reason: String(cString: strerror(code)))
        }
      }
    }
  }

  /// Throws where something of the name `path` exists: to refuse before the work rather than after.
  package static func checkAbsent(_ path: String) throws(ZooError) {
    var status = stat()
    if lstat(path, &status) == 0 { throw existsAlready(path) }
  }

  /// Throws where a file at `path` could not be made: it exists and is not to be replaced, or its folder is
  /// missing or not writable. To refuse before the work rather than after.
  package static func checkPossible(_ path: String, overwrite: Bool) throws(ZooError) {
    if isFolder(path) { throw ZooError.file(.create, path, reason: "it is a folder") }
    if !overwrite { try checkAbsent(path) }
    guard access(ZooSystem.folder(of: path), W_OK | X_OK) == 0 else { throw ZooError.file(.create, path) }
  }

  /// Throws where `path` is there and is no regular file: a device or a folder is never replaced.
  private static func checkReplaceable(_ path: String) throws(ZooError) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw ZooError.file(.create, path, reason: "it exists and is not a regular file")
    }
  }

  private static func existsAlready(_ path: String) -> ZooError {
    ZooError.file(.create, path, reason: "it exists already", remedy: "Use --force to replace it.")
  }

  /// From now on SIGINT, SIGTERM and SIGHUP remove the hidden files and the status line of this process before
  /// it ends, and exceeding a file size limit is an error rather than the end. For programs, not for libraries.
  package static func removeTemporariesOnSignals() {
    StatusLine.prepare()
    // A parent may have blocked them for threads of its own, and a mask is inherited.
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      sigaddset(&wanted, number)
      signal(number) { number in
        StatusLine.erase()
        TemporaryName.removeAll()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
    sigprocmask(SIG_UNBLOCK, &wanted, nil)
    signal(SIGXFSZ, SIG_IGN)
  }
}

/// The name of a hidden file or of an empty folder, where a signal handler finds it.
struct TemporaryName {
  let path: String
  private let slot: Int?

  /// C strings that a signal handler may read at any moment; only ``lock``'s holder writes them.
  private nonisolated(unsafe) static let slots = {
    let slots = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: 32)
    slots.initialize(repeating: nil)
    return slots
  }()
  private static let lock = Mutex<Void>(())

  init(_ path: String) {
    self.path = path
    slot = Self.lock.withLock { _ in
      let free = Self.slots.firstIndex { $0 == nil }
      if let free { Self.slots[free] = strdup(path) }
      return free
    }
  }

  /// Takes the name back without touching the file.
  func forget() {
    guard let slot else { return }
    // The string itself is not freed: a handler may be reading it.
    Self.lock.withLock { _ in Self.slots[slot] = nil }
  }

  func remove() {
    if unlink(path) != 0 { rmdir(path) }
    forget()
  }

  static func removeAll() {
    // A folder is registered before what is in it; twice, as a slot that was free may be an earlier one.
    for _ in 0..<2 {
      for case let name? in slots.reversed() where unlink(name) != 0 { rmdir(name) }
    }
  }
}
