import ZooGraph
import ZooLearning
import ZooSystem

/// The class of the nearest example: every example's direction is a prototype, and a class's score is the largest product
/// of a picture's features with one of its prototypes.
///
/// The class with the highest score is that of the nearest neighbour by cosine, exactly. Nothing is trained but a scale,
/// which makes probabilities of the scores.
struct NearestHead {
  /// For each class its prototypes, of unit length; none where all features of an example are 0.
  private(set) var prototypes: [[[Float]]]
  /// How many features there are.
  let columns: Int
  /// What products are multiplied by.
  var scale: Double

  /// - Throws: `ZooError` with the code `unsuitable` where an example has no direction.
  init(_ rows: ClassRows, scale: Double) throws(ZooError) {
    columns = rows.features.columns
    self.scale = scale
    prototypes = [[[Float]]](repeating: [], count: rows.classes)
    try add(rows)
  }

  init(prototypes: [[[Float]]], columns: Int, scale: Double) {
    self.prototypes = prototypes
    self.columns = columns
    self.scale = scale
  }

  private static func direction(of features: ArraySlice<Float>) throws(ZooError) -> [Float] {
    let length = features.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard length > 0, length.isFinite else {
      throw ZooError(
        .unsuitable, what: "no nearest neighbours", at: "the features", "all features of a picture are 0")
    }
    return features.map { Float(Double($0) / length) }
  }

  /// The scores (rows, classes). A class without prototypes has the lowest score of the others.
  func scores(_ features: FeatureMatrix, threads: Int) throws(ZooError) -> [Double] {
    let all = prototypes.flatMap(\.self)
    let owners = prototypes.enumerated().flatMap { label, own in own.map { _ in label } }
    var weights = [Double](repeating: 0, count: columns * all.count)
    for (place, prototype) in all.enumerated() {
      for column in 0..<columns { weights[column * all.count + place] = Double(prototype[column]) }
    }
    let products = try LinearHead(
      columns: columns, outputs: all.count, weights: weights,
      bias: [Double](repeating: 0, count: all.count)
    ).scores(features, threads: threads)
    let classes = prototypes.count
    var scores = [Double](repeating: -.infinity, count: features.rows * classes)
    for row in 0..<features.rows {
      for (place, label) in owners.enumerated() {
        let product = scale * products[row * all.count + place]
        scores[row * classes + label] = max(scores[row * classes + label], product)
      }
      let own = row * classes..<(row + 1) * classes
      let least = scores[own].filter(\.isFinite).min() ?? 0
      for place in own where !scores[place].isFinite { scores[place] = least }
    }
    return scores
  }

  // MARK: Layers

  /// A product with all prototypes, of which each class has as many (some repeat), the largest of each class, and softmax.
  func layers(named name: String) -> [TrainedHead.Layer] {
    let classes = prototypes.count
    let count = prototypes.map(\.count).max() ?? 0
    let outputs = count * classes
    var kernel = [Float](repeating: 0, count: columns * outputs)
    for (label, own) in prototypes.enumerated() where !own.isEmpty {
      for number in 0..<count {
        let prototype = own[number % own.count]
        for column in 0..<columns {
          kernel[column * outputs + number * classes + label] = Float(scale * Double(prototype[column]))
        }
      }
    }
    return [
      TrainedHead.Layer(
        name: name + "_prototypes", operation: .dense(Dense(units: outputs, useBias: false)),
        weights: [.kernel: kernel]),
      TrainedHead.Layer(name: name + "_by_class", operation: .reshape(target: [count, 1, classes])),
      TrainedHead.Layer(name: name + "_nearest", operation: .globalMaxPooling(keepDimensions: false)),
      TrainedHead.Layer(name: name, operation: .activation(.softmax)),
    ]
  }

  /// The head at the end of a network that ``layers(named:)`` made, and the value that it reads; nil where there is none.
  static func found(in graph: Graph, kernel: (WeightSlot) throws -> [Float]) throws -> (
    head: NearestHead, input: Value
  )? {
    guard graph.outputs.count == 1, let end = graph.outputs.first,
      case .activation(.softmax) = graph[end].operation, let pooled = graph[end].inputs.first,
      case .globalMaxPooling(keepDimensions: false) = graph[pooled].operation,
      let shaped = graph[pooled].inputs.first, case .reshape(let target) = graph[shaped].operation,
      target.count == 3, target[1] == 1, let product = graph[shaped].inputs.first,
      case .dense(let dense) = graph[product].operation, !dense.useBias, dense.activation == .linear,
      dense.units == target[0] * target[2], let slot = graph[product].weights.first,
      let input = graph[product].inputs.first, graph[input].shape.rank == 1
    else { return nil }
    let values = try kernel(slot)
    let columns = graph[input].shape[0]
    guard values.count == columns * dense.units else { return nil }
    let (count, classes) = (target[0], target[2])
    var prototypes = [[[Float]]](repeating: [], count: classes)
    var length = 0.0
    for label in 0..<classes {
      var seen: Set<[Float]> = []
      for number in 0..<count {
        let column = (0..<columns).map { values[$0 * dense.units + number * classes + label] }
        // Padding repeats.
        guard seen.insert(column).inserted else { continue }
        prototypes[label].append(column)
        length = max(length, column.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
      }
    }
    guard length > 0 else { return nil }
    return (
      NearestHead(
        prototypes: try prototypes.map { own in try own.map { try direction(of: $0[...]) } },
        columns: columns, scale: length), input
    )
  }

  /// Adds classes or prototypes.
  mutating func add(_ rows: ClassRows) throws(ZooError) {
    while prototypes.count < rows.classes { prototypes.append([]) }
    for (row, label) in rows.labels.enumerated() {
      let direction = try Self.direction(of: rows.features[row: row])
      // Copies of a picture are one prototype.
      if !prototypes[label].contains(direction) { prototypes[label].append(direction) }
    }
  }
}

/// Nearest neighbours by cosine.
struct NearestSolver: HeadSolver {
  let rows: ClassRows
  let threads: Int

  var outputs: Int { rows.classes }
  var isWeighted: Bool { false }

  func search(folds: [Int], progress: () -> Void) throws(ZooError) -> HeadSearch {
    let threads = threads
    let scores = try rows.outOfFold(folds, threads: threads) { rows throws(ZooError) in
      .nearest(try NearestHead(rows, scale: 1))
    }
    progress()
    let scale = Self.scale(of: scores, labels: rows.labels, classes: rows.classes)
    return HeadSearch(
      setting: HeadSetting(scale: scale), outOfFoldScores: scores.map { $0 * scale },
      head: .nearest(try NearestHead(rows, scale: scale)))
  }

  func fit(_ setting: HeadSetting) throws(ZooError) -> FittedHead {
    .nearest(try NearestHead(rows, scale: setting.scale ?? 1))
  }

  /// The scale of the least log loss, by golden sections of its logarithm.
  static func scale(of scores: [Double], labels: [Int], classes: Int) -> Double {
    let size = scores.reduce(0) { max($0, abs($1)) }
    guard size > 0 else { return 1 }
    func loss(_ logarithm: Double) -> Double {
      let factor = exp(logarithm) / size
      let losses = ClassificationMetrics.logLosses(
        scores: scores.map { $0 * factor }, labels: labels, classes: classes)
      return losses.reduce(0, +) / Double(max(1, losses.count))
    }
    // From hardly any difference between classes to certainty.
    var (low, high) = (log(0.1), log(1000.0))
    let share = (5.0.squareRoot() - 1) / 2
    for _ in 0..<40 {
      let (first, second) = (high - share * (high - low), low + share * (high - low))
      if loss(first) <= loss(second) { high = second } else { low = first }
    }
    return exp((low + high) / 2) / size
  }
}
