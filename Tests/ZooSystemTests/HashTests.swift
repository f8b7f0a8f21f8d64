import Foundation
import HashChecks
import Testing
import ZooSystem
import ZooTestSupport

@Suite struct HashTests {
  /// The examples of FIPS 180-4 for SHA-256, and the empty message of NIST's CAVP.
  static let sha256: [(String, String)] = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      String(repeating: "a", count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ]

  /// The examples of FIPS 180 for SHA-1, and lengths around a block's that Python's hashlib made.
  static let sha1: [(String, String)] = [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
    (String(repeating: "a", count: 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    (String(repeating: "z", count: 55), "5a8c825e7bddd45f0936f3a6c4a34760a190e60c"),
    (String(repeating: "z", count: 63), "5576b79ef97c211956483848efaaef0c5cae045f"),
    (String(repeating: "z", count: 64), "668cd5ae72f64e8194014f99778081e5ae46df53"),
    (String(repeating: "z", count: 65), "b4d0bc233838cba64eeaa151cae9301542498b30"),
    (String(repeating: "z", count: 119), "85843975fc0c4b3f138f1712c37de691d4078286"),
    (String(repeating: "z", count: 120), "adb73f20707cc855fdfb8f7dc62491aecce07e49"),
    (String(repeating: "z", count: 128), "ee07a43b8b7f44b7c7c5ad71bcadd33eec5e7947"),
  ]

  /// The test suite of RFC 1321.
  static let md5: [(String, String)] = [
    ("", "d41d8cd98f00b204e9800998ecf8427e"),
    ("a", "0cc175b9c0f1b6a831c399e269772661"),
    ("abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
    (
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"
    ),
    (String(repeating: "1234567890", count: 8), "57edf4a22be3c955ac49da2e2107b67a"),
  ]

  @Test func sha256IsThatOfTheStandard() {
    for (message, digest) in Self.sha256 {
      #expect(digits(SHA256Hasher.hash(Array(message.utf8))) == digest)
      for index in SHA256Hasher.implementations.indices {
        guard var hasher = SHA256Hasher(implementation: index) else { continue }
        Array(message.utf8).withUnsafeBytes { hasher.update($0) }
        #expect(digits(hasher.finalize()) == digest, "\(SHA256Hasher.implementations[index])")
      }
    }
  }

  @Test func sha1IsThatOfTheStandard() {
    for (message, digest) in Self.sha1 { #expect(digits(SHA1Hasher.hash(Array(message.utf8))) == digest) }
  }

  @Test func md5IsThatOfTheRFC() {
    for (message, digest) in Self.md5 { #expect(digits(MD5Hasher.hash(Array(message.utf8))) == digest) }
  }

  /// The table that Python's hashlib and xxhash made.
  @Test func hashersAgreeWithTheTable() throws {
    let lines = try Self.table().split(separator: "\n")
    try #require(lines.count > 70)
    for line in lines {
      let fields = line.split(separator: " ")
      let count = try #require(Int(fields[0]))
      let message = (0..<count).map { UInt8((UInt32($0) &* 0x9e37_79b1) >> 24) }
      #expect(digits(SHA256Hasher.hash(message)) == fields[1])
      #expect(digits(MD5Hasher.hash(message)) == fields[2])
      let digest = digits(XXH3Hasher.hash(message))
      #expect(digest == fields[3])
      for index in XXH3Hasher.implementations.indices {
        guard var hasher = XXH3Hasher(implementation: index) else { continue }
        message.withUnsafeBytes { hasher.update($0) }
        #expect(digits(hasher.finalize()) == digest, "\(XXH3Hasher.implementations[index])")
      }
    }
  }

  @Test func copiesGoOnByThemselves() {
    copies(of: SHA256Hasher())
    copies(of: SHA1Hasher())
    copies(of: MD5Hasher())
    copies(of: XXH3Hasher())
  }

  private func copies(of hasher: some ByteHasher) {
    let first = [UInt8](repeating: 1, count: 300)
    let second = [UInt8](repeating: 2, count: 500)
    var hasher = hasher
    first.withUnsafeBytes { hasher.update($0) }
    var copy = hasher
    second.withUnsafeBytes { copy.update($0) }
    #expect(hasher.finalize() == type(of: hasher).hash(first))
    #expect(copy.finalize() == type(of: hasher).hash(first + second))
    second.withUnsafeBytes { hasher.update($0) }
    #expect(copy.finalize() == hasher.finalize())
  }

  @Test func everyMachineHasThePortableOne() {
    #expect(SHA256Hasher.implementations.last == "portable")
    #expect(XXH3Hasher.implementations.last == "portable")
    #expect(SHA256Hasher(implementation: SHA256Hasher.implementations.count - 1) != nil)
    #expect(XXH3Hasher(implementation: XXH3Hasher.implementations.count - 1) != nil)
    #expect(SHA256Hasher(implementation: -1) == nil)
    #expect(SHA256Hasher(implementation: SHA256Hasher.implementations.count) == nil)
    #expect(XXH3Hasher(implementation: .max) == nil)
  }

  /// Each implementation that this machine has, on random lengths in random parts.
  @Test func implementationsAgree() throws {
    final class Lines { var lines: [String] = [] }
    let lines = Lines()
    let result = zoo_check_hashes(
      try Self.table(),
      { context, line in
        guard let context, let line else { return }
        Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue().lines.append(String(cString: line))
      }, Unmanaged.passUnretained(lines).toOpaque())
    #expect(result.compared > 10_000)
    #expect(result.failed == 0, "\(lines.lines.prefix(20).joined(separator: "\n"))")
  }

  #if os(Linux) && !arch(arm64)
    @Test func implementationsAgreeOnARM() throws {
      let program = try ARMProgram.run(
        folders: ["Sources/CZooHash", "Tests/HashChecks"], arguments: [Self.tablePath])
      switch program {
      case .lacking(let what): print("Hashes: \(what).")
      case .notCompiled(let output): Issue.record("not compiled: \(output)")
      case .ran(let status, let output):
        #expect(status == 0, "\(output)")
        #expect(output.contains("SHA-256 armv8\n") && output.contains("XXH3 neon\n"))
      }
    }
  #endif

  private static let tablePath = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/hashes/digests.txt").path

  private static func table() throws -> String { try String(contentsOfFile: tablePath, encoding: .utf8) }

  private func digits(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private func digits(_ digest: XXH3Hasher.Digest) -> String {
    digits([digest.high, digest.low].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } })
  }
}
