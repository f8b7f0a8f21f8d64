import ZooSystem

/// What a file must be.
struct Expectation: Sendable, Hashable {
  /// All must hold.
  let hashes: [FileHash]
  /// Its exact length, where it is known.
  let bytes: Int?

  /// What differs.
  struct Fault: Error {
    let expected: String
    let found: String
  }

  init(hashes: [FileHash], bytes: Int? = nil) {
    self.hashes = hashes
    self.bytes = bytes
  }

  /// How the file is trusted once it fits: by the best of the hashes.
  var trust: Trust {
    let trusts = hashes.map(\.trust)
    return [.sha256, .gitBlob, .md5, .sha256Prefix].first { trusts.contains($0) } ?? .transportOnly
  }

  /// Whether a hash says at the end whether the bytes are right, however they came together.
  var isHashKnown: Bool { !hashes.isEmpty }

  /// What doesn't fit; nil where all does.
  ///
  /// - Parameters:
  ///   - digests: of the file.
  ///   - path: where it is, for a hash that takes its length first.
  func fault(of digests: FileDigests, path: String) throws(ZooError) -> Fault? {
    if let bytes, bytes != digests.bytes {
      return Fault(expected: "\(grouped(bytes)) bytes", found: "\(grouped(digests.bytes)) bytes")
    }
    for hash in hashes {
      let found =
        switch hash {
        case .sha256: digests.sha256
        case .md5: digests.md5
        case .sha256Prefix(let digits): String(digests.sha256.prefix(digits.count))
        case .gitBlob: try FileDigests.gitBlob(path: path, atMost: digests.bytes)
        }
      if found != hash.digits {
        return Fault(expected: "the \(hash.name) \(hash.digits)", found: found)
      }
    }
    return nil
  }
}
