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
  /// The layers whose outputs are the features.
  public let layers: [String]
  /// The first of ``layers``, and mostly the only one.
  public var layer: String { layers[0] }
  /// What becomes of feature maps.
  public let pooling: Pooling
  /// How pictures are cropped and resized: as the model says, ``Model/fitting``, where nothing else is set.
  public var fitting: PictureFitting
  /// The shape of one picture's features of each of ``layers``: (H, W, C), or (C) when pooled.
  public let featureShapes: [Shape]
  /// The shape of one picture's features of ``layer``: (H, W, C), or (C) when pooled.
  public var featureShape: Shape { featureShapes[0] }
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
    try self.init(
      model: model, layer: layer, pooling: pooling,
      options: RunOptions(threads: threads, exampleCount: pictureCount))
  }

  /// Prepares an opened model to run up to the features.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - layer: the layer whose output is the features; by default the one whose map goes into the last global
  ///     pooling, of whatever size, or without one the last feature map before the classifier.
  ///   - pooling: what becomes of a feature map.
  ///   - options: how it runs.
  /// - Throws: ``ZooError``, with the code `ZooError.Code.unknownLayer` where the model has no such layer,
  ///   `ZooError.Code.invalidArgument` where there is no feature map to pool, and `ZooError.Code.tooLarge` where
  ///   the memory limit is too low.
  public init(
    model: Model, layer: String? = nil, pooling: Pooling = .none, options: RunOptions
  ) throws(ZooError) {
    let tap =
      try layer.map { layer throws(ZooError) in try model.value(named: layer) } ?? model.graph.topFeatures
    let node = model.graph[tap]
    guard pooling == .none || node.shape.rank == 3 else {
      throw ZooError(
        .invalidArgument, what: "no feature map to pool", at: "layer '\(node.name)'",
        "its output is \(node.shape), expected H x W x C")
    }
    try self.init(model: model, taps: [tap], pooling: pooling, options: options)
  }

  /// Prepares an opened model to run up to features of several layers, all from one pass:
  /// ``featuresByLayer(of:)``.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - layers: the layers whose outputs are the features; at least one.
  ///   - pooling: what becomes of feature maps. Outputs of other shapes stay as they are.
  ///   - options: how it runs.
  /// - Throws: ``ZooError``, with the code `ZooError.Code.unknownLayer` where the model has no such layer, and
  ///   `ZooError.Code.invalidArgument` where no layer is named.
  public init(
    model: Model, layers: [String], pooling: Pooling = .none, options: RunOptions = RunOptions()
  ) throws(ZooError) {
    guard !layers.isEmpty else {
      throw ZooError(.invalidArgument, what: "no layer", at: model.path, "features of none were asked for")
    }
    var taps: [Value] = []
    for layer in layers { taps.append(try model.value(named: layer)) }
    try self.init(model: model, taps: taps, pooling: pooling, options: options)
  }

  private init(
    model: Model, taps: [Value], pooling: Pooling, options: RunOptions
  ) throws(ZooError) {
    self.model = model
    fitting = model.fitting
    self.pooling = pooling
    layers = taps.map { model.graph[$0].name }
    featureShapes = taps.map { tap in
      let shape = model.graph[tap].shape
      return pooling == .none || shape.rank != 3 ? shape : [shape[2]]
    }
    runner = try ZooError.wrap { try Runner(model: model, endingAt: taps, options: options) }
  }

  // MARK: Features of a layer

  /// The features of pictures, which are resized and preprocessed as the model needs: (N, …), a row for each
  /// picture in the given order. Of several layers, those of the first.
  ///
  /// In a task that is cancelled it stops before the next picture. For use in tasks there is
  /// ``computeFeatures(of:)``, and for many pictures ``featureStream(of:batch:loading:)``.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func features(of pictures: [Picture]) throws(ZooError) -> Tensor {
    pooled(try ZooError.wrap { try runner.run(on: pictures, fitting: fitting)[0] })
  }

  /// The features of a batch (N, H, W, C) that is already preprocessed: (N, …). Of several layers, those of the
  /// first.
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.doesNotFit` where the shape is not the network's.
  public func features(preprocessed input: Tensor) throws(ZooError) -> Tensor {
    pooled(try ZooError.wrap { try runner.run([input])[0] })
  }

  /// Computes features as ``features(of:)`` does, on a thread that no task needs.
  ///
  /// - Throws: ``ZooError``, with the code `ZooError.Code.cancelled` where the task is cancelled.
  public func computeFeatures(of pictures: [Picture]) async throws(ZooError) -> Tensor {
    let (runner, fitting) = (runner, fitting)
    return pooled(try await runner.gate.run { try runner.run(on: pictures, fitting: fitting)[0] })
  }

  /// Computes the features of many pictures one batch after another, in their order and with bounded memory; each
  /// of the shape ``featureShape``. Of several layers, those of the first.
  ///
  /// - Parameters:
  ///   - sources: where the pictures come from, for example paths.
  ///   - batch: how many pictures are loaded and run at once; with several threads at least as many as these.
  ///   - load: makes a picture of a source; it is called on a thread that no task needs.
  public func featureStream<Sources: Sequence & Sendable>(
    of sources: Sources, batch: Int = 8,
    loading load: @escaping @Sendable (Sources.Element) throws -> Picture
  ) -> PictureStream<Sources, Tensor> where Sources.Element: Sendable {
    let (backbone, runner) = (self, runner)
    return PictureStream(sources, batch: batch, runner: runner, loading: load) { pictures in
      let features = backbone.pooled(try runner.run(on: pictures, fitting: backbone.fitting)[0])
      return pictures.indices.map { features[example: $0] }
    }
  }

  // MARK: Features of several layers

  /// The features of pictures at each of ``layers``, in their order, from one pass; each (N, …).
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func featuresByLayer(of pictures: [Picture]) throws(ZooError) -> [NamedTensor] {
    named(try ZooError.wrap { try runner.run(on: pictures, fitting: fitting) })
  }

  /// The features at each of ``layers`` of a batch (N, H, W, C) that is already preprocessed, from one pass; each
  /// (N, …).
  ///
  /// - Throws: ``ZooError`` with the code `ZooError.Code.doesNotFit` where the shape is not the network's.
  public func featuresByLayer(preprocessed input: Tensor) throws(ZooError) -> [NamedTensor] {
    named(try ZooError.wrap { try runner.run([input]) })
  }

  private func named(_ features: [Tensor]) -> [NamedTensor] {
    zip(layers, features).map { NamedTensor(name: $0, tensor: pooled($1)) }
  }

  /// Maps (N, H, W, C) pooled; others as they are.
  private func pooled(_ features: Tensor) -> Tensor {
    guard features.shape.rank == 4 else { return features }
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
