import ZooFormat
import ZooSystem

/// What a verification found: one entry per check, in the order in which they ran.
public struct VerificationReport: Sendable, Codable {
  /// What a check found.
  public enum Status: String, Sendable, Codable {
    /// What was compared agrees.
    case passed
    /// It does not.
    case failed
    /// There was nothing to compare; this is no failure.
    case noTestimony = "no testimony"
  }

  /// One check and where it stands worst.
  public struct Check: Sendable, Codable {
    /// For example `fast engine against reference engine`.
    public let name: String
    /// What it found.
    public let status: Status
    /// The largest error found, in the unit that `tolerance` has.
    public let largestError: Double?
    /// The layer, tensor or array with the largest error in proportion to its tolerance.
    public let location: String?
    /// The largest error that is allowed.
    public let tolerance: Double?
    /// Our error over another framework's own, against a truth in double precision: the geometric mean
    /// over all arrays where both differ from it.
    public let errorRatio: Double?
    /// What was compared, in words.
    public let detail: String
    /// The errors of all layers or arrays that were compared, in their order; no part of the JSON.
    package var parts: [Part] = []
    /// How far the statistics of each batch norm deviate; no part of the JSON.
    package var deviations: [BatchNormTestimony.Deviation] = []

    /// The error of one layer or array.
    package struct Part: Sendable {
      package let location: String
      package let error: Double
      package let tolerance: Double
    }

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

    /// The name of the check that compares a network on codes of 8 bits with the original one.
    package static let integers = "8-bit activations against single precision"

    /// The name of the check that compares weights in a smaller type with those that they were rounded from.
    package static func precision(_ storage: StorageType) -> String {
      "\(storage == .f16 ? "half precision" : storage.rawValue) against single precision"
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

    /// Writes the check with the keys of this version and of the one before.
    public func encode(to encoder: any Encoder) throws {
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

  /// In the order in which they ran.
  public package(set) var checks: [Check]

  package init(checks: [Check] = []) { self.checks = checks }

  /// Whether no check failed.
  public var passed: Bool { !checks.contains { $0.status == .failed } }
  /// Whether the batch-norm statistics are so far from those of the images that pixels are probably preprocessed
  /// otherwise than in training, or the images are of another kind. That is no failure.
  public var isDoubtful: Bool { checks.contains { $0.status == .noTestimony && $0.largestError != nil } }
  /// The first check that failed.
  public var firstFailure: Check? { checks.first { $0.status == .failed } }

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

  /// The tolerance that `summary` states for the check `name`; nil where it has none.
  package static func tolerance(of name: String, in summary: [String: String]) -> Double? {
    summary[name]?.firstMatch(of: /largest error \S+ of (\S+) allowed/).flatMap { Double($0.1) }
  }
}
