import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooSystem
import ZooVerification

/// Adds classes to a model with a nearest-neighbour head, from one or more pictures of each; nothing is trained.
///
/// What the model has stays. A class that it has already gets further pictures to be near to.
public struct ClassAddition: Sendable {
  /// How classes are added.
  public struct Options: Sendable {
    /// How pictures are cropped and resized.
    public var fitting = PictureFitting()
    /// Whether pictures are turned as their EXIF orientation says.
    public var isUpright = false
    /// How many threads compute.
    public var threads = 1
    /// Whether an existing output is replaced.
    public var overwrite = false

    /// One thread, and nothing is replaced.
    public init() {}
  }

  /// What was added.
  public struct Report: Sendable, Encodable {
    /// The model's file.
    public let model: String
    /// The file that was written.
    public let output: String
    /// The pictures' name.
    public let data: String
    /// The pictures that were added.
    public let pictures: Int
    /// Those that could not be read.
    public let unreadable: [TrainingReport.Data.Unreadable]
    /// The classes that are new.
    public let added: [String]
    /// The classes that got further pictures.
    public let extended: [String]
    /// How many classes the model has now.
    public let classes: Int
    /// What looks like a mistake, each in one line.
    public let warnings: [String]
    /// The checks of the file.
    public let verification: VerificationReport
  }

  /// How classes are added.
  public let options: Options
  package let model: ZooFile

  package init(model: ZooFile, options: Options) {
    self.model = model
    self.options = options
  }

  /// Adds the classes of a data set and writes the model.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures with one task of classes; all of them are used.
  ///   - name: what the model's file calls the data.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.unsuitable` where the model has no nearest-neighbour head.
  public func add(
    _ dataset: ImageDataset, named name: String, to output: String,
    progress: (HeadTrainer.Progress) -> Void = { _ in }
  ) throws(ZooError) -> Report {
    try ZooError.wrap {
      try AtomicFile.checkPossible(output, overwrite: options.overwrite)
      return try write(dataset, named: name, to: output, progress: progress)
    }
  }

  /// How many pictures the written network is checked on.
  private static let checkedPictures = 16

  private func write(
    _ dataset: ImageDataset, named name: String, to output: String, progress: (HeadTrainer.Progress) -> Void
  ) throws -> Report {
    let graph = model.document.graph
    guard let found = try NearestHead.found(in: graph, kernel: { try model.tensor(for: $0).floats() }),
      var record = model.document.training, let task = record.tasks.first, task.kind == .classes,
      task.labels.count == found.head.prototypes.count
    else {
      throw ZooError(
        .unsuitable, what: "cannot add classes", at: model.path,
        "its head does not compare with single pictures",
        remedy: "zoo train --head nearest trains a head that does.")
    }
    guard let added = dataset.tasks.first, dataset.tasks.count == 1, added.kind == .classes else {
      throw ZooError(.doesNotFit, what: "no classes", at: name, "the data are to have one task of classes")
    }
    let (head, extractor, features) = try extended(
      found, by: dataset, labels: task.labels, named: name, progress: progress)
    let names = Self.names(task.labels, added.classNames)
    let examples = features.indices.map { dataset.examples[$0] }
    record.tasks = [TrainingRecord.Task(name: task.name, kind: .classes, labels: names)]
    record.data = "\(record.data), then \(name)".onOneLine
    record.pictureCount += examples.count
    record.dataChecksum =
      Checksum(
        of: ([record.dataChecksum]
          + zip(features.hashes, examples).map { hash, example in
            "\(String(hash.high, radix: 16)) \(String(hash.low, radix: 16)) \(example.targets)"
          }).joined(separator: "\n")
      ).hexadecimal
    record.settings["classes added"] = String(names.count - task.labels.count)
    // What was measured is not true of more classes.
    record.results = [:]
    let written = try TrainedModel(
      backbone: model, features: extractor.graph,
      heads: [TrainedHead(task: record.tasks[0], layers: head.layers(named: graph[graph.outputs[0]].name))],
      record: record, accuracy: nil)
    let checked = Array(examples.indices.prefix(Self.checkedPictures))
    let scores = try head.scores(features.matrix.selecting(rows: checked), threads: options.threads)
    let verified = try written.verify(
      inputs: try extractor.inputs(of: checked.map { examples[$0].path }),
      expected: [Scores.softmax(scores, outputs: names.count)]
    ) { progress(.verifying($0)) }
    try Cancellation.check()
    try written.write(
      to: output, overwrite: options.overwrite, report: verified.report, testCase: verified.testCase
    ) { progress(.writing(done: $0, total: $1)) }
    let given = added.classNames.map(\.onOneLine)
    return Report(
      model: model.path, output: output, data: name, pictures: examples.count,
      unreadable: features.failures.map {
        .init(picture: dataset.examples[$0.index].name, reason: $0.error.why)
      },
      added: given.filter { !task.labels.contains($0) }, extended: given.filter { task.labels.contains($0) },
      classes: names.count, warnings: dataset.warnings, verification: verified.report)
  }

  /// The labels, with those behind them that are new.
  private static func names(_ labels: [String], _ added: [String]) -> [String] {
    labels + added.map(\.onOneLine).filter { !labels.contains($0) }
  }

  private func extended(
    _ found: (head: NearestHead, input: Value), by dataset: ImageDataset, labels: [String],
    named name: String,
    progress: (HeadTrainer.Progress) -> Void
  ) throws -> (NearestHead, FeatureExtractor, FeatureExtractor.Features) {
    var extracting = FeatureExtractor.Options()
    extracting.layers = [model.document.graph[found.input].name]
    extracting.fitting = options.fitting
    extracting.isUpright = options.isUpright
    extracting.threads = options.threads
    let extractor = try FeatureExtractor(backbone: model, options: extracting)
    let known = dataset.examples.filter { $0.targets[0] != .missing }
    guard known.count == dataset.examples.count else {
      throw ZooError(.unsuitable, what: "a picture without a class", at: name, "every picture needs one here")
    }
    let features = try extractor.features(of: known.map(\.path)) { progress(.pictures(done: $0, total: $1)) }
    let names = Self.names(labels, dataset.tasks[0].classNames)
    var own: [Int] = []
    for index in features.indices {
      guard case .classIndex(let number) = known[index].targets[0],
        let place = names.firstIndex(of: dataset.tasks[0].classNames[number].onOneLine)
      else { continue }
      own.append(place)
    }
    var head = found.head
    try features.matrix.checkFinite()
    try head.add(ClassRows(features: features.matrix, labels: own, classes: names.count))
    if let empty = head.prototypes.firstIndex(where: \.isEmpty) {
      throw ZooError(
        .unsuitable, what: "a class without pictures", at: name, "none of '\(names[empty])' can be read")
    }
    return (head, extractor, features)
  }
}
