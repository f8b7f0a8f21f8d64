/// A file that somebody published, and what is known of it beforehand.
package struct PublishedDownload: Sendable, Hashable {
  /// What messages call it, for example `ResNet50 top`.
  package let name: String
  package let address: WebAddress
  /// All must hold; empty where none is known: then only the connection vouches for the file.
  package let hashes: [FileHash]
  /// Its exact length, where it is known.
  package let bytes: Int?

  package init(name: String, address: WebAddress, hashes: [FileHash], bytes: Int? = nil) {
    self.name = name
    self.address = address
    self.hashes = hashes
    self.bytes = bytes
  }
}
