import ZooTensor

/// Why the reference engine can't run a network.
package struct ReferenceError: ZooError {
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
