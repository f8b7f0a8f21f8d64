import Foundation
import ZooLearning
import ZooTensor

/// `Fixtures/learning/learning.json`: what scikit-learn, SciPy and statsmodels compute.
struct Goldens: Decodable {
  struct Logistic: Decodable, Sendable {
    let x: [Float]
    let columns: Int
    let labels: [Int]
    let classes: Int
    let penalty: Double
    let exampleWeights: [Double]?
    let weights: [Double]
    let bias: [Double]

    var table: FeatureMatrix { FeatureMatrix(rows: labels.count, columns: columns, values: x) }
  }

  struct OneVersusRest: Decodable {
    let x: [Float]
    let columns: Int
    let penalty: Double
    let targets: [Double?]
    let weights: [Double]
    let bias: [Double]
  }

  struct Classification: Decodable {
    let scores: [Double]
    let labels: [Int]
    let classes: Int
    let accuracy, low, high, balancedAccuracy, macroF1, logLoss, brier, top2, calibrationError: Double
    let probability: Double
    let confusion, support, other: [Int]
    let precision, recall, f1: [Double]
    let onlyFirst, onlySecond: Int
  }

  struct Labels: Decodable {
    let scores, targets, averagePrecision, area, f1: [Double]
  }

  struct Numbers: Decodable {
    let targets, predictions: [Double]
    let mae, rmse, r2: Double
  }

  struct Ridge: Decodable {
    let x: [Float]
    let columns: Int
    let targets: [Double]
    let penalty: Double
    let weights: [Double]
    let bias: Double
  }

  struct LogME: Decodable {
    let x: [Float]
    let columns: Int
    let labels: [Int]
    let classes: Int
    let score: Double
  }

  struct Components: Decodable {
    let x: [Float]
    let columns: Int
    let directions, variances, whitened: [Double]
  }

  struct Clustering: Decodable {
    let x: [Float]
    let columns: Int
    let labels: [Int]
    let silhouette, inertia: Double
  }

  let logistic: [Logistic]
  let oneVersusRest: OneVersusRest
  let classification: Classification
  let labels: Labels
  let numbers: Numbers
  let ridge: [Ridge]
  let logME: [LogME]
  let components: [Components]
  let clustering: Clustering

  static func read() throws -> Goldens { try read("learning") }

  static func read<Content: Decodable>(_ name: String) throws -> Content {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appending(path: "Fixtures/learning/\(name).json"))
    return try JSONDecoder().decode(Content.self, from: data)
  }
}

/// A table of several clusters, and which cluster each row is of.
func clusters(
  rows: Int, columns: Int, classes: Int, distance: Double = 1, seed: UInt64 = 1
) -> (x: FeatureMatrix, labels: [Int]) {
  let random = CounterRandom(seed: seed)
  let labels = (0..<rows).map { $0 < classes ? $0 : Int(random.unit($0) * Double(classes)) }
  let values = (0..<rows * columns).map { place in
    let center = random.signed(1_000_000 + labels[place / columns] * columns + place % columns)
    return Float(distance * center + random.signed(2_000_000 + place) + Double(place % columns))
  }
  return (FeatureMatrix(rows: rows, columns: columns, values: values), labels)
}

/// The largest distance of numbers, as a share of the largest of the second ones.
func distance(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let scale = b.map(abs).max() ?? 0
  return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / (scale > 0 ? scale : 1)
}

extension Array where Element == Double {
  /// Less their mean.
  var centred: [Double] {
    let mean = reduce(0, +) / Double(count)
    return map { $0 - mean }
  }
}

extension FeatureMatrix {
  init(_ values: [Float], columns: Int) {
    self.init(rows: values.count / columns, columns: columns, values: values)
  }
}
