import ZooSystem

/// The folders where others keep what they have downloaded. A file there counts by its hash, never by its
/// name.
struct KnownFolders: Sendable {
  let configuration: FetchConfiguration

  struct Found: Sendable {
    let path: String
    let digests: FileDigests
    let origin: FetchedFile.Origin
  }

  private static let nameLimit = 10_000

  /// A file that fits; nil where there is none, or where no hash is known by which it could be told.
  ///
  /// - Parameters:
  ///   - name: what its publisher calls it.
  ///   - impostors: gets the paths of files that have the name and are others.
  func find(
    _ expectation: Expectation, name: String, impostors: inout [String],
    progress: (FetchProgress) -> Void
  ) throws(ZooError) -> Found? {
    guard expectation.isHashKnown else { return nil }
    for candidate in candidates(expectation, name: name) {
      let digests: FileDigests
      do throws(ZooError) {
        digests = try FileDigests.of(path: candidate.path, atMost: configuration.byteLimit) {
          progress(.hashing(done: $0, total: $1))
        }
        if try expectation.fault(of: digests, path: candidate.path) == nil {
          return Found(path: candidate.path, digests: digests, origin: candidate.origin)
        }
      } catch {
        if error.code == .cancelled { throw error }
        continue
      }
      if candidate.hasName { impostors.append(candidate.path) }
    }
    return nil
  }

  private struct Candidate {
    let path: String
    let origin: FetchedFile.Origin
    let hasName: Bool
  }

  /// The files of the right length, or of the right name where the length isn't known: not every file is
  /// hashed.
  private func candidates(_ expectation: Expectation, name: String) -> [Candidate] {
    var candidates: [Candidate] = []
    for (folder, origin) in folders {
      for entry in names(inFolder: folder, atMost: Self.nameLimit).sorted() {
        let path = "\(folder)/\(entry)"
        guard let length = FileSystem.length(of: path) else { continue }
        // A few digits of a hash are enough only together with the name.
        let fits =
          expectation.trust == .sha256Prefix
          ? entry == name : expectation.bytes.map { length == $0 } ?? (entry == name)
        if fits { candidates.append(Candidate(path: path, origin: origin, hasName: entry == name)) }
      }
    }
    return candidates.filter(\.hasName) + candidates.filter { !$0.hasName } + blobs(expectation)
  }

  private var folders: [(String, FetchedFile.Origin)] {
    var folders: [(String, FetchedFile.Origin)] = []
    let home = configuration.variable("HOME")
    if let keras = configuration.variable("KERAS_HOME") ?? home.map({ $0 + "/.keras" }) {
      folders.append((keras + "/models", .kerasFolder))
    }
    let torch =
      configuration.variable("TORCH_HOME")
      ?? (configuration.variable("XDG_CACHE_HOME") ?? home.map { $0 + "/.cache" }).map { $0 + "/torch" }
    if let torch { folders.append((torch + "/hub/checkpoints", .torchFolder)) }
    return folders
  }

  /// The hub's cache names the large files in it by their SHA-256.
  private func blobs(_ expectation: Expectation) -> [Candidate] {
    guard let cache = HubCache(configuration) else { return [] }
    let digits = expectation.hashes.lazy.compactMap { hash -> String? in
      if case .sha256(let digits) = hash { digits } else { nil }
    }.first
    guard let digits else { return [] }
    return names(inFolder: cache.path, atMost: Self.nameLimit).sorted().compactMap { entry in
      let path = "\(cache.path)/\(entry)/blobs/\(digits)"
      guard entry.hasPrefix("models--"), FileSystem.length(of: path) != nil else { return nil }
      return Candidate(path: path, origin: .hubCache, hasName: false)
    }
  }
}
