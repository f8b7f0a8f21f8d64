import ZooTensor

/// Why an image can't be used.
package struct ImageError: ZooError {
  package enum Kind: Sendable {
    case cannotOpen, malformed, unsupported
  }

  package let kind: Kind
  /// The image file.
  package let location: String
  package let why: String

  package init(_ kind: Kind, at location: String, _ why: String) {
    self.kind = kind
    self.location = location
    self.why = why
  }

  package var what: String {
    switch kind {
    case .cannotOpen: "cannot open image"
    case .malformed: "malformed image"
    case .unsupported: "unsupported image"
    }
  }

  package var category: ErrorCategory { kind == .cannotOpen ? .cannotOpen : .badInput }
}
