import ZooTensor

/// Why a `.zoo` file can't be used.
package struct ZooFileError: ZooError {
  package enum Kind: Sendable {
    /// The bytes break the specification.
    case malformed
    /// A later version, or something that this version does not know.
    case unsupported
    /// A checksum does not match its tensor.
    case damaged
  }

  package let kind: Kind
  /// The file, and inside it the field or tensor.
  package let location: String
  package let why: String

  package init(_ kind: Kind, at location: String, _ why: String) {
    self.kind = kind
    self.location = location
    self.why = why
  }

  package var what: String {
    switch kind {
    case .malformed: "malformed .zoo file"
    case .unsupported: "unsupported .zoo file"
    case .damaged: "damaged .zoo file"
    }
  }

  package var category: ErrorCategory { .badInput }
}
