import ZooFetch

/// Which proxy a request goes through, as the environment says: `HTTPS_PROXY`, `http_proxy`, `ALL_PROXY` and `NO_PROXY`.
package struct ProxySettings: Sendable {
  /// A proxy as its variable states it.
  package struct Proxy: Hashable, Sendable {
    package enum Kind: Sendable { case http, socks }

    package let kind: Kind
    package let host: String
    package let port: Int
    package let user: String?
    package let password: String?
    /// The variable that states it, for messages.
    package let variable: String
  }

  /// A variable that states no proxy that can be used, and why.
  package struct Fault: Error, Equatable {
    package let variable: String
    package let why: String
  }

  /// A host that is reached without a proxy, with those below it.
  private struct Exception: Sendable {
    let host: String
    /// Nil: any.
    let port: Int?

    /// - Parameter text: `example.org`, `.example.org`, `*.example.org`, `example.org:8080` or `[::1]`.
    init(_ text: Substring) {
      var host = text.lowercased()
      var port: Int?
      // More than one colon without brackets is an address of IPv6.
      if host.hasPrefix("[") || host.split(separator: ":", omittingEmptySubsequences: false).count == 2,
        let colon = host.lastIndex(of: ":"), let number = Int(host[host.index(after: colon)...])
      {
        port = number
        host = String(host[..<colon])
      }
      host = host.filter { $0 != "[" && $0 != "]" }
      if host.hasPrefix("*.") { host.removeFirst() }
      if host.hasPrefix(".") { host.removeFirst() }
      self.host = host
      self.port = port
    }

    func covers(_ host: String, port: Int) -> Bool {
      guard (self.port ?? port) == port else { return false }
      // Nothing is below an address.
      let isName = host.contains { $0.isLetter } && !host.contains(":")
      return self.host == "*" || host == self.host || isName && host.hasSuffix("." + self.host)
    }
  }

  private let environment: [String: String]
  private let exceptions: [Exception]

  package init(environment: [String: String]) {
    // What is set to nothing is not set.
    let environment = environment.filter { !$0.value.isEmpty }
    self.environment = environment
    let list = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
    exceptions = list.split { $0 == "," || $0.isWhitespace }.map(Exception.init)
  }

  /// The proxy for a request; nil where it goes to its host directly.
  ///
  /// Lower-case names come first. `HTTP_PROXY` in upper case is ignored: a web server may set it from a request's
  /// header `Proxy`.
  package func proxy(scheme: String, host: String, port: Int) throws(Fault) -> Proxy? {
    let host = host.lowercased().filter { $0 != "[" && $0 != "]" }
    guard !exceptions.contains(where: { $0.covers(host, port: port) }) else { return nil }
    let names =
      scheme == "https"
      ? ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] : ["http_proxy", "all_proxy", "ALL_PROXY"]
    guard let name = names.first(where: { environment[$0] != nil }), let text = environment[name] else {
      return nil
    }
    return try Self.parse(text, variable: name)
  }

  private static func parse(_ text: String, variable: String) throws(Fault) -> Proxy {
    var rest = text[...]
    var scheme = "http"
    if let mark = rest.firstRange(of: "://") {
      scheme = rest[..<mark.lowerBound].lowercased()
      rest = rest[mark.upperBound...]
    }
    let kind: Proxy.Kind
    switch scheme {
    case "http": kind = .http
    case "socks5", "socks5h", "socks": kind = .socks
    case "https":
      throw Fault(variable: variable, why: "a proxy that is itself reached by TLS is not supported")
    default: throw Fault(variable: variable, why: "there are no proxies of the kind '\(scheme)'")
    }
    rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    var credentials: [String] = []
    if let at = rest.lastIndex(of: "@") {
      credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.percentDecoded ?? String($0) }
      rest = rest[rest.index(after: at)...]
    }
    var port = kind == .http ? 80 : 1080
    if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]") {
      guard let number = Int(rest[rest.index(after: colon)...]), (1...65535).contains(number) else {
        throw Fault(variable: variable, why: "its port is no number from 1 to 65535")
      }
      port = number
      rest = rest[..<colon]
    }
    let host = String(rest.filter { $0 != "[" && $0 != "]" })
    guard !host.isEmpty else { throw Fault(variable: variable, why: "it names no host") }
    return Proxy(
      kind: kind, host: host, port: port, user: credentials.first,
      password: credentials.count > 1 ? credentials[1] : nil, variable: variable)
  }
}
