import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooSystem

/// How well a model does on labelled pictures.
///
/// Classes are matched by their names, never by their order.
public struct Evaluation: Sendable, Encodable {
  /// How a model is evaluated.
  public struct Options: Sendable {
    /// How pictures are cropped and resized.
    public var fitting = PictureFitting()
    /// Whether pictures are turned as their EXIF orientation says.
    public var isUpright = false
    /// How many views of each picture are averaged (test-time augmentation); 1: the picture as it is.
    public var views = 1
    /// Whether views are flipped left to right; automatic: unless the model was trained without flips.
    public var flips = HeadTrainer.Flips.automatic
    /// Another seed gives other views.
    public var seed: UInt64 = 0
    /// How many threads compute.
    public var threads = 1

    /// The picture as it is, on one thread.
    public init() {}
  }

  /// One task.
  public struct Task: Sendable, Encodable {
    /// The task's name.
    public let name: String
    /// `classes`, `labels` or `number`.
    public let kind: String
    /// How well.
    public let measured: TrainingReport.Measured
  }

  /// The model's file.
  public let model: String
  /// The data.
  public let data: String
  /// Pictures that could not be read.
  public let unreadable: [TrainingReport.Data.Unreadable]
  /// What looks like a mistake, each in one line.
  public let warnings: [String]
  /// How many views of each picture were averaged.
  public let views: Int
  /// One for each task that both model and data have.
  public let tasks: [Task]
  /// Seconds that it took.
  public let seconds: Double
  /// The most memory that the process had at once, in bytes; 0 where the system doesn't say.
  public let peakBytes: Int
  /// The model's content, 64 hexadecimal digits; nil where its file is of an older version.
  public let modelContent: String?
  /// The pictures themselves.
  package let material: PictureMaterial
  /// How it was done.
  package let options: Options

  enum CodingKeys: String, CodingKey {
    case model, data, unreadable, warnings, views, tasks, seconds
    case peakBytes = "peak_bytes"
    case modelContent = "model_content"
  }

  /// Runs a model on a data set.
  ///
  /// - Parameters:
  ///   - part: which of the data set's parts; nil: the test part where there is one, else all pictures.
  ///   - progress: is told how many pictures are done.
  /// - Throws: `ZooError` with the code `doesNotFit` where the data have a class that the model has not.
  package init(
    of model: ZooFile, on dataset: ImageDataset, named name: String, part: ImageDataset.Part? = nil,
    options: Options, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    self = try ZooError.wrap {
      try Evaluation(
        running: model, on: dataset, named: name, part: part, options: options, progress: progress)
    }
  }

  private init(
    running model: ZooFile, on dataset: ImageDataset, named name: String, part: ImageDataset.Part?,
    options: Options, progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    let start = ContinuousClock.now
    let matches = try TaskMatch.all(model: model, dataset: dataset)
    var running = PictureRunner.Options()
    running.fitting = options.fitting
    running.isUpright = options.isUpright
    running.threads = options.threads
    let runner = try PictureRunner(
      graph: model.document.graph, weights: model, preprocessing: model.document.card.preprocessing,
      path: model.path, options: running)
    let views = PictureViews(
      seed: options.seed, strength: .light,
      areFlipped: options.flips == .automatic
        ? model.document.training?.allowsFlips ?? true : options.flips == .always)
    let wanted = part ?? (dataset.examples.contains { $0.part == .test } ? .test : nil)
    let examples = dataset.examples.filter { wanted == nil || $0.part == wanted }
    guard !examples.isEmpty else {
      throw ZooError(
        .unsuitable, what: "no pictures", at: name, "the data have no \(wanted?.rawValue ?? "") part")
    }
    var read: [ImageDataset.Example] = []
    var unreadable: [TrainingReport.Data.Unreadable] = []
    var values = matches.map { _ in [[Double]]() }
    for first in stride(from: 0, to: examples.count, by: PictureRunner.batch) {
      try Cancellation.check()
      progress(first, examples.count)
      let some = Array(examples[first..<min(first + PictureRunner.batch, examples.count)])
      let loaded = try runner.loader.load(some.map(\.path)) { _, hash in
        PictureLoader.Request(
          views: (0..<options.views).map { views.view($0, of: hash) }, fingerprint: false)
      }
      let outputs = try runner.run(loaded.flatMap { (try? $0.get().views) ?? [] })
      var row = 0
      for (example, result) in zip(some, loaded) {
        guard case .success = result else {
          if case .failure(let error) = result {
            unreadable.append(.init(picture: example.name, reason: error.why))
          }
          continue
        }
        read.append(example)
        for (place, match) in matches.enumerated() {
          let rows = (row..<row + options.views).map { outputs[match.output][$0] }
          values[place].append(match.scores(of: rows))
        }
        row += options.views
      }
    }
    progress(examples.count, examples.count)
    guard !read.isEmpty else {
      throw ZooError(.unsuitable, what: "no pictures", at: name, unreadable.first?.reason ?? "there are none")
    }
    var tasks: [Task] = []
    var measured: [ImageDataset.Task] = []
    for (match, values) in zip(matches, values) {
      let known = read.indices.filter { read[$0].targets[match.place] != .missing }
      guard !known.isEmpty else { continue }
      measured.append(match.task)
      tasks.append(
        Task(
          name: match.task.name, kind: match.task.kind.rawValue,
          measured: try TrainingReport.Measured(
            match.task, pictures: known.map { match.renamed(read[$0]) }, scores: known.flatMap { values[$0] },
            place: 0)))
    }
    self.model = model.path
    data = name
    self.unreadable = unreadable
    warnings = dataset.warnings
    self.views = options.views
    self.tasks = tasks
    seconds = (ContinuousClock.now - start).seconds
    peakBytes = ProcessMemory.peakBytes
    modelContent = model.contentHash?.hexadecimal
    material = PictureMaterial(
      tasks: measured, examples: read, pairs: [], loader: runner.loader, viewCount: options.views,
      views: views, preprocessing: model.document.card.preprocessing.rawValue)
    self.options = options
  }
}
