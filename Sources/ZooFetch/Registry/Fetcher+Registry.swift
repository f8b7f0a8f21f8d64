#if Pull
  import ZooSystem

  extension Fetcher {
    /// Fetches the index of a registry and checks its signature, which lies beside it: `index.json.sig`.
    ///
    /// It is asked for each time. Where nobody answers, or nobody may be asked, it is the one that came last.
    ///
    /// - Parameters:
    ///   - registry: the address of the index, or of the folder of its `index.json`.
    ///   - key: the one that must have signed it.
    ///   - progress: is told of further attempts.
    /// - Throws: `ZooError`: `cannotOpen` where it can't be had, `unreadable` where the connection broke too often,
    ///   `damaged` where the signature is not by the key or the index is invalid, `tooLarge`, `unsupported`,
    ///   `cannotCreate` where it can't be kept, `cancelled`.
    package func index(
      of registry: WebAddress, key: RegistryKey,
      progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
    ) async throws(ZooError) -> RegistryIndex {
      let source = try RegistryAddresses(registry)
      let place = DownloadFolder(path: try configuration.downloadFolder()).place(
        of: PublishedDownload(name: "index", address: source.index, hashes: []))
      guard !configuration.isOffline else {
        guard let kept = try keptIndex(of: source, key: key, at: place) else {
          throw offline(source.index.shown, place.path, [])
        }
        return kept
      }
      let bytes: [UInt8]
      let signature: [UInt8]
      do throws(Setback) {
        bytes = try await contents(of: source.index, atMost: RegistryIndex.limit, progress)
        signature = try await contents(of: source.signature, atMost: RegistryKey.signatureLength, progress)
      } catch {
        // It may be older than what the registry offers by now, but it is the publisher's.
        guard !error.isFinal, var kept = try keptIndex(of: source, key: key, at: place) else {
          throw error.error
        }
        kept.remarks.append("\(source.index.host) gives no answer; the index is the one that came last.")
        return kept
      }
      guard key.hasSigned(bytes, signature: signature) else {
        throw ZooError(
          .damaged, what: "wrong signature", at: source.signature.shown,
          "the index was signed with another key, or changed after that",
          remedy: "Check --key. If the registry is just being updated, try again.")
      }
      let index = try RegistryIndex(json: bytes, from: source.index)
      try FileSystem.make(folder: folder(of: place.path))
      try FileSystem.replace(place.path, with: bytes)
      try FileSystem.replace(place.signature, with: signature)
      return index
    }

    /// The index that came last, if there is one that the key has signed.
    private func keptIndex(
      of source: RegistryAddresses, key: RegistryKey, at place: Place
    ) throws(ZooError) -> RegistryIndex? {
      guard let bytes = FileSystem.contents(of: place.path, atMost: RegistryIndex.limit),
        let signature = FileSystem.contents(of: place.signature, atMost: RegistryKey.signatureLength),
        key.hasSigned(bytes, signature: signature)
      else { return nil }
      return try RegistryIndex(json: bytes, from: source.index)
    }

    /// All bytes of a small file.
    private func contents(
      of address: WebAddress, atMost limit: Int, _ progress: (FetchProgress) -> Void
    ) async throws(Setback) -> [UInt8] {
      let exchange = Exchange(
        transport: transport, rules: HostRules(start: address, allowed: configuration.allowedHosts),
        now: configuration.now)
      return try await configuration.retrying(progress: progress) { () async throws(Setback) -> [UInt8] in
        try await exchange.contents(of: address, atMost: limit)
      }
    }
  }

  /// Where the two files of an index are.
  private struct RegistryAddresses {
    let index: WebAddress
    let signature: WebAddress

    init(_ registry: WebAddress) throws(ZooError) {
      var path = registry.pathAndQuery.prefix { $0 != "?" }
      let query = registry.pathAndQuery.dropFirst(path.count)
      if !path.hasSuffix(".json") {
        while path.hasSuffix("/") { path.removeLast() }
        path += "/index.json"
      }
      index = try registry.replacing(path: "\(path)\(query)")
      signature = try registry.replacing(path: "\(path).sig\(query)")
    }
  }

  extension Place {
    fileprivate var signature: String { path + ".sig" }
  }
#endif
