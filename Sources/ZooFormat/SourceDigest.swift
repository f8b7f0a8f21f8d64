import Crypto
import ZooTensor

/// The hashes by which a weight file is known, of all its bytes; of several files, one after the other.
package struct SourceDigest: Sendable, Hashable {
  package let checksum: Checksum
  /// In lower-case hexadecimal digits. By it Keras' published files are known.
  package let md5: String
  package let byteCount: Int

  package var sha256: String { checksum.hexadecimal }

  /// How much is read before both hashes have seen it.
  private static let chunk = 1 << 20

  /// Reads `files` once.
  package init(files: [String]) throws(FileError) {
    var sha256 = SHA256()
    var md5 = Insecure.MD5()
    var count = 0
    for path in files {
      let file = try MappedFile(path: path)
      count += file.bytes.count
      for start in stride(from: 0, to: file.bytes.count, by: Self.chunk) {
        let range = start..<min(start + Self.chunk, file.bytes.count)
        let part = UnsafeRawBufferPointer(rebasing: file.bytes[range])
        sha256.update(bufferPointer: part)
        md5.update(bufferPointer: part)
        file.letGo(range)
      }
    }
    checksum = Checksum(sha256.finalize())
    self.md5 = Self.hexadecimal(md5.finalize())
    byteCount = count
  }

  private static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
