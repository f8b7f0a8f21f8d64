import ModelZooTools
import ZooSystem

/// Measures of a model for people.
struct MeasuredText {
  private let measured: TrainingReport.Measured

  init(_ measured: TrainingReport.Measured) { self.measured = measured }

  /// Prints the main measures; `prefix` names the task, where there are several.
  func print(_ label: String, prefix: String) throws {
    func percent(_ share: Double) -> String { "\(decimal(share * 100, 1)) %" }
    if let accuracy = measured.accuracy {
      try Terminal.print(
        row: label,
        "\(prefix)\(percent(accuracy.value)) right (95 %: \(decimal(accuracy.low * 100, 1)) to "
          + "\(decimal(accuracy.high * 100, 1))) of \(counted(measured.pictures, "picture"))")
      try Terminal.print(row: "", "guessing the largest class: \(percent(measured.largestClass ?? 0))")
      if let balanced = measured.balancedAccuracy {
        try Terminal.print(row: "", "mean of the classes: \(percent(balanced))")
      }
    } else if let precision = measured.meanAveragePrecision {
      try Terminal.print(
        row: label,
        "\(prefix)mean average precision \(decimal(precision, 3)) of \(counted(measured.pictures, "picture"))")
    } else if let error = measured.meanAbsoluteError {
      try Terminal.print(
        row: label,
        "\(prefix)mean distance \(significant(error.value)) (95 %: \(significant(error.low)) to "
          + "\(significant(error.high))) of \(counted(measured.pictures, "picture"))")
      if let explained = measured.explained {
        try Terminal.print(row: "", "share of the variance explained (R²): \(decimal(explained.value, 3))")
      }
    }
  }

  /// Prints what is known of each class, where they are not too many.
  func printClasses() throws {
    guard !measured.classes.isEmpty, measured.classes.count <= 40 else { return }
    try Terminal.print()
    let isExclusive = measured.accuracy != nil
    var table =
      isExclusive
      ? Table(["CLASS", "PICTURES", "FOUND", "RIGHT WHEN NAMED"], rightAligned: [1, 2, 3])
      : Table(["LABEL", "PICTURES", "AVERAGE PRECISION", "F1"], rightAligned: [1, 2, 3])
    for own in measured.classes {
      func percent(_ share: Double?) -> String { share.map { "\(decimal($0 * 100, 1)) %" } ?? "" }
      if isExclusive {
        table.add(own.name, grouped(own.pictures), percent(own.recall), percent(own.precision))
      } else {
        table.add(
          own.name, grouped(own.pictures), own.averagePrecision.map { decimal($0, 3) } ?? "",
          decimal(own.f1, 3))
      }
    }
    try table.print()
    try Terminal.print()
  }
}
