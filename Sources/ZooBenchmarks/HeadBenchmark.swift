import Foundation
import ModelZooTools
import ZooImages
import ZooLearning
import ZooSystem
import ZooTensor

/// `zoo-benchmarks head MODEL.zoo`: what an epoch of a head on a frozen backbone takes, a picture.
///
/// The first epoch computes the features of pictures that are decoded and have the network's size. Later ones read the
/// features: a step of the solver of a linear head, or an epoch of a small network trained in batches. Both are measured
/// on a table of 2000 examples in 10 classes, which are hard to tell apart. `ROUNDS` times; the smallest counts.
/// `Scripts/compare_epochs.py` does the same in Keras.
enum HeadBenchmark {
  private static let examples = 2000
  private static let classes = 10

  static func run(model path: String) throws {
    let rounds = max(1, environment("ROUNDS").flatMap { Int($0) } ?? 3)
    for threads in Set([1, Processors.count]).sorted() {
      let backbone = try Backbone(path: path, pooling: .average, threads: threads)
      let size = backbone.model.inputShape.dimensions
      guard size.count == 3 else { throw ZooError(.unsuitable, "model", at: path, "it takes no pictures") }
      let pictures = try (0..<32).map { seed in
        let image = deadLeaves(height: size[0], width: size[1], seed: UInt64(seed))
        return try Picture(width: image.width, height: image.height, rgb: image.pixels)
      }
      var features: [Float] = []
      let first = try best(of: rounds) { features = try backbone.features(of: pictures).values }
      let columns = features.count / pictures.count
      let (table, labels) = examples(columns: columns)
      var iterations = 0
      let solving = try best(of: rounds) {
        iterations = try LogisticRegression.fit(
          table, labels: labels, classes: classes, penalty: 1e-3, threads: threads
        ).iterations
      }
      var options = MultilayerOptions()
      (options.epochs, options.patience, options.threads) = (4, nil, threads)
      let network = try best(of: rounds) {
        _ = try MultilayerHead.train(table, labels: labels, classes: classes, options)
      }
      print("\(backbone.layer), \(columns) features, \(threads) thread\(threads == 1 ? "" : "s")")
      line("features", first, pictures.count)
      line("a step of the solver, of \(iterations)", solving, examples * max(1, iterations))
      line("an epoch of a small network", network, examples * options.epochs)
    }
  }

  /// Features around a centre for each class, none far from the others.
  private static func examples(columns: Int) -> (FeatureMatrix, [Int]) {
    let (centres, noise) = (CounterRandom(seed: 1), CounterRandom(seed: 2))
    let labels = (0..<examples).map { $0 % classes }
    let values = (0..<examples * columns).map { place in
      let centre = centres.signed(labels[place / columns] * columns + place % columns)
      return Float(0.1 * centre + noise.signed(place))
    }
    return (FeatureMatrix(rows: examples, columns: columns, values: values), labels)
  }

  private static func best(of rounds: Int, _ body: () throws -> Void) rethrows -> Duration {
    var best = Duration.seconds(1 << 20)
    for _ in 0..<rounds { best = min(best, try ContinuousClock().measure(body)) }
    return best
  }

  private static func line(_ name: String, _ time: Duration, _ count: Int) {
    print("  \(name)", "\(decimal(time / .microseconds(1) / Double(count), 2)) us a picture", separator: "\t")
  }
}
