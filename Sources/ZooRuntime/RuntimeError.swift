import ZooTensor

/// Why a network can't be run.
package struct RuntimeError: ZooError {
  package let what: String
  /// The layer or input at fault.
  package let location: String
  package let why: String
  package let category: ErrorCategory

  package init(_ what: String, at location: String, _ why: String, category: ErrorCategory = .badInput) {
    self.what = what
    self.location = location
    self.why = why
    self.category = category
  }
}
