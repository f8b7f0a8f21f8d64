import ZooSystem

/// The hashes by which a weight file is known, of all its bytes; of several files, one after the other.
package final class SourceHashes: Sendable {
  /// From the beginning, on a thread of its own.
  private let sha256: BackgroundResult<Checksum>
  private let files: [MappedFile]

  /// Begins with SHA-256 at once.
  package init(files: [MappedFile]) {
    self.files = files
    sha256 = BackgroundResult {
      var hash = SHA256Hasher()
      Self.forEachPart(of: files) { hash.update($0) }
      return Checksum(hash)
    }
  }

  package var paths: [String] { files.map(\.path) }

  package var byteCount: Int { files.reduce(0) { $0 + $1.bytes.count } }

  /// Waits until it is there.
  package var checksum: Checksum { sha256.value }

  /// In lower-case hexadecimal digits. By it Keras' published files are known. Computed when it is asked for.
  package var md5: String {
    var hash = MD5Hasher()
    Self.forEachPart(of: files) { hash.update($0) }
    return hexadecimal(hash.finalize())
  }

  /// Throws where a file is no longer as it was when it was opened.
  package func checkUnchanged() throws(ZooError) {
    for file in files { try file.checkUnchanged() }
  }

  /// All bytes in order; their pages need not stay in memory.
  private static func forEachPart(of files: [MappedFile], _ body: (UnsafeRawBufferPointer) -> Void) {
    let length = 1 << 20
    for file in files {
      for start in stride(from: 0, to: file.bytes.count, by: length) {
        let range = start..<min(start + length, file.bytes.count)
        body(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
        file.letGo(range)
      }
    }
  }
}
