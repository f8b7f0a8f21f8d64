import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is known of a partial file, in a file of its own beside it. Nothing in it is trusted.
struct PartialRecord: Codable, Sendable, Hashable {
  /// Of the record's form.
  var version = 1
  /// Where the bytes were asked for.
  var address: String
  /// As the server sent it; nil where it sent none that says equal bytes.
  var etag: String?
  /// Of the whole file, where the server said it.
  var length: Int?
  /// How many of the partial file's bytes it is about.
  var bytes: Int
  /// The SHA-256 of these bytes.
  var sha256: String

  private static let limit = 64 << 10

  /// The record at `path`; nil where there is none, or one that no sound run has written.
  static func read(_ path: String) -> PartialRecord? {
    guard let bytes = FileSystem.contents(of: path, atMost: limit),
      let record = try? JSONDecoder().decode(PartialRecord.self, from: Data(bytes))
    else { return nil }
    let isSound =
      record.version == 1 && record.bytes >= 0 && (record.length.map { $0 >= record.bytes } ?? true)
      && FileHash.isHexadecimal(record.sha256, count: 64)
      && (record.etag.map { AnswerHead.isStrongTag($0) } ?? true)
    return isSound ? record : nil
  }

  func write(_ path: String) throws(ZooError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let bytes = try ZooError.wrap { Array(try encoder.encode(self)) }
    // The address may hold a signature.
    try FileSystem.replace(path, with: bytes, mode: 0o600)
  }
}
