import ZooSystem

/// The right to write one file, which one process has at a time. A process that ends in whatever way loses
/// it.
final class FileLock {
  private var descriptor: CInt

  private init(descriptor: CInt) { self.descriptor = descriptor }

  deinit { release() }

  /// Takes the lock; nil where another has it.
  ///
  /// - Parameter path: of the lock's own file, which is made where it is missing and stays.
  static func attempt(_ path: String) throws(ZooError) -> FileLock? {
    // Others of the user's group may share the folder.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o664)
    guard descriptor >= 0 else { throw ZooError.file(.create, path) }
    let lock = FileLock(descriptor: descriptor)
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: return nil
      default:
        throw ZooError.file(
          .create, path,
          reason: "its file system does not support locks (\(String(cString: strerror(errno))))",
          remedy: "Name a folder on another file system.")
      }
    }
    // Whoever had it before may have removed the file: then another could make and lock a new one.
    var (own, named) = (stat(), stat())
    guard fstat(descriptor, &own) == 0, stat(path, &named) == 0, own.st_ino == named.st_ino,
      own.st_dev == named.st_dev
    else { return nil }
    return lock
  }

  /// Gives the lock back.
  func release() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
  }
}
