import CZooSystem

/// Something that keeps a range of memory alive and unchanged: a mapped file or an allocation.
package protocol ByteOwner: AnyObject, Sendable {
  var bytes: UnsafeRawBufferPointer { get }
}

/// A part of the memory of a ``ByteOwner``; copying it copies no bytes.
package struct ByteSlice: Sendable {
  package let owner: any ByteOwner
  /// Byte offsets into the owner's memory; checked when the slice is made.
  package let range: Range<Int>

  /// Returns `nil` where `range` is not inside the owner's memory.
  package init?(_ owner: any ByteOwner, range: Range<Int>) {
    guard range.lowerBound >= 0, range.upperBound <= owner.bytes.count else { return nil }
    self.owner = owner
    self.range = range
  }

  /// All of the owner's memory.
  package init(_ owner: any ByteOwner) {
    self.owner = owner
    self.range = 0..<owner.bytes.count
  }

  package var count: Int { range.count }

  /// A part of it, by its offsets from this slice's start; nil where it is not inside.
  package func part(_ part: Range<Int>) -> ByteSlice? {
    guard part.lowerBound >= 0, part.upperBound <= count else { return nil }
    return ByteSlice(owner, range: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }

  /// Says that these bytes will hardly be needed again, so that a mapped file need not stay in memory.
  package func letGo() { (owner as? MappedFile)?.letGo(range) }

  /// Calls `body` with the bytes; they must not be used after it returns.
  package func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try body(UnsafeRawBufferPointer(rebasing: owner.bytes[range]))
  }
}

/// Memory of this process, aligned for vector instructions.
package final class HeapBytes: ByteOwner, @unchecked Sendable {
  /// Cache-line and widest-vector alignment.
  package static let alignment = 64

  private let storage: UnsafeMutableRawBufferPointer

  /// Allocates `count` bytes and lets `fill` write them before anyone else can see them.
  package init<Failure: Error>(
    count: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: Self.alignment)
    zoo_expect_large_use(storage.baseAddress, count)
    do {
      try fill(storage)
    } catch {
      storage.deallocate()
      throw error
    }
    self.storage = storage
  }

  /// A copy of `elements`.
  package convenience init<Element: BitwiseCopyable>(_ elements: [Element]) {
    self.init(count: elements.count * MemoryLayout<Element>.stride) { target in
      elements.withUnsafeBytes { target.copyMemory(from: $0) }
    }
  }

  deinit { storage.deallocate() }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(storage) }
}

/// Memory of someone else, who hears when it is no longer needed.
package final class BorrowedBytes: ByteOwner, @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  private let release: @Sendable () -> Void

  package init(_ bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void) {
    self.bytes = bytes
    self.release = release
  }

  deinit { release() }
}
