/// A file that a registry offers.
package struct RegistryFile: Sendable, Hashable {
  /// `NAME`, or `NAME:VARIANT`.
  package let name: String
  /// Where it is, its SHA-256 and its length.
  package let download: PublishedDownload
  /// 64 hexadecimal digits.
  package let sha256: String
  /// What it is, in a line.
  package let title: String?
  /// The licence of the weights.
  package let licence: String?
  /// The catalogue's name of the network, where the tensors alone may not tell.
  package let architecture: String?
  /// How pixels are preprocessed, where the file doesn't say it.
  package let preprocessing: String?
}
