import ZooSystem

/// Fetches published files: looks for them in the caches that there are, downloads what is missing, goes on with
/// what an earlier run began, and hands on nothing whose hash is wrong.
package struct Fetcher: Sendable {
  let transport: any Transport
  let configuration: FetchConfiguration

  package init(transport: any Transport, configuration: FetchConfiguration) {
    self.transport = transport
    self.configuration = configuration
  }

  /// Fetches a file of the catalogue.
  ///
  /// - Parameter progress: called often, by any thread.
  /// - Throws: `ZooError`: `cannotOpen` where the file can't be had, `damaged` where it is not the one that was
  ///   published, `tooLarge`, `unsupported`, `cannotCreate` where it can't be kept, `unreadable` where the
  ///   connection broke too often, `cancelled`. What is here by then stays, and the next run goes on from there.
  package func fetch(
    _ download: PublishedDownload, progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    throw ZooError(.unsupported, what: "unsupported", at: download.address.shown, "not written yet")
  }

  /// Fetches a file from an address that a person gave.
  ///
  /// - Parameters:
  ///   - sha256: 64 hexadecimal digits; nil only where the address itself has digits of the hash.
  ///   - progress: called often, by any thread.
  /// - Throws: as for a file of the catalogue, and `invalidArgument` where no hash is known.
  package func fetch(
    _ address: WebAddress, sha256: String?, progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    throw ZooError(.unsupported, what: "unsupported", at: address.shown, "not written yet")
  }

  /// Fetches a file of a model on the hub, or its weights together with its `config.json`, into the cache that the
  /// hub's own client has too.
  ///
  /// - Parameters:
  ///   - sha256: what the file must have besides, where a person gave it.
  ///   - progress: called often, by any thread.
  /// - Throws: as for a file of the catalogue.
  package func fetch(
    _ file: HubFile, sha256: String? = nil, progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    throw ZooError(.unsupported, what: "unsupported", at: file.text, "not written yet")
  }
}
