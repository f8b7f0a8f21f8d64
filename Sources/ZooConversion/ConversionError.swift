import ZooTensor

/// Why a weight file can't be converted.
package struct ConversionError: ZooError {
  package let what: String
  /// The file, and inside it the layer or tensor at fault.
  package let location: String
  package let why: String
  package let remedy: String?
  package let category: ErrorCategory

  package init(
    _ what: String, at location: String, _ why: String, remedy: String? = nil,
    category: ErrorCategory = .badInput
  ) {
    self.what = what
    self.location = location
    self.why = why
    self.remedy = remedy
    self.category = category
  }
}
