#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file mapped read-only into memory; its pages are read when they are touched.
package final class MappedFile: ByteOwner, @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer

  /// Maps the regular file at `path`; an empty file has no bytes.
  package init(path: String) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(.open, path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(.open, path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(.open, path, reason: "not a regular file")
    }
    self.path = path
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw FileError(.open, path)
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }
}

/// A failed operation on a file, with the operating system's reason.
package struct FileError: ZooError {
  package enum Operation: Sendable {
    case open, read, create, write
  }

  package let operation: Operation
  package let location: String
  package let why: String
  package let remedy: String?

  /// Takes the reason from `errno` unless one is given.
  package init(_ operation: Operation, _ path: String, reason: String? = nil, remedy: String? = nil) {
    let code = errno
    self.remedy = remedy
    self.operation = operation
    self.location = path
    self.why = reason ?? String(cString: strerror(code))
  }

  package var what: String {
    switch operation {
    case .open: "cannot open file"
    case .read: "cannot read file"
    case .create: "cannot create file"
    case .write: "cannot write file"
    }
  }

  package var category: ErrorCategory {
    switch operation {
    case .open: .cannotOpen
    case .create: .cannotCreate
    case .read, .write: .inputOutput
    }
  }
}
