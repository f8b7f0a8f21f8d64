import ZooSystem

/// How files are fetched, and where they are kept.
package struct FetchConfiguration: Sendable {
  /// The variables of the environment: `HOME`, `XDG_CACHE_HOME`, `ZOO_CACHE`, `KERAS_HOME`, `TORCH_HOME`, and
  /// those of the hub's client.
  package var environment: [String: String]
  /// The folder of downloads; nil: ``defaultCacheFolder``.
  package var cacheFolder: String?
  /// Nothing is asked; only what is here counts. `HF_HUB_OFFLINE=1` means the same for the hub.
  package var isOffline: Bool
  /// The bytes of the largest file that is taken.
  package var byteLimit: Int
  /// Hosts, besides each source's own, that it may be redirected to: `HOST`, or `*.DOMAIN` for all below one.
  package var allowedHosts: [String]
  /// Attempts after the first, as long as none of them makes progress.
  package var retries: Int
  /// A server that has published files under the paths that they have at their own; none for the hub, whose
  /// mirror is `HF_ENDPOINT`.
  package var mirror: WebAddress?
  /// What the hub's `Authorization` says; nil: `HF_TOKEN` or the token file. Empty: none is sent.
  package var token: String?
  /// Waits between attempts, and for other processes.
  package var sleep: @Sendable (Duration) async throws -> Void
  /// Seconds since 1970.
  package var now: @Sendable () -> Double
  /// At least 0, below 1.
  package var jitter: @Sendable () -> Double
  /// The bytes that can still be written to a folder; nil where that is unknown.
  package var freeBytes: @Sendable (_ folder: String) -> Int?

  package init(
    environment: [String: String], cacheFolder: String? = nil, isOffline: Bool = false,
    byteLimit: Int = 8 << 30, allowedHosts: [String] = [], retries: Int = 5, mirror: WebAddress? = nil,
    token: String? = nil,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    now: @escaping @Sendable () -> Double = { Double(time(nil)) },
    jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
    freeBytes: @escaping @Sendable (String) -> Int? = { FileSystem.freeBytes(folder: $0) }
  ) {
    self.environment = environment
    self.cacheFolder = cacheFolder
    self.isOffline = isOffline
    self.byteLimit = byteLimit
    self.allowedHosts = allowedHosts
    self.retries = retries
    self.mirror = mirror
    self.token = token
    self.sleep = sleep
    self.now = now
    self.jitter = jitter
    self.freeBytes = freeBytes
  }

  /// Waits.
  ///
  /// - Throws: `ZooError` of the code `cancelled` where the task is.
  func pause(seconds: Double) async throws(ZooError) {
    do {
      try await sleep(.milliseconds(Int((seconds * 1000).rounded())))
    } catch {
      throw ZooError.cancelled
    }
    try Cancellation.check()
  }

  /// A variable that is set and not empty.
  func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

  /// The folder where this program keeps downloads: `downloads` in `ZOO_CACHE`, or in a folder `zoo` where
  /// the system keeps caches; nil where not even `HOME` is set.
  package var defaultCacheFolder: String? {
    let folder: String?
    #if canImport(Darwin)
      folder = variable("ZOO_CACHE") ?? variable("HOME").map { $0 + "/Library/Caches/zoo" }
    #else
      folder =
        variable("ZOO_CACHE")
        ?? (variable("XDG_CACHE_HOME") ?? variable("HOME").map { $0 + "/.cache" }).map { $0 + "/zoo" }
    #endif
    return folder.map { $0 + "/downloads" }
  }

  /// The folder of downloads.
  ///
  /// - Throws: `ZooError` of the code `cannotCreate` where nothing says where it could be.
  package func downloadFolder() throws(ZooError) -> String {
    guard let folder = cacheFolder ?? defaultCacheFolder else {
      throw ZooError(
        .cannotCreate, what: "cannot create", at: "a folder for downloads", "HOME is not set",
        remedy: "Name a folder with --cache, or set ZOO_CACHE.")
    }
    return folder
  }
}
