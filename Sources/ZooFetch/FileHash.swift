import ZooSystem

/// What is known beforehand of a file's bytes.
package enum FileHash: Sendable, Hashable {
  /// 64 hexadecimal digits in lower case.
  case sha256(String)
  /// 32 hexadecimal digits in lower case: it shows damage, but not malice.
  case md5(String)
  /// The 40 digits by which git knows the content: of SHA-1, which shows damage, but hardly malice.
  case gitBlob(String)
  /// The first digits of the SHA-256.
  case sha256Prefix(String)

  /// What the file can be trusted for once it has this hash.
  package var trust: Trust {
    switch self {
    case .sha256: .sha256
    case .md5: .md5
    case .gitBlob: .gitBlob
    case .sha256Prefix: .sha256Prefix
    }
  }

  package var digits: String {
    switch self {
    case .sha256(let digits), .md5(let digits), .gitBlob(let digits), .sha256Prefix(let digits): digits
    }
  }

  /// What it is called in a message.
  package var name: String {
    switch self {
    case .sha256: "SHA-256"
    case .md5: "MD5"
    case .gitBlob: "git SHA-1"
    case .sha256Prefix: "start of the SHA-256"
    }
  }

  /// Whether `text` has exactly `count` hexadecimal digits, or at least 8 where it is nil.
  static func isHexadecimal(_ text: some StringProtocol, count: Int? = nil) -> Bool {
    (count.map { text.utf8.count == $0 } ?? (text.utf8.count >= 8))
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
          UInt8(ascii: "A")...UInt8(ascii: "F"):
          true
        default: false
        }
      }
  }
}

/// How it is known that a file is the one that was wanted, the best first.
package enum Trust: String, Sendable, Hashable {
  /// By a SHA-256 that was known beforehand.
  case sha256
  /// By git's SHA-1 of its content.
  case gitBlob = "git-sha1"
  /// By an MD5, which shows damage, but not malice.
  case md5
  /// By the first digits of its SHA-256, which show damage, but not malice.
  case sha256Prefix = "sha256-prefix"
  /// By nothing but the encrypted connection to its host, and its length where that is known.
  case transportOnly = "transport-only"
}
