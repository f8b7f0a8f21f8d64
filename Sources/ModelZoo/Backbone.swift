import ZooGraph
import ZooSystem
import ZooTensor

/// A pretrained network as a feature extractor: pictures in, features out.
///
///     let backbone = try Backbone(path: "mobilenet.zoo", pooling: .average)
///     let features = try backbone.features(of: [Picture(path: "cat.jpg")])  // (1, 1024)
///
/// It can be used from several threads at once.
public struct Backbone: Sendable {
  /// What becomes of a feature map (N, H, W, C).
  public enum Pooling: String, Sendable, CaseIterable {
    /// The mean over all pixels: (N, C).
    case average = "avg"
    /// The maximum over all pixels: (N, C).
    case maximum = "max"
    /// The map as it is.
    case none
  }

  /// The model that it runs.
  public let model: Model
  /// The layer whose output is the features.
  public let layer: String
  /// What becomes of the layer's output where that is a feature map.
  public let pooling: Pooling
  /// How pictures are cropped and resized: whole and bilinearly, where nothing else is set.
  public var fitting = PictureFitting()
  private let runner: Runner

  /// Opens a model and prepares it to run up to the features.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file.
  ///   - layer: the layer whose output is the features; by default the one whose map goes into the last global
  ///     pooling, of whatever size, or without one the last feature map before the classifier.
  ///   - pooling: what becomes of a feature map.
  ///   - threads: how many threads compute, 1 to 256.
  ///   - pictureCount: how many pictures will run in all, where that is known. For a single one weights are
  ///     prepared as they are used, which takes less time and far less memory.
  /// - Throws: ``ZooError`` where the file can't be used, with the code `ZooError.Code.unknownLayer` where the
  ///   model has no such layer.
  public init(
    path: String, layer: String? = nil, pooling: Pooling = .none, threads: Int = 1,
    pictureCount: Int? = nil
  ) throws(ZooError) {
    try self.init(
      model: Model(path: path), layer: layer, pooling: pooling, threads: threads, pictureCount: pictureCount)
  }

  /// Prepares an opened model to run up to the features.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - layer: the layer whose output is the features; by default the one whose map goes into the last global
  ///     pooling, of whatever size, or without one the last feature map before the classifier.
  ///   - pooling: what becomes of a feature map.
  ///   - threads: how many threads compute, 1 to 256.
  ///   - pictureCount: how many pictures will run in all, where that is known. For a single one weights are
  ///     prepared as they are used, which takes less time and far less memory.
  /// - Throws: ``ZooError``, with the code `ZooError.Code.unknownLayer` where the model has no such layer, and
  ///   `ZooError.Code.invalidArgument` where there is no feature map to pool.
  public init(
    model: Model, layer: String? = nil, pooling: Pooling = .none, threads: Int = 1,
    pictureCount: Int? = nil
  ) throws(ZooError) {
    let tap: Value
    if let layer {
      guard let value = model.graph.value(named: layer) else {
        throw ZooError(
          .unknownLayer, what: "no such layer", at: model.path,
          "'\(layer)' is not one of its \(model.graph.nodes.count) layers",
          remedy: "See `zoo inspect --layers`.")
      }
      tap = value
    } else {
      tap = model.graph.topFeatures
    }
    let shape = model.graph[tap].shape
    guard pooling == .none || shape.rank == 3 else {
      throw ZooError(
        .invalidArgument, what: "no feature map to pool", at: "layer '\(model.graph[tap].name)'",
        "its output is \(shape), expected H x W x C")
    }
    self.model = model
    self.layer = model.graph[tap].name
    self.pooling = pooling
    self.featureShape = pooling == .none ? shape : [shape[2]]
    self.runner = try ZooError.wrap {
      try Runner(model: model, taps: [tap], threads: threads, examples: pictureCount)
    }
  }

  /// The shape of the features of one picture: (H, W, C), or (C) when pooled.
  public let featureShape: Shape

  /// The features of pictures, which are resized and preprocessed as the model needs: (N, …), a row for each
  /// picture in the given order.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func features(of pictures: [Picture]) throws(ZooError) -> Tensor {
    try ZooError.wrap { try features(preprocessed: runner.batch(of: pictures, fitting: fitting)) }
  }

  /// The features of a batch (N, H, W, C) that is already preprocessed: (N, …).
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.doesNotFit` where the shape is not the network's.
  public func features(preprocessed input: Tensor) throws(ZooError) -> Tensor {
    let features = try ZooError.wrap { try runner.run(input)[0] }
    return switch pooling {
    case .none: features
    case .average: features.pooled(initial: 0, combine: +) { $0 / Float($1) }
    case .maximum: features.pooled(initial: -.infinity, combine: max) { value, _ in value }
    }
  }
}

extension Tensor {
  /// (N, H, W, C) to (N, C): all pixels of a channel combined, then finished with their number.
  fileprivate func pooled(
    initial: Float, combine: (Float, Float) -> Float, finish: (Float, Int) -> Float
  ) -> Tensor {
    let (count, pixels, channels) = (shape[0], shape[1] * shape[2], shape[3])
    var result = [Float](repeating: initial, count: count * channels)
    for example in 0..<count {
      for pixel in 0..<pixels {
        for channel in 0..<channels {
          let index = example * channels + channel
          result[index] = combine(result[index], values[(example * pixels + pixel) * channels + channel])
        }
      }
    }
    return Tensor(shape: [count, channels], values: result.map { finish($0, pixels) })
  }
}
