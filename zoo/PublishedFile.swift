import ZooGraph

/// A weight file that others published.
package struct PublishedFile: Sendable {
  /// How its bytes are known.
  package enum Hash: Hashable, Sendable {
    case md5(String)
    case sha256(String)

    /// Of this many hexadecimal digits: 32 are an MD5.
    init(_ digits: String) { self = digits.count == 32 ? .md5(digits) : .sha256(digits) }
  }

  package let address: String
  /// What is known of its bytes: MD5 and SHA-256; empty where nobody has published any.
  package let hashes: [Hash]
  /// Its length, where it is known.
  package let bytes: Int?
  package let variant: Variant
  /// In percent on ImageNet's validation images, where its publisher states it for this very member.
  package let topOne: Double?

  package init(
    address: String, hashes: [Hash], bytes: Int? = nil, variant: Variant, topOne: Double? = nil
  ) {
    self.address = address
    self.hashes = hashes
    self.bytes = bytes
    self.variant = variant
    self.topOne = topOne
  }

  /// The last part of the address.
  package var fileName: String { address.split(separator: "/").last.map(String.init) ?? address }

  static let kerasApplications = "https://storage.googleapis.com/tensorflow/keras-applications/"
  /// What Keras' older files have in their names.
  static let tensorFlow = "_weights_tf_dim_ordering_tf_kernels"

  /// What is known of a file beside its address: the digits of a hash, and its length.
  typealias Facts = (hash: String?, bytes: Int?)

  /// The two files of a network, with its top and without.
  ///
  /// - Parameters:
  ///   - path: of the file with top below Keras' folder, without `.h5`; an address of its own where it has a
  ///     scheme.
  ///   - suffix: what the name of the other one has besides.
  ///   - topOne: of the file with top.
  static func pair(
    _ architecture: String, _ definition: any NetworkDefinition, _ size: Int, path: String,
    suffix: String = "_notop", top: Facts, noTop: Facts, topOne: Double? = nil
  ) -> [PublishedFile] {
    let base = path.hasPrefix("https://") ? path : kerasApplications + path
    return [("", Head.imageNet, top, topOne), (suffix, .features(.none), noTop, nil)].map {
      suffix, head, facts, topOne in
      PublishedFile(
        address: "\(base)\(suffix).h5", hashes: facts.hash.map { [Hash($0)] } ?? [], bytes: facts.bytes,
        variant: Variant(
          architecture: architecture, definition: definition, input: InputShape(size, size), head: head),
        topOne: topOne)
    }
  }
}
