/// A file mapped read-only into memory; its pages are read when they are touched.
///
/// Whoever makes the file shorter, or whose disk fails, makes touching its pages a signal (SIGBUS): see
/// ``MappingRegister/reportLossesAndExit()``. Replacing the file by another of its name changes nothing here.
package final class MappedFile: ByteOwner, @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer
  /// The open file, for child processes that are to read it.
  package let descriptor: CInt
  private let identity: Identity
  private let registration: MappingRegister.Registration?

  /// Maps the regular file at `path`; an empty file has no bytes.
  package init(path: String) throws(ZooError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ZooError.file(.open, path) }
    var status = stat()
    do throws(ZooError) {
      guard fstat(descriptor, &status) == 0 else { throw ZooError.file(.open, path) }
      bytes = try Self.map(descriptor, status, path: path)
    } catch {
      close(descriptor)
      throw error
    }
    identity = Identity(status)
    registration = MappingRegister.add(bytes, path: path)
    self.path = path
    self.descriptor = descriptor
  }

  /// All of the open file, mapped.
  private static func map(
    _ descriptor: CInt, _ status: stat, path: String
  ) throws(ZooError) -> UnsafeRawBufferPointer {
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw ZooError.file(.open, path, reason: isFolder ? "it is a folder" : "it is not a regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw ZooError.file(.open, path)
    }
    return UnsafeRawBufferPointer(start: address, count: size)
  }

  /// Throws where the file is no longer as it was when it was mapped, or is another one of its name: what
  /// was read in between may be of neither.
  package func checkUnchanged() throws(ZooError) {
    var (open, named) = (stat(), stat())
    guard fstat(descriptor, &open) == 0 else { throw ZooError.file(.read, path) }
    guard Identity(open) == identity, stat(path, &named) == 0, Identity(named) == identity else {
      throw ZooError.file(.read, path, reason: "it changed while it was read")
    }
  }

  /// What stays the same as long as nobody writes to a file or replaces it.
  private struct Identity: Equatable {
    let device: UInt64
    let inode: UInt64
    let size: Int64
    let seconds: Int
    let nanoseconds: Int

    init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      #if canImport(Darwin)
        let time = status.st_mtimespec
      #else
        let time = status.st_mtim
      #endif
      seconds = time.tv_sec
      nanoseconds = time.tv_nsec
    }
  }

  /// Lets the system take back the memory of pages that lie wholly inside `range`; they are read again
  /// where they are touched again.
  package func letGo(_ range: Range<Int>) {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    guard let base = bytes.baseAddress, page > 0 else { return }
    // The last page of the file has no other owner.
    let end = range.upperBound == bytes.count ? range.upperBound : range.upperBound / page * page
    let start = (range.lowerBound + page - 1) / page * page
    guard start < end else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, MADV_DONTNEED)
  }

  deinit {
    registration?.remove()
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
    close(descriptor)
  }
}
