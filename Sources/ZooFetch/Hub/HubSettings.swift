import ZooSystem

/// What the environment says about the hub, by the names that its own client reads.
struct HubSettings: Sendable {
  let endpoint: WebAddress
  /// Nil: nothing is sent.
  let token: String?
  let isOffline: Bool

  private static let tokenLimit = 4096

  /// - Throws: `ZooError` of the code `invalidArgument` where a variable makes no sense.
  init(_ configuration: FetchConfiguration) throws(ZooError) {
    let text = configuration.variable("HF_ENDPOINT") ?? "https://huggingface.co"
    do throws(ZooError) {
      endpoint = try WebAddress(text)
    } catch {
      throw ZooError(
        .invalidArgument, what: "invalid address of the hub", at: "HF_ENDPOINT=\(text)", error.why)
    }
    isOffline =
      configuration.isOffline
      || Self.isTrue(
        configuration.variable("HF_HUB_OFFLINE") ?? configuration.variable("TRANSFORMERS_OFFLINE"))
    token = try Self.token(configuration)
  }

  /// The folder of the hub's client, for its token and its cache.
  static func home(_ configuration: FetchConfiguration) -> String? {
    if let home = configuration.variable("HF_HOME") { return expanded(home, configuration) }
    let cache =
      configuration.variable("XDG_CACHE_HOME").map { expanded($0, configuration) }
      ?? configuration.variable("HOME").map { $0 + "/.cache" }
    return cache.map { $0 + "/huggingface" }
  }

  /// The path with the user's folder for a `~` at its start.
  static func expanded(_ path: String, _ configuration: FetchConfiguration) -> String {
    guard path == "~" || path.hasPrefix("~/"), let home = configuration.variable("HOME") else { return path }
    return home + path.dropFirst()
  }

  private static func token(_ configuration: FetchConfiguration) throws(ZooError) -> String? {
    var text = configuration.token
    if text == nil, !isTrue(configuration.variable("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
      text = configuration.variable("HF_TOKEN") ?? configuration.variable("HUGGING_FACE_HUB_TOKEN")
      let path =
        configuration.variable("HF_TOKEN_PATH").map { expanded($0, configuration) }
        ?? home(configuration).map { $0 + "/token" }
      if text == nil, let path, let bytes = FileSystem.contents(of: path, atMost: tokenLimit) {
        text = String(decoding: bytes, as: UTF8.self)
      }
    }
    let token = text.map(trimmed) ?? ""
    guard !token.isEmpty else { return nil }
    // Anything else could end the header and begin another.
    guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), token.utf8.count <= tokenLimit else {
      throw ZooError(
        .invalidArgument, what: "invalid token", at: "HF_TOKEN or the token file",
        "it has blanks, control characters or characters beyond ASCII",
        remedy: "Log in again with the hub's own tool.")
    }
    return token
  }

  private static func trimmed(_ text: String) -> String {
    let blanks: Set<Character> = [" ", "\t", "\n", "\r", "\r\n"]
    let start = text.drop { blanks.contains($0) }
    guard let end = start.lastIndex(where: { !blanks.contains($0) }) else { return "" }
    return String(start[...end])
  }

  private static func isTrue(_ value: String?) -> Bool {
    ["1", "on", "yes", "true"].contains(value?.lowercased() ?? "")
  }
}
