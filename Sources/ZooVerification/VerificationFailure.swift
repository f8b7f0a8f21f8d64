import ZooSystem

/// The report of a verification that said no: the underlying error of a `ZooError` with the code
/// `ZooError.Code.verificationFailed`.
public struct VerificationFailure: Error {
  /// What each check found.
  public let report: VerificationReport
}

extension VerificationReport {
  /// The error that says that `file` failed; nil where no check did.
  public func failure(of file: String) -> ZooError? { failure(of: file, remedy: { _ in nil }) }

  /// - Parameter remedy: what can be done about the check that failed, if anything.
  package func failure(of file: String, remedy: (Check) -> String?) -> ZooError? {
    guard let check = firstFailure else { return nil }
    var finding = check.detail
    if let error = check.largestError, let tolerance = check.tolerance {
      finding = "error \(significant(error)), at most \(significant(tolerance)) allowed (\(check.detail))"
    }
    return ZooError(
      .verificationFailed, what: "verification failed", at: check.location.map { "\(file), '\($0)'" } ?? file,
      "\(check.name): \(finding)", remedy: remedy(check), underlyingError: VerificationFailure(report: self))
  }
}
