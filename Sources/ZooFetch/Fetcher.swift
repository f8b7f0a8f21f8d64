import ZooSystem

/// Fetches published files: looks for them in the caches that there are, downloads what is missing, goes on
/// with what an earlier run began, and hands on nothing whose hash is wrong.
package struct Fetcher: Sendable {
  let transport: any Transport
  let configuration: FetchConfiguration

  package init(transport: any Transport, configuration: FetchConfiguration) {
    self.transport = transport
    self.configuration = configuration
  }

  static var userAgent: String { "zoo/\(ZooVersion.current)" }

  // MARK: Published files

  /// Fetches a file of the catalogue.
  ///
  /// - Parameter progress: called often, by any thread.
  /// - Throws: `ZooError`: `cannotOpen` where the file can't be had, `damaged` where it is not the one that
  ///   was published, `tooLarge`, `unsupported`, `cannotCreate` where it can't be kept, `unreadable` where the
  ///   connection broke too often, `cancelled`. What is here by then stays, and the next run goes on from
  ///   there.
  package func fetch(
    _ download: PublishedDownload, progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    progress(.began(name: download.name))
    let place = DownloadFolder(path: try configuration.downloadFolder()).place(of: download)
    let expectation = Expectation(hashes: download.hashes, bytes: download.bytes)
    if let file = try kept(download, expectation, at: place, progress) { return file }
    var impostors: [String] = []
    let found = try KnownFolders(configuration: configuration).find(
      expectation, name: download.address.fileName, impostors: &impostors, progress: progress)
    if let found {
      return FetchedFile(
        path: found.path, address: download.address, sha256: found.digests.sha256, md5: found.digests.md5,
        bytes: found.digests.bytes, trust: expectation.trust, origin: found.origin)
    }
    guard !configuration.isOffline else { throw offline(download.address.shown, place.path, impostors) }
    var file = try await downloaded(download, expectation, to: place, progress)
    file.remarks += impostors.map { "\($0) has the same name but other content; it was not used." }
    return file
  }

  /// The file where it was downloaded before.
  private func kept(
    _ download: PublishedDownload, _ expectation: Expectation, at place: Place,
    _ progress: (FetchProgress) -> Void
  ) throws(ZooError) -> FetchedFile? {
    guard let length = FileSystem.length(of: place.path), length == expectation.bytes ?? length else {
      return nil
    }
    let receipt = DownloadFolder.receipt(of: place)
    guard expectation.isHashKnown || receipt?.bytes == length else { return nil }
    do throws(ZooError) {
      let digests = try FileDigests.of(path: place.path, atMost: configuration.byteLimit) {
        progress(.hashing(done: $0, total: $1))
      }
      let isReceived = receipt?.sha256 == digests.sha256
      guard try expectation.fault(of: digests, path: place.path) == nil,
        expectation.isHashKnown || isReceived
      else { return nil }
      let source = isReceived ? receipt.flatMap { try? WebAddress($0.address) } : nil
      return FetchedFile(
        path: place.path, address: source ?? download.address, sha256: digests.sha256, md5: digests.md5,
        bytes: digests.bytes, trust: expectation.trust, origin: .ownCache)
    } catch {
      if error.code == .cancelled { throw error }
      return nil
    }
  }

  private func downloaded(
    _ published: PublishedDownload, _ expectation: Expectation, to place: Place,
    _ progress: @escaping @Sendable (FetchProgress) -> Void
  ) async throws(ZooError) -> FetchedFile {
    let address = try mirrored(published.address)
    let exchange = Exchange(
      transport: transport, rules: HostRules(start: address, allowed: configuration.allowedHosts),
      now: configuration.now)
    var download = Download(
      name: published.name, address: address, expectation: expectation, place: place, exchange: exchange,
      configuration: configuration, progress: progress)
    download.willPublish = { received throws(ZooError) in
      try DownloadFolder.write(
        DownloadFolder.Receipt(
          address: received.address.text, sha256: received.digests.sha256, bytes: received.digests.bytes),
        of: place)
    }
    return try await download.withLock { [download] () async throws(ZooError) -> FetchedFile in
      // Whoever had the lock has perhaps downloaded it.
      if let file = try kept(published, expectation, at: place, progress) { return file }
      let received = try await download.run()
      return FetchedFile(
        path: place.path, address: received.address, sha256: received.digests.sha256,
        md5: received.digests.md5, bytes: received.digests.bytes, trust: expectation.trust, origin: .network)
    }
  }

  /// The same path at the mirror, where there is one.
  private func mirrored(_ address: WebAddress) throws(ZooError) -> WebAddress {
    guard let mirror = configuration.mirror else { return address }
    var base = mirror.pathAndQuery.prefix { $0 != "?" }
    while base.hasSuffix("/") { base.removeLast() }
    return try mirror.replacing(path: base + address.pathAndQuery)
  }

  func offline(_ address: String, _ path: String, _ impostors: [String]) -> ZooError {
    let others = impostors.isEmpty ? "" : "; \(impostors[0]) has the same name but other content"
    return ZooError(
      .cannotOpen, what: "cannot download", at: address,
      "it is not in \(folder(of: path))\(others), and --offline allows no download",
      remedy: "Run the same command once without --offline.")
  }

  // MARK: Addresses

  /// Fetches a file from an address that a person gave.
  ///
  /// - Parameters:
  ///   - sha256: 64 hexadecimal digits; nil only where the address itself has digits of the hash.
  ///   - progress: called often, by any thread.
  /// - Throws: as for a file of the catalogue, and `invalidArgument` where no hash is known.
  package func fetch(
    _ address: WebAddress, sha256: String?, progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    var hashes: [FileHash] = []
    if let sha256 { hashes.append(.sha256(sha256)) }
    if let digits = address.torchDigits { hashes.append(.sha256Prefix(digits)) }
    guard !hashes.isEmpty else {
      throw ZooError(
        .invalidArgument, what: "missing SHA-256", at: address.shown,
        "no hash is known to check the file with",
        remedy: "Add --sha256 with the 64 digits that its publisher states.")
    }
    let name = address.fileName.isEmpty ? address.host : address.fileName
    return try await fetch(
      PublishedDownload(name: name, address: address, hashes: hashes), progress: progress)
  }
}
