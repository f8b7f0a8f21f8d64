/// Which hosts a source may be asked at, however it is redirected.
struct HostRules: Sendable {
  /// The address that a person or the catalogue gave.
  let start: WebAddress
  /// `HOST`, or `*.DOMAIN` for all below one; in lower case.
  private let patterns: [String]

  init(start: WebAddress, allowed: [String]) {
    self.start = start
    patterns = Self.companions(of: start.host) + allowed.map { $0.lowercased() }
  }

  /// Where the hub's files are, besides at itself.
  static let hub = ["huggingface.co", "*.huggingface.co", "hf.co", "*.hf.co"]

  /// The hosts that publishers hand their downloads on to.
  private static func companions(of host: String) -> [String] {
    switch host {
    case "github.com": ["*.githubusercontent.com"]
    case "download.pytorch.org": ["*.pytorch.org"]
    case "huggingface.co", "hf.co": hub
    default: []
    }
  }

  /// Why a redirect must not be followed, and what a person can do.
  struct Refusal: Error {
    let why: String
    let remedy: String?
  }

  /// Throws where `target` must not be asked after `origin`, which redirects to it.
  func check(_ target: WebAddress, from origin: WebAddress) throws(Refusal) {
    if target.scheme == .http {
      guard origin.scheme == .http else {
        throw Refusal(
          why: "it is redirected to \(target.shown), which is not encrypted, from an encrypted connection",
          remedy: nil)
      }
      guard target.isLoopback || target.origin == start.origin else {
        throw Refusal(why: "it is redirected to \(target.shown), which is not encrypted", remedy: nil)
      }
    }
    guard allows(target.host) else {
      throw Refusal(
        why: "it is redirected to \(target.host), which is not one of the hosts of this source",
        remedy: "If you trust that host, add --allow-host \(target.host).")
    }
  }

  private func allows(_ host: String) -> Bool {
    host == start.host
      || patterns.contains { pattern in
        pattern.hasPrefix("*.") ? host.hasSuffix(pattern.dropFirst(1)) : host == pattern
      }
  }
}
