import ZooData
import ZooSystem

/// What a training would take, measured on some of the pictures.
public struct TrainingEstimate: Sendable, Encodable {
  /// The pictures of the data.
  public let pictures: Int
  /// The views of them whose features are to be computed, where no cache has any.
  public let views: Int
  /// How many features a picture has.
  public let width: Int
  /// Seconds to decode all pictures.
  public let decoding: Double
  /// Seconds to compute all features.
  public let features: Double
  /// Bytes of memory for the backbone's weights and values, the batch and all features.
  public let memory: Int
  /// Bytes that the features take in the cache.
  public let cache: Int
  /// What training layers of the backbone would take on top; none where they can't be trained.
  public let fineTuning: [FineTuningCost]
  /// Pictures of the sample that can't be read.
  public let unreadable: [String]

  enum CodingKeys: String, CodingKey {
    case pictures, views, width, decoding, features, memory, cache
    case fineTuning = "fine_tuning"
    case unreadable
  }
}

extension HeadTrainer {
  /// How many pictures are looked at.
  private static let sampleSize = 16

  /// Measures some of the pictures, and says what training on all of them would take. Nothing is written.
  ///
  /// - Parameters:
  ///   - dataset: the pictures.
  ///   - fineTuning: how layers of the backbone would be trained.
  /// - Throws: `ZooError` where the backbone or all of the looked-at pictures can't be used, or where the
  ///   backbone has no such layer.
  public func estimate(
    for dataset: ImageDataset, fineTuning: TrainingConfiguration = TrainingConfiguration()
  ) throws(ZooError) -> TrainingEstimate {
    try ZooError.wrap {
      var extractorOptions = extractorOptions(viewCount: 1)
      extractorOptions.cacheFolder = nil
      let extractor = try FeatureExtractor(backbone: backbone, options: extractorOptions)
      let step = max(1, dataset.examples.count / Self.sampleSize)
      let sample = stride(from: 0, to: dataset.examples.count, by: step).prefix(Self.sampleSize)
      let paths = sample.map { dataset.examples[$0].path }
      let clock = ContinuousClock()
      // The first run allocates memory.
      _ = try? extractor.features(of: Array(paths.prefix(1)))
      let start = clock.now
      let decoded = try extractor.decode(paths)
      let middle = clock.now
      let readable = zip(paths, decoded).filter { $1 == nil }.map(\.0)
      guard !readable.isEmpty else {
        throw decoded.lazy.compactMap(\.self).first
          ?? ZooError(.unsuitable, what: "no pictures", at: "the data", "there are none")
      }
      let second = clock.now
      _ = try extractor.features(of: readable)
      let end = clock.now
      let decoding = (middle - start).seconds / Double(paths.count)
      let whole = (end - second).seconds / Double(readable.count)
      let count = Double(dataset.examples.count)
      let values = dataset.examples.count * options.views * extractor.width * MemoryLayout<Float>.size
      return TrainingEstimate(
        pictures: dataset.examples.count, views: dataset.examples.count * options.views,
        width: extractor.width,
        decoding: decoding * count, features: max(0, whole - decoding) * count * Double(options.views),
        // Solving has a standardised copy of the features.
        memory: extractor.memory + 3 * values, cache: values,
        fineTuning: try FineTuningCost.all(
          extractor.graph, decoding: decoding, forward: max(0, whole - decoding),
          pictures: dataset.examples.count, threads: options.threads, configuration: fineTuning),
        unreadable: zip(sample, decoded).filter { $1 != nil }.map { dataset.examples[$0.0].name })
    }
  }
}
