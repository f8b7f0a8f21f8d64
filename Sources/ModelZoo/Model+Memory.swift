import ZooFormat
import ZooSystem

extension Model {
  /// Opens a `.zoo` file whose bytes are in memory, which are copied: an app's resource, a download.
  ///
  /// They are checked as those of a file are.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what errors call it; ``path`` has it.
  /// - Throws: ``ZooError`` where it is no `.zoo` file, or breaks the format's rules.
  public init(bytes: some Collection<UInt8>, name: String = "memory") throws(ZooError) {
    self = try ZooError.wrap {
      let count = bytes.count
      let copy = HeapBytes(count: count) { target in
        let filled: Void? = bytes.withContiguousStorageIfAvailable {
          target.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer($0)[..<count]))
        }
        if filled == nil { target.copyBytes(from: bytes) }
      }
      return Model(file: try ZooFile(contents: copy, name: name, frames: FrameDecoding.coder))
    }
  }

  /// Opens a `.zoo` file whose bytes are in memory, where they lie: a mapping that the program already has.
  ///
  /// They are checked as those of a file are. They may begin at any address; at a multiple of 64, which every
  /// mapping is, large dense layers run without a copy of their weights.
  ///
  /// - Parameters:
  ///   - bytes: the whole file. It has to stay readable, and nobody may change it, until `release` is called.
  ///   - name: what errors call it; ``path`` has it.
  ///   - release: is called once, on any thread, when nothing reads the bytes any more; also where this throws.
  /// - Throws: ``ZooError`` where it is no `.zoo` file, or breaks the format's rules.
  public init(
    mapped bytes: UnsafeRawBufferPointer, name: String = "memory",
    release: @escaping @Sendable () -> Void = {}
  ) throws(ZooError) {
    self = try ZooError.wrap {
      Model(
        file: try ZooFile(
          contents: BorrowedBytes(bytes, release: release), name: name, frames: FrameDecoding.coder))
    }
  }
}
