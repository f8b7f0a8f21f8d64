import ZooSystem

/// What a person types to say which file is to be fetched.
package enum PullSource: Sendable, Hashable {
  /// `NAME` or `NAME:VARIANT`: an entry of the catalogue, which only the caller knows.
  case catalog(name: String, variant: String?)
  /// `hf://ORG/NAME[@REVISION][/FILE]`, or the address of such a page of the hub.
  case hub(HubFile, sha256: String?)
  /// `https://…`, with the SHA-256 that the file must have.
  case address(WebAddress, sha256: String?)

  /// - Parameters:
  ///   - text: what was typed.
  ///   - sha256: what `--sha256` says.
  /// - Throws: `ZooError` of the code `invalidArgument` where it can't be meant so, with what to type.
  package init(_ text: String, sha256: String? = nil) throws(ZooError) {
    let hash = try sha256.map { digits throws(ZooError) in try Self.checked(sha256: digits) }
    let scheme = text.prefix { $0 != ":" }.lowercased()
    let hasScheme = text.dropFirst(scheme.count).hasPrefix("://")
    switch scheme {
    case "hf" where hasScheme:
      self = .hub(try Self.hubFile(String(text.dropFirst(5)), typed: text), sha256: hash)
    case "http" where hasScheme, "https" where hasScheme:
      let address = try WebAddress(text)
      if let file = try Self.hubFile(page: address) {
        self = .hub(file, sha256: hash)
      } else {
        self = .address(address, sha256: hash)
      }
    default:
      guard !hasScheme, !text.contains("/") else {
        throw Self.error(text, "it is neither a name of the catalogue nor an address")
      }
      self = try Self.catalogEntry(text, hash: hash)
    }
    if hash != nil, case .hub(let file, _) = self, file.file == nil {
      throw Self.error(
        text, "--sha256 needs the name of a file", remedy: "Add /FILE to \(file.text).")
    }
  }

  // MARK: The catalogue

  private static func catalogEntry(_ text: String, hash: String?) throws(ZooError) -> PullSource {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }), let name = parts.first else {
      throw error(text, "a name of the catalogue has the form NAME or NAME:VARIANT")
    }
    guard hash == nil else {
      throw error(text, "--sha256 goes with an address; the catalogue knows the hashes of its files")
    }
    return .catalog(name: String(name), variant: parts.count == 2 ? String(parts[1]) : nil)
  }

  // MARK: The hub

  /// - Parameter rest: what follows `hf://`.
  private static func hubFile(_ rest: String, typed: String) throws(ZooError) -> HubFile {
    var parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if let kind = parts.first, ["datasets", "spaces", "buckets", "kernels"].contains(kind) {
      throw error(typed, "only models can be fetched, not \(kind)")
    }
    if parts.first == "models", parts.count > 2 { parts.removeFirst() }
    guard parts.count >= 2 else { throw error(typed, "it names no repository") }
    let organization = parts.removeFirst()
    var name = parts.removeFirst()
    var revision = "main"
    if let at = name.firstIndex(of: "@") {
      revision = String(name[name.index(after: at)...])
      name = String(name[..<at])
      // The only revisions with a slash that need not be encoded.
      if revision == "refs", parts.count >= 2, ["pr", "convert"].contains(parts[0]) {
        revision += "/\(parts.removeFirst())/\(parts.removeFirst())"
      }
    }
    return try hubFile(
      organization: organization, name: name, revision: revision, path: parts, typed: typed)
  }

  /// A page or a file of a model on the hub's own site; nil where `page` is elsewhere.
  private static func hubFile(page: WebAddress) throws(ZooError) -> HubFile? {
    guard page.scheme == .https, ["huggingface.co", "www.huggingface.co", "hf.co"].contains(page.host)
    else { return nil }
    let path = page.pathAndQuery.prefix { $0 != "?" }
    var parts = path.split(separator: "/").map { $0.percentDecoded ?? String($0) }
    if let kind = parts.first, ["datasets", "spaces", "buckets", "api", "docs"].contains(kind) {
      throw error(page.shown, "it is not a model of the hub")
    }
    guard parts.count >= 2 else { throw error(page.shown, "it names no repository") }
    let (organization, name) = (parts[0], parts[1])
    parts.removeFirst(2)
    var revision = "main"
    if let kind = parts.first {
      guard ["resolve", "blob", "raw", "tree"].contains(kind), parts.count >= 2 else {
        throw error(page.shown, "it is not a file of a model")
      }
      revision = parts[1]
      parts.removeFirst(2)
      if revision == "refs", parts.count >= 2 {
        revision += "/\(parts.removeFirst())/\(parts.removeFirst())"
      }
    }
    return try hubFile(
      organization: organization, name: name, revision: revision, path: parts, typed: page.shown)
  }

  private static func hubFile(
    organization: String, name: String, revision: String, path: [String], typed: String
  ) throws(ZooError) -> HubFile {
    for part in [organization, name] {
      guard isName(part) else { throw error(typed, "'\(part)' is not a valid name of an owner or a model") }
    }
    let revision = revision.percentDecoded ?? revision
    guard !revision.isEmpty, isPath(revision.split(separator: "/", omittingEmptySubsequences: false)) else {
      throw error(typed, "'\(revision)' is not a valid branch, tag or commit")
    }
    // A slash at the end names no file.
    let path = path.last == "" ? Array(path.dropLast()) : path
    guard isPath(path) else { throw error(typed, "'\(path.joined(separator: "/"))' is not a valid path") }
    return HubFile(
      organization: organization, name: name, revision: revision,
      file: path.isEmpty ? nil : path.joined(separator: "/"))
  }

  /// What the hub allows in names, so that they can be those of folders too.
  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 96 && !text.contains("--") && !text.contains("..")
      && !text.hasPrefix(".") && !text.hasPrefix("-") && !text.hasSuffix(".") && !text.hasSuffix("-")
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// Whether the parts are those of a path that stays below its folder.
  private static func isPath(_ parts: [some StringProtocol]) -> Bool {
    parts.allSatisfy { part in
      !part.isEmpty && part != "." && part != ".." && part.utf8.count <= 255
        && part.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && $0 != "\\" }
    }
  }

  // MARK: Hashes and errors

  private static func checked(sha256 text: String) throws(ZooError) -> String {
    let digits = text.lowercased()
    guard FileHash.isHexadecimal(digits, count: 64) else {
      throw ZooError(
        .invalidArgument, what: "invalid SHA-256", at: text, "it must have 64 hexadecimal digits",
        remedy: "Publishers state it beside the download; `sha256sum FILE` prints that of a file you have.")
    }
    return digits
  }

  private static func error(_ text: String, _ why: String, remedy: String? = nil) -> ZooError {
    ZooError(
      .invalidArgument, what: "invalid source", at: text, why,
      remedy: remedy
        ?? "Type a name of `zoo pull --list`, hf://ORG/NAME[@REVISION][/FILE], or https://… with --sha256."
    )
  }
}
