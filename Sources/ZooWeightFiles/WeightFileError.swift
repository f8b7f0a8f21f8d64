import ZooTensor

/// Why a weight file can't be read.
package struct WeightFileError: ZooError {
  package enum Kind: Sendable {
    /// The bytes break the rules of their own format.
    case malformed
    /// The file keeps the rules, but uses something that this program does not read or refuses to.
    case unsupported
    /// The operating system failed to deliver the bytes.
    case unreadable
    /// The file can't be opened.
    case cannotOpen
  }

  package let kind: Kind
  /// What was being read, for example `HDF5 file` or `npy header`.
  package let subject: String
  /// The file, and inside it the tensor, member or attribute.
  package let location: String
  package let why: String
  package let remedy: String?

  package init(_ kind: Kind, _ subject: String, at location: String, _ why: String, remedy: String? = nil) {
    self.kind = kind
    self.subject = subject
    self.location = location
    self.why = why
    self.remedy = remedy
  }

  package var what: String {
    switch kind {
    case .malformed: "malformed \(subject)"
    case .unsupported: "unsupported \(subject)"
    case .unreadable: "cannot read \(subject)"
    case .cannotOpen: "cannot open \(subject)"
    }
  }

  package var category: ErrorCategory {
    switch kind {
    case .malformed, .unsupported: .badInput
    case .unreadable: .inputOutput
    case .cannotOpen: .cannotOpen
    }
  }
}
