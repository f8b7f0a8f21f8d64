import ZooSystem

/// What the hub says of one file at one revision.
struct HubEntry: Sendable {
  /// Which the revision stands for.
  let commit: String
  /// The name of the blob: the hash without quotes.
  let tag: String
  let hash: FileHash
  let bytes: Int?
}

/// Asks the hub about its files.
struct HubClient: Sendable {
  let settings: HubSettings
  let exchange: Exchange
  let configuration: FetchConfiguration

  /// Of the hub itself: mirrors send on to them what they don't have.
  private static let origins = ["https://huggingface.co:443", "https://hf.co:443"]

  init(settings: HubSettings, transport: any Transport, configuration: FetchConfiguration) {
    self.settings = settings
    self.configuration = configuration
    exchange = Exchange(
      transport: transport,
      rules: HostRules(start: settings.endpoint, allowed: HostRules.hub + configuration.allowedHosts),
      authorization: settings.token.map { "Bearer \($0)" }, now: configuration.now)
  }

  /// Where a file can be asked for.
  func address(_ file: HubFile, revision: String, name: String) throws(ZooError) -> WebAddress {
    var base = settings.endpoint.pathAndQuery.prefix { $0 != "?" }
    while base.hasSuffix("/") { base.removeLast() }
    let revision = Self.encoded(revision, keepsSlashes: false)
    let name = Self.encoded(name, keepsSlashes: true)
    return try settings.endpoint.replacing(
      path: "\(base)/\(file.repository)/resolve/\(revision)/\(name)")
  }

  private static func encoded(_ text: String, keepsSlashes: Bool) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    let slash = UInt8(ascii: "/")
    return text.utf8.map { byte in
      if plain.contains(byte) || (keepsSlashes && byte == slash) {
        return String(UnicodeScalar(byte))
      }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }

  enum Answer: Sendable {
    case entry(HubEntry)
    /// The repository has no such file.
    case noSuchFile
    /// The hub can't be reached, or answers nothing but that it is not well.
    case noAnswer(ZooError)
  }

  /// What is known of the file `name`.
  func entry(
    _ file: HubFile, name: String, progress: @Sendable (FetchProgress) -> Void
  ) async throws(ZooError) -> Answer {
    let address = try address(file, revision: file.revision, name: name)
    do throws(Setback) {
      return try await configuration.retrying(progress: progress) { () async throws(Setback) -> Answer in
        try await ask(address, file, name).map { .entry($0) } ?? .noSuchFile
      }
    } catch {
      guard !error.isFinal else { throw error.error }
      return .noAnswer(error.error)
    }
  }

  private func ask(
    _ address: WebAddress, _ file: HubFile, _ name: String
  ) async throws(Setback) -> HubEntry? {
    let headers = ["Accept-Encoding": "identity", "User-Agent": Fetcher.userAgent]
    // A redirect to another host leads to the bytes; what is known of them is in the redirect itself.
    let reply = try await exchange.send(.head, address, headers: headers, hasAnswered: false) {
      $0.origin == $1.origin || Self.origins.contains($1.origin)
    }
    let head = reply.head
    guard head.status == 200 || reply.target != nil else {
      if HubError.isNoSuchFile(head) { return nil }
      throw HubError.setback(
        head, file: file, name: name, hub: settings, at: reply.address, now: configuration.now())
    }
    let heads = [head] + reply.hops.reversed()
    func first(_ names: String...) -> String? {
      heads.lazy.compactMap { head in names.lazy.compactMap { head[$0] }.first }.first
    }
    guard let commit = first("x-repo-commit"), HubCache.isCommit(commit) else {
      throw .final(
        .unsupported, reply.address, "the answer has no X-Repo-Commit header, so it is not from a hub",
        remedy: "Check HF_ENDPOINT and the proxy.")
    }
    guard let tag = first("x-linked-etag", "etag").map(Self.plainTag), let hash = HubCache.hash(tag: tag)
    else {
      throw .final(.unsupported, reply.address, "the hub states no hash to check the file with")
    }
    let length = reply.target == nil ? head["content-length"] : nil
    let bytes = (first("x-linked-size") ?? length).flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    return HubEntry(commit: commit, tag: tag, hash: hash, bytes: bytes)
  }

  /// An entity tag without its quotes, and without the mark of one that stands for content rather than for
  /// bytes.
  private static func plainTag(_ tag: String) -> String {
    let start = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
    return start.filter { $0 != "\"" }
  }
}
