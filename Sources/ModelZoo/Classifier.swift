import ZooGraph
import ZooSystem
import ZooTensor

/// One class that a classifier found, with its probability.
public struct Prediction: Sendable, Hashable {
  /// The index of the class in the output.
  public let classIndex: Int
  /// The class's identifier where the labels have one (WordNet's for ImageNet: `n02123045`), else empty.
  public let id: String
  /// The class's name, or its index where the model has no labels.
  public let label: String
  /// From 0 to 1.
  public let probability: Float
}

/// A pretrained network as a classifier: a picture in, labels with probabilities out.
///
///     let classifier = try Classifier(path: "mobilenet.zoo")
///     let best = try classifier.classify(Picture(path: "cat.jpg"), top: 1)[0]
///     print(best.label, best.probability)
///
/// It can be used from several threads at once.
public struct Classifier: Sendable {
  /// The model that it runs.
  public let model: Model
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
    guard model.graph.outputs.count == 1, model.outputShapes[0].rank == 1 else {
      throw ZooError(
        .unsuitable, what: "model is no classifier", at: model.path,
        "its output is \(model.outputShapes.map(\.description).joined(separator: ", ")), expected one vector of probabilities",
        remedy: "Use its features instead.")
    }
    self.model = model
    self.runner = try ZooError.wrap {
      try Runner(model: model, taps: model.graph.outputs, threads: threads, examples: pictureCount)
    }
  }

  /// The most probable classes of a picture, the best first.
  ///
  /// - Parameters:
  ///   - picture: a picture of any size; it is resized and preprocessed as the model needs.
  ///   - count: how many classes to return at most.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func classify(_ picture: Picture, top count: Int = 5) throws(ZooError) -> [Prediction] {
    try classify([picture], top: count)[0]
  }

  /// The most probable classes of each picture, the best first; one list for each picture, in their order.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func classify(_ pictures: [Picture], top count: Int = 5) throws(ZooError) -> [[Prediction]] {
    let output = try ZooError.wrap { try runner.run(runner.batch(of: pictures))[0] }
    return pictures.indices.map { best(of: output[example: $0].values, count: count) }
  }

  private func best(of probabilities: [Float], count: Int) -> [Prediction] {
    let ranked = probabilities.indices.sorted {
      probabilities[$0] == probabilities[$1] ? $0 < $1 : probabilities[$0] > probabilities[$1]
    }
    return ranked.prefix(max(0, count)).map { index in
      let label = model.classLabels.indices.contains(index) ? model.classLabels[index] : nil
      return Prediction(
        classIndex: index, id: label?.id ?? "", label: label?.name ?? String(index),
        probability: probabilities[index])
    }
  }
}
