import ZooLearning
import ZooSystem

/// A head with a hidden layer, whose number of epochs is found by cross-validation.
struct MultilayerSolver: HeadSolver {
  let rows: ClassRows
  let weights: [Double]?
  let units: Int
  let seed: UInt64
  let threads: Int

  var outputs: Int { rows.classes }
  var isWeighted: Bool { weights != nil }

  /// The most epochs.
  static let epochs = 40

  /// The epochs of the least mean loss over all parts; then each part's scores by a head that was trained for so many,
  /// without looking at that part.
  func search(folds: [Int], progress: () -> Void) throws(ZooError) -> HeadSearch {
    var losses = [Double](repeating: 0, count: Self.epochs)
    for fold in Set(folds).sorted() {
      let held = rows.selecting(folds.indices.filter { folds[$0] == fold })
      let kept = folds.indices.filter { folds[$0] != fold }
      let fit = try train(kept, epochs: Self.epochs, validation: (held.features, held.labels))
      for (epoch, entry) in fit.history.enumerated() {
        losses[epoch] += (entry.validationLoss ?? .infinity) * Double(held.labels.count)
      }
      progress()
    }
    let best = losses.indices.min { (losses[$0], $0) < (losses[$1], $1) } ?? Self.epochs - 1
    var scores = [Double](repeating: 0, count: rows.labels.count * outputs)
    for fold in Set(folds).sorted() {
      let held = folds.indices.filter { folds[$0] == fold }
      let head = try train(folds.indices.filter { folds[$0] != fold }, epochs: best + 1, validation: nil).head
      let own = try head.scores(rows.features.selecting(rows: held), threads: threads)
      for (place, row) in held.enumerated() {
        for output in 0..<outputs { scores[row * outputs + output] = own[place * outputs + output] }
      }
      progress()
    }
    let setting = HeadSetting(epochs: best + 1)
    return HeadSearch(setting: setting, outOfFoldScores: scores, head: try fit(setting))
  }

  func fit(_ setting: HeadSetting) throws(ZooError) -> FittedHead {
    .multilayer(
      try train(Array(rows.labels.indices), epochs: setting.epochs ?? Self.epochs, validation: nil).head)
  }

  private func train(
    _ own: [Int], epochs: Int, validation: (x: FeatureMatrix, labels: [Int])?
  ) throws(ZooError) -> MultilayerFit {
    var options = MultilayerOptions()
    options.units = units
    options.epochs = epochs
    // All epochs are compared, over all parts.
    options.patience = nil
    options.seed = seed
    options.threads = threads
    let part = rows.selecting(own)
    return try MultilayerHead.train(
      part.features, labels: part.labels, classes: rows.classes,
      exampleWeights: weights.map { weights in own.map { weights[$0] } }, validation: validation, options)
  }
}
