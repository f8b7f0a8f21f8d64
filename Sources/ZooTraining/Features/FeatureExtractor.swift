import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooSystem
import ZooTensor

/// Computes the features of pictures by a backbone, once: what a cache has is not computed again.
package final class FeatureExtractor {
  /// What the features depend on, and how they are computed.
  package struct Options: Sendable {
    /// The backbone's layers whose outputs are the features; none: its output where that is features by its own
    /// record, else what goes into its last global pooling.
    package var layers: [String] = []
    package var fitting = PictureFitting()
    /// Whether pictures are turned as their EXIF orientation says.
    package var isUpright = false
    /// How many views of each picture there are: the picture as it is, and augmented ones.
    package var viewCount = 1
    /// How they are made.
    package var views = PictureViews(seed: 0, strength: .light)
    package var threads = 1
    /// Where features are kept for later runs; nil: nowhere.
    package var cacheFolder: String?

    package init() {}
  }

  /// The pictures that could be read, and their features.
  package struct Features: Sendable {
    /// Indices into the paths, ascending.
    package var indices: [Int] = []
    /// Of each picture's file.
    package var hashes: [XXH3Hasher.Digest] = []
    package var fingerprints: [PictureFingerprint] = []
    /// A row for each view of each picture, the views of a picture one after another.
    package var matrix = FeatureMatrix(rows: 0, columns: 0, values: [])
    /// The pictures that could not be read, by their index.
    package var failures: [(index: Int, error: ZooError)] = []
    /// How many rows were computed; the others come from the cache.
    package var computed = 0
  }

  package let backbone: ZooFile
  package let options: Options
  /// The backbone as far as the features.
  package let graph: Graph
  /// The layers that the features come from.
  package let layers: [String]
  /// How many features a picture has.
  package var width: Int { graph[graph.outputs[0]].shape.elementCount }
  private let runner: PictureRunner
  private let caches: Caches
  private let openFailure: ZooError?

  /// What is known of pictures from earlier runs.
  private struct Caches: Sendable {
    let features: PictureCache?
    let fingerprints: PictureCache?
    let options: Options

    /// What has to be made of a picture: what no cache has. A cache has the same records throughout a run, so that the
    /// answer is the same when features are put together.
    func missing(of hash: XXH3Hasher.Digest) -> PictureLoader.Request {
      let views = (0..<options.viewCount).filter {
        features?.record(of: PictureCache.Key(picture: hash, view: $0)) == nil
      }
      let key = PictureCache.Key(picture: hash, view: 0)
      return PictureLoader.Request(
        views: views.map { options.views.view($0, of: hash) },
        fingerprint: fingerprints?.record(of: key) == nil)
    }

    var all: [PictureCache] { [features, fingerprints].compactMap(\.self) }
  }

  /// Prepares a backbone.
  ///
  /// - Throws: `ZooError`, with the code `unknownLayer` where it has no such layer, and `unsuitable` where it takes no
  ///   pictures.
  package init(backbone: ZooFile, options: Options) throws {
    let whole = backbone.document.graph
    var taps: [Value] = []
    for layer in options.layers {
      guard let tap = whole.value(named: layer) else {
        throw ZooError(
          .unknownLayer, what: "no such layer", at: backbone.path, "'\(layer)'",
          remedy: "zoo inspect --layers lists its layers.")
      }
      taps.append(tap)
    }
    if taps.isEmpty {
      taps = [backbone.document.training?.endsInFeatures == true ? whole.outputs[0] : whole.topFeatures]
    }
    layers = taps.map { whole[$0].name }
    graph = try whole.endingInFeatures(of: taps)
    self.backbone = backbone
    self.options = options
    var running = PictureRunner.Options()
    running.fitting = options.fitting
    running.isUpright = options.isUpright
    running.threads = options.threads
    runner = try PictureRunner(
      graph: graph, weights: backbone, preprocessing: backbone.document.card.preprocessing,
      path: backbone.path,
      options: running)
    var failure: ZooError?
    func open(_ purpose: String, _ length: Int) -> PictureCache? {
      guard let folder = options.cacheFolder else { return nil }
      do throws(ZooError) {
        return try PictureCache(folder: folder, purpose: purpose, payloadLength: length)
      } catch {
        failure = failure ?? error
        return nil
      }
    }
    let pixels = "\(options.fitting) \(options.isUpright)"
    let model = backbone.contentHash?.hexadecimal ?? Checksum(of: backbone.path).hexadecimal
    let features = open(
      "features 1 of \(model) at \(layers) by \(runner.kernels) from \(pixels), "
        + "views \(options.views.strength) \(options.views.seed)\(options.views.areFlipped ? "" : ", none flipped")",
      graph[graph.outputs[0]].shape.elementCount * 4)
    let fingerprints = open(
      "fingerprints \(PictureFingerprint.version) \(options.isUpright)", PictureFingerprint.byteCount)
    caches = Caches(features: features, fingerprints: fingerprints, options: options)
    openFailure = failure
  }

  // MARK: Computing

  /// The features of all pictures that can be read.
  ///
  /// What is computed is in the cache after each batch, whatever happens later.
  ///
  /// - Parameter progress: is told how many pictures are done.
  /// - Throws: `ZooError`, with the code `cancelled` where the task is cancelled.
  package func features(
    of paths: [String], progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Features {
    var features = Features()
    var values: [Float] = []
    values.reserveCapacity(paths.count * options.viewCount * width)
    for start in stride(from: 0, to: paths.count, by: PictureRunner.batch) {
      try Cancellation.check()
      progress(start, paths.count)
      let indices = Array(start..<min(start + PictureRunner.batch, paths.count))
      let loaded = try runner.loader.load(indices.map { paths[$0] }) { [caches] _, hash in
        caches.missing(of: hash)
      }
      var computed = try runner.run(loaded.flatMap { (try? $0.get().views) ?? [] })[0][...]
      for (index, result) in zip(indices, loaded) {
        switch result {
        case .failure(let error): features.failures.append((index, error))
        case .success(let picture):
          features.indices.append(index)
          features.hashes.append(picture.contentHash)
          features.fingerprints.append(try fingerprint(of: picture))
          for view in 0..<options.viewCount {
            let key = PictureCache.Key(picture: picture.contentHash, view: view)
            if let record = caches.features?.record(of: key) {
              values += Self.floats(record)
            } else if let row = computed.popFirst() {
              values += row
              features.computed += 1
              caches.features?.add(Self.bytes(row), for: key)
            }
          }
        }
      }
      for cache in caches.all { cache.flush() }
    }
    progress(paths.count, paths.count)
    features.matrix = FeatureMatrix(
      rows: features.indices.count * options.viewCount, columns: width, values: values)
    return features
  }

  /// The features of pictures that can be read, each in one view, which no cache keeps: a row for each.
  ///
  /// - Throws: `ZooError` where a picture can't be read, or the task is cancelled.
  func features(of paths: [String], in view: PictureView) throws -> FeatureMatrix {
    var values: [Float] = []
    for start in stride(from: 0, to: paths.count, by: PictureRunner.batch) {
      try Cancellation.check()
      let part = Array(paths[start..<min(start + PictureRunner.batch, paths.count)])
      let loaded = try runner.loader.load(part) { _, _ in
        PictureLoader.Request(views: [view], fingerprint: false)
      }
      values += try runner.run(loaded.flatMap { try $0.get().views })[0].joined()
    }
    return FeatureMatrix(rows: paths.count, columns: width, values: values)
  }

  private func fingerprint(of picture: PictureLoader.Loaded) throws(ZooError) -> PictureFingerprint {
    let key = PictureCache.Key(picture: picture.contentHash, view: 0)
    if let fingerprint = picture.fingerprint {
      caches.fingerprints?.add(fingerprint.bytes, for: key)
      return fingerprint
    }
    guard let bytes = caches.fingerprints?.record(of: key), let known = PictureFingerprint(bytes: bytes)
    else {
      throw ZooError(.unexpected, what: "no fingerprint", at: "the cache", "it was there before")
    }
    return known
  }

  /// What brings pictures to the network's size.
  var loader: PictureLoader { runner.loader }

  /// Decodes pictures and brings them to size, for the time that it takes; why, where one can't be.
  func decode(_ paths: [String]) throws -> [ZooError?] {
    try runner.loader.load(paths).map { result in
      if case .failure(let error) = result { error } else { nil }
    }
  }

  /// The seconds that it takes to decode a picture, and to run it through the backbone.
  func secondsPerPicture(_ paths: [String]) throws -> (decoding: Double, forward: Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let loaded = try runner.loader.load(paths) { _, _ in PictureLoader.Request(fingerprint: false) }
    let images = try loaded.flatMap { try $0.get().views }
    let middle = clock.now
    _ = try runner.run(images)
    let count = Double(max(1, paths.count))
    return ((middle - start).seconds / count, (clock.now - middle).seconds / count)
  }

  /// The instruction set that computes.
  var kernels: String { runner.kernels }

  /// The bytes that the backbone and a batch of pictures take, once something has run.
  var memory: Int { runner.memory }

  /// How many records of the caches were damaged, and are computed again.
  package var damagedRecords: Int { caches.all.reduce(0) { $0 + $1.damagedCount } }

  /// Why features are not kept, where they were to be.
  package var cacheFailure: ZooError? { openFailure ?? caches.all.lazy.compactMap(\.failure).first }

  /// What enters the network for images at its size, (N, H, W, C).
  func input(of images: [Image]) throws(ZooError) -> Tensor { try runner.input(of: images) }

  /// What enters the network for pictures, (N, H, W, C).
  package func inputs(of paths: [String]) throws -> Tensor {
    let loaded = try runner.loader.load(paths) { _, _ in PictureLoader.Request(fingerprint: false) }
    return try runner.input(of: loaded.flatMap { try $0.get().views })
  }

  private static func bytes(_ row: [Float]) -> [UInt8] {
    row.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  }

  private static func floats(_ bytes: [UInt8]) -> [Float] {
    bytes.withUnsafeBytes { raw in
      (0..<raw.count / 4).map {
        Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
      }
    }
  }
}
