import Synchronization
import ZooGraph
import ZooSystem
import ZooTensor

/// One class that a classifier found, with its probability or its value.
public struct Prediction: Sendable, Hashable {
  /// The index of the class in the output. A single sigmoid tells two classes apart: 1 is the one whose
  /// probability it is, 0 the other.
  public let classIndex: Int
  /// The class's identifier where the labels have one (WordNet's for ImageNet: `n02123045`), else empty.
  public let id: String
  /// The class's name, or its index where the model has no labels.
  public let label: String
  /// The output's value for the class: its probability, or of any range where ``Classifier/outputKind`` is
  /// `OutputKind.values`.
  public let value: Float
  /// What kind of value it is.
  public let outputKind: OutputKind

  /// From 0 to 1; not a number (NaN) where the model's values are no probabilities, see ``outputKind``.
  public var probability: Float { outputKind == .values ? .nan : value }
}

/// A pretrained network as a classifier: a picture in, labels with probabilities out.
///
///     let classifier = try Classifier(path: "mobilenet.zoo")
///     let best = try classifier.classify(Picture(path: "cat.jpg"), top: 1)[0]
///     print(best.label, best.probability)
///
/// Whether the values are probabilities is decided by the network's last activation: see ``outputKind``.
/// It can be used from several threads at once.
public struct Classifier: Sendable {
  /// The model that it runs.
  public let model: Model
  /// What the values of the output are. Nothing turns one kind into another: of a network that was trained
  /// "from logits", the values are the logits.
  public let outputKind: OutputKind
  /// How pictures are cropped and resized: as the model says, ``Model/fitting``, where nothing else is set. Other values than those
  /// that the network was measured with give other, mostly worse predictions.
  public var fitting: PictureFitting
  private let runner: Runner
  private let logitRunner: LogitRunner

  /// Opens a model and prepares it to run.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file.
  ///   - threads: how many threads compute, 1 to 256.
  ///   - pictureCount: how many pictures will run in all, where that is known. For a single one weights are
  ///     prepared as they are used, which takes less time and far less memory.
  /// - Throws: ``ZooError`` where the file can't be used, with the code `ZooError.Code.unsuitable` where the model
  ///   is no classifier.
  public init(path: String, threads: Int = 1, pictureCount: Int? = nil) throws(ZooError) {
    try self.init(model: Model(path: path), threads: threads, pictureCount: pictureCount)
  }

  /// Prepares an opened model to run.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - threads: how many threads compute, 1 to 256.
  ///   - pictureCount: how many pictures will run in all, where that is known. For a single one weights are
  ///     prepared as they are used, which takes less time and far less memory.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model is no classifier.
  public init(model: Model, threads: Int = 1, pictureCount: Int? = nil) throws(ZooError) {
    try self.init(model: model, options: RunOptions(threads: threads, exampleCount: pictureCount))
  }

  /// Prepares an opened model to run.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - options: how it runs.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model is no classifier, and
  ///   `ZooError.Code.tooLarge` where the memory limit is too low.
  public init(model: Model, options: RunOptions) throws(ZooError) {
    guard let outputKind = model.graph.outputKind else {
      throw ZooError(
        .unsuitable, what: "model is no classifier", at: model.path,
        "its output is \(model.outputShapes.map(\.description).joined(separator: ", ")), "
          + "expected one vector of values",
        remedy: "Use its features instead.")
    }
    self.model = model
    fitting = model.fitting
    self.outputKind = outputKind
    self.runner = try ZooError.wrap {
      try Runner(model: model, graph: model.graph, taps: model.graph.outputs, options: options)
    }
    logitRunner = LogitRunner(model: model, options: options)
  }

  // MARK: Pictures

  /// The classes of a picture with the highest values, the best first.
  ///
  /// - Parameters:
  ///   - picture: a picture of any size; it is resized and preprocessed as the model needs.
  ///   - count: how many classes to return at most.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func classify(_ picture: Picture, top count: Int = 5) throws(ZooError) -> [Prediction] {
    try classify([picture], top: count)[0]
  }

  /// The classes of each picture with the highest values, the best first; one list for each picture, in their order.
  ///
  /// In a task that is cancelled it stops before the next picture. For use in tasks there is
  /// ``computePredictions(of:top:)-([Picture],_)``, and for many pictures
  /// ``predictionStream(of:top:batch:loading:)``.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func classify(_ pictures: [Picture], top count: Int = 5) throws(ZooError) -> [[Prediction]] {
    best(of: try ZooError.wrap { try runner.run(on: pictures, fitting: fitting)[0] }, count: count)
  }

  /// Classifies a picture as ``classify(_:top:)-(Picture,_)`` does, on a thread that no task needs.
  ///
  /// - Parameters:
  ///   - picture: a picture of any size; it is resized and preprocessed as the model needs.
  ///   - count: how many classes to return at most.
  /// - Throws: ``ZooError``, with the code `ZooError.Code.cancelled` where the task is cancelled.
  public func computePredictions(
    of picture: Picture, top count: Int = 5
  ) async throws(ZooError) -> [Prediction] {
    try await computePredictions(of: [picture], top: count)[0]
  }

  /// Classifies pictures as ``classify(_:top:)-([Picture],_)`` does, on a thread that no task needs.
  ///
  /// - Throws: ``ZooError``, with the code `ZooError.Code.cancelled` where the task is cancelled.
  public func computePredictions(
    of pictures: [Picture], top count: Int = 5
  ) async throws(ZooError) -> [[Prediction]] {
    let (runner, fitting) = (runner, fitting)
    return best(
      of: try await runner.gate.run { try runner.run(on: pictures, fitting: fitting)[0] }, count: count)
  }

  /// Classifies many pictures one batch after another, in their order and with bounded memory.
  ///
  /// - Parameters:
  ///   - sources: where the pictures come from, for example paths.
  ///   - count: how many classes to return at most for each.
  ///   - batch: how many pictures are loaded and run at once; with several threads at least as many as these.
  ///   - load: makes a picture of a source; it is called on a thread that no task needs.
  public func predictionStream<Sources: Sequence & Sendable>(
    of sources: Sources, top count: Int = 5, batch: Int = 8,
    loading load: @escaping @Sendable (Sources.Element) throws -> Picture
  ) -> PictureStream<Sources, [Prediction]> where Sources.Element: Sendable {
    let (classifier, runner) = (self, runner)
    return PictureStream(sources, batch: batch, runner: runner, loading: load) { pictures in
      classifier.best(of: try runner.run(on: pictures, fitting: classifier.fitting)[0], count: count)
    }
  }

  // MARK: Tensors

  /// The classes of each example of a batch that is already preprocessed, the best first.
  ///
  /// - Parameters:
  ///   - input: (N, …) of the model's only input; (N, H, W, C) for pictures.
  ///   - count: how many classes to return at most.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.doesNotFit` where the shape is not the network's.
  public func classify(preprocessed input: Tensor, top count: Int = 5) throws(ZooError) -> [[Prediction]] {
    best(of: try values(preprocessed: input), count: count)
  }

  /// The output itself for pictures: (N, C), a row for each picture with a value for each class; see
  /// ``outputKind``.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func values(of pictures: [Picture]) throws(ZooError) -> Tensor {
    try ZooError.wrap { try runner.run(on: pictures, fitting: fitting)[0] }
  }

  /// The output itself for a batch that is already preprocessed: (N, C).
  ///
  /// - Parameter input: (N, …) of the model's only input; (N, H, W, C) for pictures.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.doesNotFit` where the shape is not the network's.
  public func values(preprocessed input: Tensor) throws(ZooError) -> Tensor {
    try ZooError.wrap { try runner.run([input])[0] }
  }

  /// The logits for pictures, (N, C): the values before the last softmax or sigmoid. The output itself where the
  /// network ends without one.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures, or where
  ///   its output is no activation of logits, such as an average of several.
  public func logits(of pictures: [Picture]) throws(ZooError) -> Tensor {
    try ZooError.wrap { try logitRunner.get().run(on: pictures, fitting: fitting)[0] }
  }

  /// The logits for a batch that is already preprocessed, (N, C); see ``logits(of:)``.
  ///
  /// - Parameter input: (N, …) of the model's only input; (N, H, W, C) for pictures.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.doesNotFit` where the shape is not the network's.
  public func logits(preprocessed input: Tensor) throws(ZooError) -> Tensor {
    try ZooError.wrap { try logitRunner.get().run([input])[0] }
  }

  // MARK: From values to classes

  private func best(of output: Tensor, count: Int) -> [[Prediction]] {
    (0..<output.shape[0]).map { best(of: output[example: $0].values, count: count) }
  }

  private func best(of output: [Float], count: Int) -> [Prediction] {
    // A single sigmoid is the probability of class 1.
    let values = outputKind == .twoClasses ? output.flatMap { [1 - $0, $0] } : output
    // What is not a number comes last.
    func key(_ index: Int) -> Float { values[index].isNaN ? -.infinity : values[index] }
    let ranked = values.indices.sorted { key($0) == key($1) ? $0 < $1 : key($0) > key($1) }
    return ranked.prefix(max(0, count)).map { index in
      let label = label(of: index)
      return Prediction(
        classIndex: index, id: label?.id ?? "", label: label?.name ?? String(index), value: values[index],
        outputKind: outputKind)
    }
  }

  private func label(of index: Int) -> ClassLabel? {
    let labels = model.classLabels
    guard outputKind == .twoClasses, labels.count == 1 else {
      return labels.indices.contains(index) ? labels[index] : nil
    }
    // One name is that of the class whose probability the sigmoid is.
    return index == 1 ? labels[0] : ClassLabel(id: "", name: "not \(labels[0].name)")
  }
}

/// The network without its last activation, prepared when it is first needed. It shares all weights.
private final class LogitRunner: Sendable {
  private let model: Model
  private let options: RunOptions
  private let made = Mutex<Runner?>(nil)

  init(model: Model, options: RunOptions) {
    self.model = model
    self.options = options
  }

  func get() throws -> Runner {
    try made.withLock { made in
      if let made { return made }
      guard let graph = try model.graph.endingInLogits() else {
        throw ZooError(
          .unsuitable, what: "no logits", at: model.path,
          "its output is not what a single activation makes of them")
      }
      let runner = try Runner(model: model, graph: graph, taps: graph.outputs, options: options)
      made = runner
      return runner
    }
  }
}
