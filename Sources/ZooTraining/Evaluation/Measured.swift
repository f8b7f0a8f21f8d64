import ZooData
import ZooLearning
import ZooSystem

extension TrainingReport {
  /// How well a head does on pictures.
  public struct Measured: Sendable, Encodable {
    /// A number with its 95 % interval.
    public struct Interval: Sendable, Encodable {
      /// The number.
      public let value: Double
      /// The interval's lower end.
      public let low: Double
      /// Its upper end.
      public let high: Double

      init(_ estimate: Estimate) {
        value = estimate.value
        low = estimate.low
        high = estimate.high
      }
    }

    /// What is known of one class or label.
    public struct Class: Sendable, Encodable {
      /// Its name.
      public let name: String
      /// Its pictures.
      public let pictures: Int
      /// The share of pictures taken for it that are of it; nil for labels.
      public let precision: Double?
      /// The share of its pictures that were found; nil for labels.
      public let recall: Double?
      /// The harmonic mean of precision and recall.
      public let f1: Double
      /// For labels, the mean precision over its pictures in the order of their scores.
      public let averagePrecision: Double?

      enum CodingKeys: String, CodingKey {
        case name, pictures, precision, recall, f1
        case averagePrecision = "average_precision"
      }
    }

    /// What the model said of one picture.
    package struct Answer: Sendable {
      package let example: ImageDataset.Example
      /// What is known of the picture.
      package let target: ImageDataset.Target
      /// Probabilities in the order of the classes, or the number.
      package let values: [Double]
    }

    /// The pictures.
    public let pictures: Int
    /// The share of right answers, for classes.
    public let accuracy: Interval?
    /// The share that guessing the largest class would get right.
    public let largestClass: Double?
    /// The mean recall of the classes.
    public let balancedAccuracy: Double?
    /// The share of pictures whose class is among the five highest, with more than five classes.
    public let top5: Interval?
    /// The mean of the negative logarithm of the right class's probability.
    public let logLoss: Double?
    /// The mean distance of probabilities from the share of right answers.
    public let calibrationError: Double?
    /// How often each class (row) was taken for each (column).
    public let confusion: [[Int]]?
    /// What is known of each class or label.
    public let classes: [Class]
    /// The mean of the labels' average precisions.
    public let meanAveragePrecision: Double?
    /// For numbers, the mean distance.
    public let meanAbsoluteError: Interval?
    /// For numbers, the root of the mean squared distance.
    public let rootMeanSquaredError: Interval?
    /// For numbers, the share of the variance that is explained (R²).
    public let explained: Interval?
    package let answers: [Answer]
    package let calibration: Calibration?

    enum CodingKeys: String, CodingKey {
      case pictures, accuracy
      case largestClass = "largest_class"
      case balancedAccuracy = "balanced_accuracy"
      case top5
      case logLoss = "log_loss"
      case calibrationError = "calibration_error"
      case confusion, classes
      case meanAveragePrecision = "mean_average_precision"
      case meanAbsoluteError = "mean_absolute_error"
      case rootMeanSquaredError = "root_mean_squared_error"
      case explained
    }

    /// - Parameters:
    ///   - scores: (N, outputs), before softmax or sigmoid.
    ///   - place: the task's place among the targets.
    package init(
      _ task: ImageDataset.Task, pictures: [ImageDataset.Example], scores: [Double], place: Int
    ) throws(ZooError) {
      let count = task.classNames.count
      var classification: ClassificationMetrics?
      var calibration: Calibration?
      var top5: Estimate?
      var labels: LabelMetrics?
      var numbers: RegressionMetrics?
      var values = scores
      switch task.kind {
      case .classes:
        let indices = pictures.map { if case .classIndex(let index) = $0.targets[place] { index } else { 0 } }
        classification = try ClassificationMetrics(scores: scores, labels: indices, classes: count)
        values = Scores.softmax(scores, outputs: count)
        calibration = try Calibration(probabilities: values, labels: indices, classes: count, .equalMass(10))
        if count > 5 {
          top5 = ClassificationMetrics.topAccuracy(5, scores: scores, labels: indices, classes: count)
        }
      case .labels:
        var targets = [Double](repeating: 0, count: scores.count)
        for (row, picture) in pictures.enumerated() {
          if case .labels(let indices) = picture.targets[place] {
            for index in indices { targets[row * count + index] = 1 }
          }
        }
        labels = try LabelMetrics(scores: scores, targets: targets, labels: count)
        values = Scores.sigmoid(scores)
      case .number:
        let targets = pictures.map {
          if case .number(let number) = $0.targets[place] { number } else { Double.nan }
        }
        numbers = try RegressionMetrics(predictions: scores, targets: targets)
      }
      self.pictures = pictures.count
      accuracy = classification.map { Interval($0.accuracy) }
      largestClass = classification?.largestClassShare
      balancedAccuracy = classification?.balancedAccuracy
      self.top5 = top5.map(Interval.init)
      logLoss = classification?.logLoss
      calibrationError = calibration?.expectedError
      confusion = classification.map { metrics in
        (0..<count).map { row in (0..<count).map { metrics.confusion[row, $0] } }
      }
      if let classification {
        classes = zip(task.classNames, classification.perClass).map {
          Class(
            name: $0, pictures: $1.support, precision: $1.precision, recall: $1.recall, f1: $1.f1,
            averagePrecision: nil)
        }
      } else {
        classes = zip(task.classNames, labels?.labels ?? []).map {
          Class(
            name: $0, pictures: $1.positives, precision: nil, recall: nil, f1: $1.f1,
            averagePrecision: $1.averagePrecision)
        }
      }
      meanAveragePrecision = labels?.meanAveragePrecision
      meanAbsoluteError = numbers.map { Interval($0.meanAbsoluteError) }
      rootMeanSquaredError = numbers.map { Interval($0.rootMeanSquaredError) }
      explained = numbers.map { Interval($0.explained) }
      let outputs = max(1, count)
      answers = pictures.enumerated().map { row, example in
        Answer(
          example: example, target: example.targets[place],
          values: Array(values[row * outputs..<(row + 1) * outputs]))
      }
      self.calibration = calibration
    }

    /// The measures by their names, as a file has them.
    var results: [String: Double] {
      var results: [String: Double] = ["pictures": Double(pictures)]
      if let accuracy {
        results["accuracy"] = accuracy.value
        results["accuracy, lower end of 95 %"] = accuracy.low
        results["accuracy, upper end of 95 %"] = accuracy.high
      }
      results["largest class"] = largestClass
      results["balanced accuracy"] = balancedAccuracy
      results["log loss"] = logLoss
      results["mean average precision"] = meanAveragePrecision
      results["mean absolute error"] = meanAbsoluteError?.value
      results["R²"] = explained?.value
      return results.filter { $0.value.isFinite }
    }

    /// The main measure in words: `66.0 % (62.5 to 69.4) of 724 pictures`.
    package var summary: String? {
      func percent(_ share: Double) -> String { decimal(share * 100, 1) }
      if let accuracy {
        return "\(percent(accuracy.value)) % (\(percent(accuracy.low)) to \(percent(accuracy.high))) of "
          + "\(counted(pictures, "picture"))"
      }
      if let meanAveragePrecision {
        return "mean average precision \(decimal(meanAveragePrecision, 3)) on \(counted(pictures, "picture"))"
      }
      if let meanAbsoluteError {
        return "mean absolute error \(significant(meanAbsoluteError.value)) on \(counted(pictures, "picture"))"
      }
      return nil
    }
  }
}
