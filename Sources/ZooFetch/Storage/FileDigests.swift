import ZooSystem

/// The hashes of the bytes of a file, as they come.
struct RunningDigests: Sendable {
  private var sha256 = SHA256Hasher()
  private var md5 = MD5Hasher()
  private(set) var bytes = 0

  mutating func update(_ part: UnsafeRawBufferPointer) {
    sha256.update(part)
    md5.update(part)
    bytes += part.count
  }

  /// The SHA-256 of the bytes until now.
  var prefix: String { hexadecimal(sha256.finalize()) }

  /// Those of all bytes until now.
  var digests: FileDigests { FileDigests(sha256: prefix, md5: hexadecimal(md5.finalize()), bytes: bytes) }
}

/// What the bytes of a file are known by.
struct FileDigests: Sendable, Hashable {
  /// 64 hexadecimal digits.
  let sha256: String
  /// 32 hexadecimal digits.
  let md5: String
  let bytes: Int

  /// Those of the file at `path`.
  ///
  /// - Parameters:
  ///   - limit: a longer file is not read.
  ///   - progress: called with the bytes that were read, about once in 16 MiB.
  static func of(
    path: String, atMost limit: Int, progress: (Int, Int) -> Void = { _, _ in }
  ) throws(ZooError) -> FileDigests {
    var running = RunningDigests()
    try read(path: path, atMost: limit) { part, total in
      running.update(part)
      if running.bytes % (16 << 20) < part.count { progress(running.bytes, total) }
    }
    return running.digests
  }

  /// The SHA-1 by which git knows the content of the file at `path`.
  static func gitBlob(path: String, atMost limit: Int) throws(ZooError) -> String {
    var hasher: SHA1Hasher?
    var length = 0
    func begin(_ total: Int) -> SHA1Hasher {
      var hasher = SHA1Hasher()
      Array("blob \(total)\0".utf8).withUnsafeBytes { hasher.update($0) }
      length = total
      return hasher
    }
    var bytes = 0
    try read(path: path, atMost: limit) { part, total in
      if hasher == nil { hasher = begin(total) }
      hasher?.update(part)
      bytes += part.count
    }
    let digest = hexadecimal((hasher ?? begin(0)).finalize())
    guard bytes == length else { throw ZooError.file(.read, path, reason: "it changed while it was read") }
    return digest
  }

  /// Hands on the bytes of a regular file in parts, each with the file's length.
  private static func read(
    path: String, atMost limit: Int, _ body: (UnsafeRawBufferPointer, Int) -> Void
  ) throws(ZooError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw ZooError.file(.open, path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw ZooError.file(.read, path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ZooError.file(.open, path, reason: "it is not a regular file")
    }
    let total = Int(status.st_size)
    guard total <= limit else {
      throw ZooError(
        .tooLarge, "file", at: path, "it has \(grouped(total)) bytes, more than \(grouped(limit))")
    }
    var part = [UInt8](repeating: 0, count: 1 << 20)
    var done = 0
    while true {
      try Cancellation.check()
      let count = part.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(done)) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw ZooError.file(.read, path) }
      if count == 0 { return }
      part.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count]), total) }
      done += count
    }
  }
}

/// Two digits in lower case for each byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
