import CZooSystem
import Dispatch
import Synchronization

/// Writes to an ``AtomicFile`` on a thread of its own, while the caller prepares what comes next.
///
/// A few parts at most wait to be written, so memory stays bounded where writing is slower.
package final class BackgroundWriter: Sendable {
  private let descriptor: CInt
  private let path: String
  private let queue = DispatchQueue(label: "zoo.writer")
  private let syncing = DispatchQueue(label: "zoo.sync")
  /// How many more parts may wait.
  private let room = DispatchSemaphore(value: 16)
  private let failure = Mutex<ZooError?>(nil)
  private let unsynced = Atomic<Int>(0)

  fileprivate init(descriptor: CInt, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Takes `part` to be written at the byte `offset` from the file's start; waits while too many do.
  ///
  /// Throws where an earlier part could not be written.
  package func write(_ part: ByteSlice, at offset: Int) throws(ZooError) {
    room.wait()
    if let error = failure.withLock({ $0 }) {
      room.signal()
      throw error
    }
    queue.async { [self] in
      defer { room.signal() }
      guard failure.withLock({ $0 == nil }) else { return }
      do throws(ZooError) {
        try part.withUnsafeBytes { bytes throws(ZooError) in
          try AtomicFile.write(bytes, at: offset, to: descriptor, path: path)
        }
      } catch {
        failure.withLock { $0 = error }
      }
      part.letGo()
      // To sync each time would flush the disk, too.
      if unsynced.add(part.count, ordering: .relaxed).newValue >= AtomicFile.writebackLength {
        unsynced.store(0, ordering: .relaxed)
        syncing.async { [self] in zoo_begin_writeback(descriptor) }
      }
    }
  }

  /// Calls `body` with one part after another of a range of the file, once all is written that was taken until now.
  package func forEachPart(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(ZooError) {
    queue.sync {}
    if let error = failure.withLock({ $0 }) { throw error }
    let length = 1 << 20
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: HeapBytes.alignment)
    defer { buffer.deallocate() }
    var start = range.lowerBound
    while start < range.upperBound {
      let count = pread(descriptor, buffer.baseAddress, min(length, range.upperBound - start), off_t(start))
      if count > 0 {
        body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        start += count
      } else if count == 0 {
        throw ZooError.file(.read, path, reason: "it is shorter than what was written")
      } else if errno != EINTR {
        throw ZooError.file(.read, path)
      }
    }
  }

  /// Waits until all is written.
  fileprivate func finish() throws(ZooError) {
    queue.sync {}
    syncing.sync {}
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

extension AtomicFile {
  /// Calls `body` with a writer to this file, and returns when all that it took is written.
  ///
  /// Throws what `body` throws, and `ZooError` where something could not be written.
  package borrowing func withBackgroundWriter(_ body: (BackgroundWriter) throws -> Void) throws {
    let writer = BackgroundWriter(descriptor: descriptor, path: path)
    do {
      try body(writer)
    } catch {
      // The file must not be closed under the writer; what it failed at is in `error` already.
      try? writer.finish()
      throw error
    }
    try writer.finish()
  }
}
