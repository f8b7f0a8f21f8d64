/// A file that is here, whole and checked.
package struct FetchedFile: Sendable, Hashable {
  /// Where it was found or put.
  package enum Origin: String, Sendable, Hashable {
    case network
    /// The folder of this program's downloads.
    case ownCache = "cache"
    /// Keras' folder of downloaded models.
    case kerasFolder = "keras"
    /// The folder where torch keeps downloaded weights.
    case torchFolder = "torch"
    /// The cache that the hub's own client has too.
    case hubCache = "hub-cache"
  }

  /// A path to it; its last part is the name that its publisher gave it, or in the hub's cache a hash.
  package var path: String
  /// Where its bytes came from, after redirects; where they could be had, for a file that was here already.
  package var address: WebAddress
  /// 64 hexadecimal digits.
  package var sha256: String
  /// 32 hexadecimal digits.
  package var md5: String
  package var bytes: Int
  package var trust: Trust
  package var origin: Origin
  /// What its publisher says beside it, for example `apache-2.0`.
  package var licence: String?
  /// The commit of the hub's repository.
  package var commit: String?
  /// The path of the `config.json` that came with it.
  package var configuration: String?
  /// What a person should know besides, a sentence each.
  package var remarks: [String] = []
}
