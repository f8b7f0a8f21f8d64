import ZooFormat
import ZooGraph
import ZooLearning
import ZooSystem
import ZooTensor
import ZooVerification

/// Adds a dense layer behind a backbone that whitens its features: along the directions in which pictures without
/// labels differ most, all of the variance 1 and uncorrelated.
///
/// The result is a verified `.zoo` file that ends in these features. A head that is trained on it uses them.
public struct FeatureWhitener: Sendable {
  /// What was written.
  public struct Report: Sendable, Encodable {
    /// The file.
    public let output: String
    /// The pictures that the directions come from.
    public let pictures: Int
    /// Those that could not be read.
    public let unreadable: [TrainingReport.Data.Unreadable]
    /// The layers that the features come from.
    public let layers: [String]
    /// How many features there were.
    public let features: Int
    /// How many directions are kept.
    public let components: Int
    /// The share of the features' variance along them.
    public let explained: Double
    /// What the caller should know.
    public let warnings: [String]
    /// The checks that the network passed before it was written.
    public let verification: VerificationReport

    enum CodingKeys: String, CodingKey {
      case output, pictures, unreadable, layers, features, components, explained, warnings, verification
    }
  }

  /// How features are computed.
  public let options: PictureFeatures.Options
  /// The most directions that are kept, where there are four times as many pictures.
  public let components: Int
  package let backbone: ZooFile

  /// How many directions are kept where nothing else is asked for.
  public static let defaultComponents = 128
  /// Fewer pictures for each direction than this measure its variance badly.
  private static let picturesPerComponent = 4
  /// How many pictures the written network is checked on.
  private static let checkedPictures = 16

  package init(backbone: ZooFile, components: Int?, options: PictureFeatures.Options) {
    self.backbone = backbone
    self.components = components ?? Self.defaultComponents
    isChosen = components != nil
    self.options = options
  }

  /// Whether the number of directions was asked for.
  private let isChosen: Bool

  /// Finds the directions in pictures and writes the model.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - paths: the pictures.
  ///   - name: what the model's file calls them.
  ///   - output: where to write the `.zoo` file.
  ///   - overwrite: whether an existing output is replaced.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.unsuitable` where there are too few different pictures, and
  ///   `ZooError.Code.cancelled` where the task is cancelled.
  package func whiten(
    pictures paths: [String], named name: String, to output: String, overwrite: Bool,
    progress: (HeadTrainer.Progress) -> Void
  ) throws(ZooError) -> Report {
    try ZooError.wrap {
      try AtomicFile.checkPossible(output, overwrite: overwrite)
      return try run(paths, name: name, output: output, overwrite: overwrite, progress: progress)
    }
  }

  private func run(
    _ paths: [String], name: String, output: String, overwrite: Bool,
    progress: (HeadTrainer.Progress) -> Void
  ) throws -> Report {
    progress(.phase("preparing \(backbone.path)"))
    let extractor = try FeatureExtractor(
      backbone: backbone, options: PictureFeatures.extractorOptions(options))
    let features = try PictureFeatures(of: paths, by: extractor) { progress(.pictures(done: $0, total: $1)) }
    progress(.phase("looking for the directions"))
    let most = features.paths.count / (isChosen ? 1 : Self.picturesPerComponent)
    let found = try principalComponents(of: features, count: min(components, max(1, most)))
    let checked = Array(features.paths.indices.prefix(Self.checkedPictures))
    let expected = try found.coordinates(
      features.matrix.selecting(rows: checked), whitened: true, threads: options.threads)
    let record = record(features, found, name)
    let model = try TrainedModel(
      backbone: backbone, features: extractor.graph,
      heads: [TrainedHead(task: .init(name: "", kind: .number, labels: []), layers: [layer(found)])],
      record: record, accuracy: backbone.document.card.accuracy)
    let verified = try model.verify(
      inputs: try extractor.inputs(of: checked.map { features.paths[$0] }),
      expected: [expected]
    ) { progress(.verifying($0)) }
    try Cancellation.check()
    try model.write(
      to: output, overwrite: overwrite, report: verified.report, testCase: verified.testCase
    ) { progress(.writing(done: $0, total: $1)) }
    return Report(
      output: output, pictures: features.paths.count, unreadable: features.unreadable,
      layers: features.layers,
      features: features.width, components: found.count, explained: record.results["variance kept"] ?? 0,
      warnings: features.warnings + warnings(features, found), verification: verified.report)
  }

  private func principalComponents(
    of features: PictureFeatures, count: Int
  ) throws(ZooError) -> PrincipalComponents {
    func unsuitable(_ why: String) -> ZooError {
      ZooError(.unsuitable, what: "nothing to whiten", at: "the pictures", why)
    }
    guard features.paths.count > 1 else { throw unsuitable("there is one picture; two or more are needed") }
    let found = try PrincipalComponents(features.matrix, count: count, threads: options.threads)
    guard found.count > 0 else { throw unsuitable("the model sees no difference between them") }
    return found
  }

  private func warnings(_ features: PictureFeatures, _ found: PrincipalComponents) -> [String] {
    var warnings: [String] = []
    if isChosen, found.count < components {
      warnings.append("the pictures differ in \(found.count) directions, so \(components) could not be kept")
    } else if features.paths.count < found.count * Self.picturesPerComponent {
      warnings.append(
        "\(features.paths.count) pictures are few for \(found.count) directions; the last of them may be chance"
      )
    }
    return warnings
  }

  /// The dense layer: (x − mean) · direction/deviation for each direction.
  private func layer(_ found: PrincipalComponents) -> TrainedHead.Layer {
    let (count, columns) = (found.count, found.columns)
    let scales = found.variances.map { 1 / $0.squareRoot() }
    var weights = [Double](repeating: 0, count: columns * count)
    var bias = [Double](repeating: 0, count: count)
    for direction in 0..<count {
      for column in 0..<columns {
        let weight = found.directions[direction * columns + column] * scales[direction]
        weights[column * count + direction] = weight
        bias[direction] -= weight * found.mean[column]
      }
    }
    return TrainedHead.dense("whitened", weights: weights, bias: bias, activation: .linear)
  }

  private func record(
    _ features: PictureFeatures, _ found: PrincipalComponents, _ name: String
  ) -> TrainingRecord {
    let kept = found.variances.reduce(0, +) / found.totalVariance
    return TrainingRecord(
      backbone: backbone.path.split(separator: "/").last.map(String.init) ?? backbone.path,
      backboneContent: backbone.contentHash?.hexadecimal ?? String(repeating: "0", count: 64),
      layers: features.layers, data: name.onOneLine,
      dataChecksum: Checksum(
        of: features.hashes.map { String($0.high, radix: 16) + " " + String($0.low, radix: 16) }.sorted()
          .joined(separator: "\n")
      ).hexadecimal,
      pictureCount: features.paths.count, tasks: [],
      pixels: TrainingRecord.Pixels(
        resampling: options.fitting.resampling.rawValue, crop: options.fitting.crop.name,
        isUpright: options.isUpright),
      settings: ["features": "principal components, whitened", "components": String(found.count)],
      results: kept.isFinite ? ["variance kept": kept] : [:])
  }
}
