import ZooFormat
import ZooGraph
import ZooSystem
import ZooVerification

/// Joins models of the same classes into one that gives the mean of their probabilities.
///
/// Layers that are the same in several models, such as a frozen backbone, are there once. Classes are matched by their
/// names, never by their order.
public struct ModelEnsemble: Sendable {
  /// What happens, for whoever shows it.
  public enum Progress: Sendable {
    /// A check begins or goes on.
    case verifying(Verifier.Progress)
    /// Bytes of tensors written and to write.
    case writing(done: Int, total: Int)
  }

  /// How the ensemble is made.
  public struct Options: Sendable {
    /// Whether an existing output is replaced.
    public var overwrite = false

    /// Nothing is replaced.
    public init() {}
  }

  /// How it is made.
  public let options: Options
  package let members: [ZooFile]

  package init(members: [ZooFile], options: Options) {
    self.members = members
    self.options = options
  }

  /// Writes the ensemble.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.doesNotFit` where members differ in their classes, their preprocessing or
  ///   the size of their input.
  public func write(
    to output: String, progress: (Progress) -> Void = { _ in }
  ) throws(ZooError) -> EnsembleReport {
    try ZooError.wrap {
      try AtomicFile.checkPossible(output, overwrite: options.overwrite)
      return try EnsembleAssembly(members: members, options: options).write(to: output, progress: progress)
    }
  }
}

/// What an ensemble is made of.
public struct EnsembleReport: Sendable, Encodable {
  /// A model of the ensemble.
  public struct Member: Sendable, Encodable {
    /// Its file.
    public let model: String
    /// Its weights.
    public let parameters: Int
    /// Whether its classes are in another order than the first member's, and were put into that.
    public let isReordered: Bool

    enum CodingKeys: String, CodingKey {
      case model, parameters
      case isReordered = "reordered"
    }
  }

  /// The file that was written.
  public let output: String
  /// The models.
  public let members: [Member]
  /// The tasks' names.
  public let tasks: [String]
  /// The classes of the first task.
  public let labels: [String]
  /// Layers of the ensemble.
  public let layers: Int
  /// Layers of members that an earlier member has too.
  public let sharedLayers: Int
  /// Weights of the ensemble.
  public let parameters: Int
  /// The checks of the file.
  public let verification: VerificationReport

  enum CodingKeys: String, CodingKey {
    case output, members, tasks, labels, layers
    case sharedLayers = "shared_layers"
    case parameters, verification
  }
}
