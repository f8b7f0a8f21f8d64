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
  /// How pictures are cropped and resized: whole and bilinearly, where nothing else is set. Other values than those
  /// that the network was measured with give other, mostly worse predictions.
  public var fitting = PictureFitting()
  private let runner: Runner

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
    guard let outputKind = model.graph.outputKind else {
      throw ZooError(
        .unsuitable, what: "model is no classifier", at: model.path,
        "its output is \(model.outputShapes.map(\.description).joined(separator: ", ")), "
          + "expected one vector of values",
        remedy: "Use its features instead.")
    }
    self.model = model
    self.outputKind = outputKind
    self.runner = try ZooError.wrap {
      try Runner(model: model, taps: model.graph.outputs, threads: threads, examples: pictureCount)
    }
  }

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
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func classify(_ pictures: [Picture], top count: Int = 5) throws(ZooError) -> [[Prediction]] {
    let output = try ZooError.wrap { try runner.run(runner.batch(of: pictures, fitting: fitting))[0] }
    return pictures.indices.map { best(of: output[example: $0].values, count: count) }
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
