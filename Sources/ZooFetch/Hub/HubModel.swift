import ZooSystem

/// One model of the hub, whose files are looked for in the cache and fetched into it.
struct HubModel: Sendable {
  let file: HubFile
  let cache: HubCache
  let client: HubClient
  let configuration: FetchConfiguration
  let progress: @Sendable (FetchProgress) -> Void

  // MARK: Which file

  /// The file that was named, or the weights.
  func weights(sha256: String?) async throws(ZooError) -> FetchedFile {
    if let name = file.file {
      if let fetched = try await fetch(name, sha256: sha256) { return fetched }
      if client.settings.isOffline { throw HubError.offline(file, [name], cache: cache.path) }
      throw HubError.noSuchFile(file, [name], hub: client.settings)
    }
    let names = ["model.safetensors", "pytorch_model.bin"]
    for name in names {
      guard var fetched = try await fetch(name, sha256: nil) else { continue }
      if name != names[0] {
        fetched.remarks.append("The repository has no \(names[0]); \(name) was taken instead.")
      }
      return fetched
    }
    if client.settings.isOffline {
      throw HubError.offline(file, names, cache: cache.path)
    }
    if case .entry = try await client.entry(file, name: names[0] + ".index.json", progress: progress) {
      throw ZooError(
        .unsupported, what: "unsupported model", at: file.text,
        "its weights are split over several files, which can't be converted")
    }
    throw HubError.noSuchFile(file, names, hub: client.settings)
  }

  /// A small file beside the weights, at the commit that they are of; nil where there is none.
  func configuration(_ name: String, commit: String) async throws(ZooError) -> FetchedFile? {
    var small = configuration
    small.byteLimit = min(small.byteLimit, HubModelConfiguration.limit)
    let pinned = HubFile(
      organization: file.organization, name: file.name, revision: commit, file: name)
    let model = HubModel(
      file: pinned, cache: cache, client: client, configuration: small, progress: progress)
    return try await model.fetch(name, sha256: nil)
  }

  // MARK: One file

  /// The file `name`; nil where the repository has none, or where the cache has none and the hub may not be
  /// asked.
  private func fetch(_ name: String, sha256: String?) async throws(ZooError) -> FetchedFile? {
    progress(.began(name: "\(file.repository)/\(name)"))
    if client.settings.isOffline {
      return try cached(name, sha256: sha256)
    }
    // A commit never changes.
    if HubCache.isCommit(file.revision), let found = try cached(name, sha256: sha256) { return found }
    switch try await client.entry(file, name: name, progress: progress) {
    case .noSuchFile: return nil
    case .noAnswer(let error):
      guard var found = try cached(name, sha256: sha256) else { throw error }
      found.remarks.append(
        "\(client.settings.endpoint.host) gives no answer; the file is the one in the cache for \(file.revision)."
      )
      return found
    case .entry(let entry): return try await fetch(name, entry, sha256: sha256)
    }
  }

  private func expectation(_ hash: FileHash, bytes: Int? = nil, sha256: String?) -> Expectation {
    Expectation(hashes: [hash] + (sha256.map { [.sha256($0)] } ?? []), bytes: bytes)
  }

  /// What the cache has of the file at the commit that the revision last stood for.
  private func cached(_ name: String, sha256: String?) throws(ZooError) -> FetchedFile? {
    guard let commit = cache.commit(of: file),
      let hash = cache.hash(of: file, commit: commit, name: name)
    else { return nil }
    let expectation = expectation(hash, sha256: sha256)
    let path = cache.snapshot(file, commit: commit, name: name)
    guard let digests = try verified(path, expectation) else { return nil }
    return try fetched(name, commit, digests, expectation, origin: .hubCache)
  }

  /// Fetches what the hub has described.
  private func fetch(
    _ name: String, _ entry: HubEntry, sha256: String?
  ) async throws(ZooError) -> FetchedFile {
    let expectation = expectation(entry.hash, bytes: entry.bytes, sha256: sha256)
    if let sha256, case .sha256(let stated) = entry.hash, stated != sha256 {
      throw ZooError(
        .damaged, what: "wrong file", at: file.text,
        "\(name) should have the SHA-256 \(sha256), but the hub's has \(stated)")
    }
    let place = cache.place(file, tag: entry.tag)
    if let digests = try verified(place.path, expectation) {
      try publish(name, entry)
      return try fetched(name, entry.commit, digests, expectation, origin: .hubCache)
    }
    let isDamaged = exists(place.path)
    let address = try client.address(file, revision: entry.commit, name: name)
    let download = Download(
      name: name, address: address, expectation: expectation, place: place, exchange: client.exchange,
      configuration: configuration, progress: progress)
    try FileSystem.make(folder: cache.path)
    cache.mark()
    return try await download.withLock { () async throws(ZooError) -> FetchedFile in
      if let digests = try verified(place.path, expectation) {
        try publish(name, entry)
        return try fetched(name, entry.commit, digests, expectation, origin: .hubCache)
      }
      let received = try await download.run()
      try publish(name, entry)
      var file = try fetched(name, entry.commit, received.digests, expectation, origin: .network)
      file.address = received.address
      if isDamaged { file.remarks.append("The cache had a damaged \(name); it was replaced.") }
      return file
    }
  }

  /// Gives the bytes their names in the cache.
  private func publish(_ name: String, _ entry: HubEntry) throws(ZooError) {
    if cache.isLinked(file, commit: entry.commit, name: name, tag: entry.tag) {
      // The cache may be one that only others may write to.
      try? cache.note(file, commit: entry.commit)
    } else {
      try cache.link(file, commit: entry.commit, name: name, tag: entry.tag)
      try cache.note(file, commit: entry.commit)
    }
  }

  /// The hashes of the file at `path`, if it is what it should be.
  private func verified(_ path: String, _ expectation: Expectation) throws(ZooError) -> FileDigests? {
    guard let length = FileSystem.length(of: path), length == expectation.bytes ?? length else { return nil }
    do throws(ZooError) {
      let digests = try FileDigests.of(path: path, atMost: configuration.byteLimit) {
        progress(.hashing(done: $0, total: $1))
      }
      return try expectation.fault(of: digests, path: path) == nil ? digests : nil
    } catch {
      if error.code == .cancelled { throw error }
      return nil
    }
  }

  private func fetched(
    _ name: String, _ commit: String, _ digests: FileDigests, _ expectation: Expectation,
    origin: FetchedFile.Origin
  ) throws(ZooError) -> FetchedFile {
    FetchedFile(
      path: cache.snapshot(file, commit: commit, name: name),
      address: try client.address(file, revision: commit, name: name), sha256: digests.sha256,
      md5: digests.md5, bytes: digests.bytes, trust: expectation.trust, origin: origin, commit: commit)
  }
}
