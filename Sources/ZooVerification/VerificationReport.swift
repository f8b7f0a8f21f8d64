import ZooSystem

/// What a verification found: one entry per check, in the order in which they ran.
package struct VerificationReport: Sendable, Codable {
  package enum Status: String, Sendable, Codable {
    case passed
    case failed
    /// There was nothing to compare; this is no failure.
    case noTestimony = "no testimony"
  }

  /// One check and where it stands worst.
  package struct Check: Sendable, Codable {
    /// For example `fast engine against reference engine`.
    package let name: String
    package let status: Status
    /// The largest error found, in the unit that `tolerance` has.
    package let largestError: Double?
    /// The layer, tensor or array with the largest error in proportion to its tolerance.
    package let location: String?
    package let tolerance: Double?
    /// Our error over another framework's own, against a truth in double precision: the geometric mean
    /// over all arrays where both differ from it.
    package let errorRatio: Double?
    /// What was compared, in words.
    package let detail: String

    package init(
      _ name: String, _ status: Status, largestError: Double? = nil, location: String? = nil,
      tolerance: Double? = nil, errorRatio: Double? = nil, detail: String
    ) {
      self.name = name
      self.status = status
      self.largestError = largestError
      self.location = location
      self.tolerance = tolerance
      self.errorRatio = errorRatio
      self.detail = detail
    }

    enum CodingKeys: String, CodingKey {
      case name, status
      case largestError = "largest_error"
      case location, tolerance
      case errorRatio = "error_ratio"
      case detail
    }

    /// The keys of earlier versions, which are still written beside the others for one version.
    private enum FormerKeys: String, CodingKey {
      case largestError, errorRatio
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(status, forKey: .status)
      try container.encodeIfPresent(largestError, forKey: .largestError)
      try container.encodeIfPresent(location, forKey: .location)
      try container.encodeIfPresent(tolerance, forKey: .tolerance)
      try container.encodeIfPresent(errorRatio, forKey: .errorRatio)
      try container.encode(detail, forKey: .detail)
      var former = encoder.container(keyedBy: FormerKeys.self)
      try former.encodeIfPresent(largestError, forKey: .largestError)
      try former.encodeIfPresent(errorRatio, forKey: .errorRatio)
    }
  }

  package var checks: [Check]

  package init(checks: [Check] = []) { self.checks = checks }

  package var passed: Bool { !checks.contains { $0.status == .failed } }
  package var firstFailure: Check? { checks.first { $0.status == .failed } }

  /// Per check its finding in a few words, as a `.zoo` file records it.
  package var summary: [String: String] {
    Dictionary(
      checks.map { check in
        var finding = check.status.rawValue
        if let error = check.largestError, let tolerance = check.tolerance {
          finding += ", largest error \(significant(error)) of \(significant(tolerance)) allowed"
        }
        if let location = check.location { finding += " at \(location)" }
        return (check.name, finding)
      }, uniquingKeysWith: { first, _ in first })
  }
}
