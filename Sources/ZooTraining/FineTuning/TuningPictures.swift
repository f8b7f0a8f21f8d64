import Dispatch
import ZooData
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor

/// The pictures of a training, as what enters the network.
///
/// A view of a picture follows from the seed, its content and the number of the view, so that no order, batch or
/// interruption changes it. Pictures are read once, and kept at the size that views are made from while there is room.
final class TuningPictures {
  let examples: [ImageDataset.Example]
  /// Of each picture's file.
  private let hashes: [XXH3Hasher.Digest]
  private let extractor: FeatureExtractor
  /// Reads pictures at the size that views are made from.
  private let baseLoader: PictureLoader
  private let views: PictureViews
  private var bases: [Int: Image] = [:]
  private var bytes = 0

  /// The most bytes of pictures that are kept.
  var limit = 0 {
    didSet {
      guard bytes > limit else { return }
      (bases, bytes) = ([:], 0)
    }
  }

  init(
    _ pictures: TrainingRun.Pictures, _ extractor: FeatureExtractor, views: PictureViews
  ) {
    examples = pictures.examples
    hashes = pictures.features.hashes
    self.extractor = extractor
    self.views = views
    let loader = extractor.loader
    let base = loader.fitting.base(height: loader.height, width: loader.width, detail: views.detail)
    baseLoader = PictureLoader(
      height: base.height, width: base.width, fitting: base.fitting, upright: loader.upright,
      isGrey: loader.isGrey, threads: loader.threads)
  }

  /// What enters the network of pictures as they are, (N, H, W, C).
  ///
  /// - Parameter pictures: indices of ``examples``.
  /// - Throws: `ZooError` where a picture is gone or has changed.
  func inputs(of pictures: [Int]) throws -> Tensor {
    try extractor.input(of: try load(pictures, by: extractor.loader))
  }

  /// The same of views of this number, from 1.
  func inputs(of pictures: [Int], view number: Int) throws -> Tensor {
    let missing = pictures.filter { bases[$0] == nil }
    var fresh: [Int: Image] = [:]
    for (picture, image) in zip(missing, try load(missing, by: baseLoader)) {
      if bytes + image.pixels.count <= limit {
        bases[picture] = image
        bytes += image.pixels.count
      } else {
        fresh[picture] = image
      }
    }
    let images = pictures.compactMap { bases[$0] ?? fresh[$0] }
    let views = pictures.map { self.views.view(number, of: hashes[$0]) }
    let loader = extractor.loader
    var results = [Image?](repeating: nil, count: images.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each unit writes its own view.
      nonisolated(unsafe) let results = results
      DispatchQueue.concurrentPerform(iterations: min(loader.threads, images.count)) { thread in
        for index in stride(from: thread, to: images.count, by: loader.threads) {
          results[index] = images[index].transformed(
            by: views[index], height: loader.height, width: loader.width)
        }
      }
    }
    return try extractor.input(of: results.compactMap(\.self))
  }

  private func load(_ pictures: [Int], by loader: PictureLoader) throws -> [Image] {
    guard !pictures.isEmpty else { return [] }
    return try loader.load(pictures.map { examples[$0].path }) {
      [hashes, examples] index, hash throws(ZooError) in
      guard hash == hashes[pictures[index]] else {
        throw ZooError(
          .unreadable, what: "picture", at: examples[pictures[index]].path,
          "it has changed since training began")
      }
      return PictureLoader.Request(fingerprint: false)
    }.flatMap { try $0.get().views }
  }
}
