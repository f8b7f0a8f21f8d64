import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An address on the web that can be asked: `http` or `https`, a host, and no name or password in it.
package struct WebAddress: Sendable, Hashable {
  package enum Scheme: String, Sendable { case http, https }

  package let scheme: Scheme
  /// In lower case; an address of IPv6 without brackets.
  package let host: String
  /// The one that is stated, else the scheme's own.
  package let port: Int
  /// What a request line has: it begins with a slash and has no fragment.
  package let pathAndQuery: String

  /// - Throws: `ZooError` of the code `invalidArgument` where `text` is no such address.
  package init(_ text: String) throws(ZooError) {
    do throws(Fault) {
      try self.init(checking: text, encodesInvalid: false)
    } catch {
      throw error.invalid(text)
    }
  }

  /// What an address in a document from here means, which may be relative to it.
  ///
  /// - Throws: `ZooError` of the code `invalidArgument` where it is no address of http or https.
  package func relative(_ reference: String) throws(ZooError) -> WebAddress {
    do throws(Fault) {
      return try resolved(reference, encodesInvalid: false)
    } catch {
      throw error.invalid(reference)
    }
  }

  /// What a `Location` header of an answer from here means: an address, or one relative to this.
  ///
  /// - Throws: `ZooError` of the code `cannotOpen` where it is no address of http or https.
  package func resolving(_ location: String) throws(ZooError) -> WebAddress {
    do throws(Fault) {
      return try resolved(location, encodesInvalid: true)
    } catch {
      throw ZooError(
        .cannotOpen, what: "cannot download", at: shown,
        "it is redirected to \(Self.printable(location)): \(error.why)")
    }
  }

  private func resolved(_ reference: String, encodesInvalid: Bool) throws(Fault) -> WebAddress {
    func address(_ text: String) throws(Fault) -> WebAddress {
      try WebAddress(checking: text, encodesInvalid: encodesInvalid)
    }
    // Without a scheme and with a colon later only in its path or query.
    let start = reference.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    if start.contains(":") { return try address(reference) }
    if reference.hasPrefix("//") { return try address(scheme.rawValue + ":" + reference) }
    if reference.hasPrefix("/") { return try address(root + reference) }
    let path = pathAndQuery.prefix { $0 != "?" }
    if reference.hasPrefix("?") { return try address(root + path + reference) }
    let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
    return try address(root + folder + reference)
  }

  /// The address with its path replaced.
  ///
  /// - Parameter path: begins with a slash; already encoded.
  package func replacing(path: String) throws(ZooError) -> WebAddress { try WebAddress(root + path) }

  /// All of it, as it can be typed.
  package var text: String { root + pathAndQuery }

  /// For a person: without the query, which may hold a signature.
  package var shown: String { root + pathAndQuery.prefix { $0 != "?" } }

  /// Scheme, host and port: who gets what is sent.
  package var origin: String { "\(scheme.rawValue)://\(bracketed):\(port)" }

  /// The last part of the path, decoded; empty where the path ends with a slash.
  package var fileName: String {
    let path = pathAndQuery.prefix { $0 != "?" }
    let name = path[(path.lastIndex(of: "/") ?? path.startIndex)...].dropFirst()
    return name.percentDecoded ?? String(name)
  }

  /// Whether it is on this machine.
  package var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  private var bracketed: String { host.contains(":") ? "[\(host)]" : host }

  /// Scheme and host, and the port where it is not the scheme's own.
  private var root: String {
    let own = scheme == .https ? 443 : 80
    return "\(scheme.rawValue)://\(bracketed)" + (port == own ? "" : ":\(port)")
  }

  // MARK: Parsing

  private struct Fault: Error {
    let why: String

    func invalid(_ text: String) -> ZooError {
      ZooError(
        .invalidArgument, what: "invalid address", at: WebAddress.printable(text), why,
        remedy: "An address looks like https://HOST/PATH/FILE.")
    }
  }

  private static let limit = 8192

  /// - Parameter encodesInvalid: whether characters that should be encoded are, as servers forget it.
  private init(checking text: String, encodesInvalid: Bool) throws(Fault) {
    guard text.utf8.count <= Self.limit else {
      throw Fault(why: "it has more than \(Self.limit) characters")
    }
    guard !text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7f || $0 == "\\" }) else {
      throw Fault(why: "it has blanks, control characters or backslashes")
    }
    guard
      let parts = URLComponents(string: text, encodingInvalidCharacters: encodesInvalid),
      let name = parts.scheme
    else { throw Fault(why: "it is not a URL") }
    guard let scheme = Scheme(rawValue: name.lowercased()) else {
      throw Fault(why: "only https:// and http:// are supported, not \(name):")
    }
    guard parts.user == nil, parts.password == nil else {
      throw Fault(why: "an address must not contain a user name or a password")
    }
    var host = (parts.encodedHost ?? "").lowercased()
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty, host.utf8.allSatisfy(Self.isHostCharacter) else {
      throw Fault(
        why: "its host is missing, or has characters other than letters, digits, dots and hyphens")
    }
    // A final dot means the same host, and would pass by rules about its name.
    if host.hasSuffix(".") { host.removeLast() }
    guard !host.isEmpty else { throw Fault(why: "it has no host") }
    let port = parts.port ?? (scheme == .https ? 443 : 80)
    guard (1...65535).contains(port) else { throw Fault(why: "there is no port \(port)") }
    var path = Self.withoutDotSegments(parts.percentEncodedPath)
    if !path.hasPrefix("/") { path = "/" + path }
    self.scheme = scheme
    self.host = host
    self.port = port
    pathAndQuery = path + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
  }

  private static func isHostCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
    default: false
    }
  }

  /// The path without `.` and `..`, as RFC 3986 takes them away.
  private static func withoutDotSegments(_ path: String) -> String {
    guard path.contains("/.") else { return path }
    var kept: [Substring] = []
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      switch part {
      case ".": if isLast { kept.append("") }
      case "..":
        if !kept.isEmpty { kept.removeLast() }
        if isLast { kept.append("") }
      default: kept.append(part)
      }
    }
    return "/" + kept.joined(separator: "/")
  }

  /// A text from elsewhere, for a message: of readable length and without a query.
  private static func printable(_ text: String) -> String {
    let start = text.prefix { $0 != "?" }
    return start.count <= 200 ? String(start) : start.prefix(200) + "…"
  }
}

extension WebAddress: CustomStringConvertible {
  package var description: String { shown }
}
