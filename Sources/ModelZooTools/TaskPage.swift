import ZooData
import ZooLearning
import ZooReports
import ZooSystem
import ZooTraining

/// What a page says of one task: how well, of which classes, and with which penalty.
struct TaskPage {
  /// A part of the page.
  struct Part {
    /// Letters, digits and hyphens.
    let id: String
    let title: String
    let body: HTML
  }

  let name: String
  let classes: [String]
  var penalty: Double?
  var penalties: [TrainingReport.Penalty] = []
  /// On validation pictures, or by cross-validation.
  let measured: TrainingReport.Measured?
  /// On the data's test pictures.
  let tested: TrainingReport.Measured?
  /// Whether it is known that the measured model was not trained on these pictures.
  var areUnseen = true
  let pictures: ReportPictures

  /// More classes than this have no matrix, which nobody could read.
  private static let mostInMatrix = 40
  /// More bars than this are cut short.
  static let mostBars = 60

  /// What is looked at class by class and picture by picture.
  var primary: TrainingReport.Measured? { tested ?? measured }

  /// All parts but the headline.
  func parts() throws(ZooError) -> [Part] {
    var parts: [Part] = []
    func add(_ id: String, _ title: String, _ body: HTML) {
      if !body.text.isEmpty { parts.append(Part(id: id, title: title, body: body)) }
    }
    if let primary {
      if let confusion = primary.confusion {
        add("confusion", "What was taken for what", Self.confusion(confusion, classes))
      }
      add("classes", primary.accuracy == nil ? "Labels" : "Classes", classTable(of: primary))
      if primary.meanAbsoluteError != nil {
        add("predictions", "Predicted and true", Self.predictions(of: primary))
      }
      if let calibration = primary.calibration {
        add("reliability", "Can the probabilities be believed?", reliability(calibration, of: primary))
      }
    }
    add("errors", "The worst errors", try worstErrors())
    add("doubtful", "Doubtful labels", try doubtfulLabels())
    add("penalty", "The choice of the penalty", penaltyCurves)
    return parts
  }

  // MARK: The headline

  /// How well it does, next to guessing.
  var headline: HTML {
    var tiles: [(String, String)] = []
    var bars: [Chart.Bar] = []
    for (name, measured) in [("test pictures", tested), ("validation", measured)] {
      guard let measured else { continue }
      let both = tested != nil && self.measured != nil
      let suffix = both ? ", \(name)" : ""
      if let accuracy = measured.accuracy {
        tiles.append(
          (
            Self.percent(accuracy.value),
            "right\(suffix); 95 %: \(decimal(accuracy.low * 100, 1)) to \(decimal(accuracy.high * 100, 1)) %"
          ))
        bars.append(
          .init(
            both ? name : "this model", accuracy.value,
            interval: accuracy.low...max(accuracy.low, accuracy.high),
            note: Self.percent(accuracy.value)))
      }
      if let precision = measured.meanAveragePrecision {
        tiles.append((decimal(precision, 3), "mean average precision\(suffix)"))
        bars.append(.init(both ? name : "this model", precision, note: decimal(precision, 3)))
      }
      if let error = measured.meanAbsoluteError {
        tiles.append(
          (
            Self.number(error.value),
            "mean distance\(suffix); 95 %: \(Self.number(error.low)) to \(Self.number(error.high))"
          ))
        bars.append(
          .init(
            both ? name : "this model", error.value, interval: error.low...max(error.low, error.high),
            note: Self.number(error.value)))
      }
    }
    guard let primary else { return "<p>No picture was left to measure how well it does.</p>" }
    var title = ""
    if let share = primary.largestClass {
      tiles.append((Self.percent(share), "guessing the largest class"))
      bars.append(.init("guessing", share, series: 6, note: Self.percent(share)))
      title = "Share of right answers with its 95 % interval, next to always guessing the largest class"
    }
    if let balanced = primary.balancedAccuracy {
      tiles.append((Self.percent(balanced), "of each class found, on average"))
    }
    if let top5 = primary.top5 { tiles.append((Self.percent(top5.value), "right class among the first 5")) }
    if primary.meanAveragePrecision != nil {
      let guess = Self.guessedPrecision(primary)
      tiles.append((decimal(guess, 3), "in a random order"))
      bars.append(.init("random order", guess, series: 6, note: decimal(guess, 3)))
      title = "Mean average precision, next to a random order"
    }
    if let explained = primary.explained {
      let guess = Self.guessedDistance(primary)
      tiles.append((Self.number(guess), "distance if the median is always answered"))
      tiles.append((Self.percent(explained.value), "of the variance explained (R²)"))
      bars.append(.init("always the median", guess, series: 6, note: Self.number(guess)))
      title = "Mean distance from the true number with its 95 % interval: shorter is better"
    }
    tiles.append((grouped(primary.pictures), tested == nil ? "pictures measured on" : "test pictures"))
    return HTML.tiles(tiles) + Chart.bars(title, bars, maximum: primary.explained == nil ? 1 : nil)
  }

  /// What scores that know nothing get: the share of pictures that have a label.
  private static func guessedPrecision(_ measured: TrainingReport.Measured) -> Double {
    let shares = measured.classes.filter { $0.pictures > 0 }.map {
      Double($0.pictures) / Double(max(1, measured.pictures))
    }
    return shares.reduce(0, +) / Double(max(1, shares.count))
  }

  private static func guessedDistance(_ measured: TrainingReport.Measured) -> Double {
    let truths = numbers(of: measured).map(\.truth).sorted()
    guard !truths.isEmpty else { return 0 }
    let median = truths[truths.count / 2]
    return truths.reduce(0) { $0 + abs($1 - median) } / Double(truths.count)
  }

  // MARK: Parts

  private static func confusion(_ counts: [[Int]], _ classes: [String]) -> HTML {
    let matrix: HTML =
      classes.count <= mostInMatrix
      ? Chart.confusion(
        "A row for each true class: how many of its pictures were taken for each class", classes: classes,
        counts: counts) : ""
    var mistakes: [(row: Int, column: Int, count: Int)] = []
    for (row, line) in counts.enumerated() {
      for (column, count) in line.enumerated() where row != column && count > 0 {
        mistakes.append((row, column, count))
      }
    }
    guard !mistakes.isEmpty else { return matrix + "<p>There is no mistake.</p>" }
    guard classes.count > 8 else { return matrix }
    mistakes.sort { ($1.count, $0.row, $0.column) < ($0.count, $1.row, $1.column) }
    let bars = mistakes.prefix(10).map { mistake in
      Chart.Bar(
        "\(classes[mistake.row]) → \(classes[mistake.column])", Double(mistake.count), series: 1,
        note: "\(mistake.count) of \(counts[mistake.row].reduce(0, +))")
    }
    return matrix + Chart.bars("The most frequent mistakes: true class → what it was taken for", bars)
  }

  private func classTable(of measured: TrainingReport.Measured) -> HTML {
    guard !measured.classes.isEmpty else { return "" }
    let hasSearch = measured.classes.count > 12
    guard let confusion = measured.confusion else {
      let sorted = measured.classes.sorted { ($0.averagePrecision ?? 0) > ($1.averagePrecision ?? 0) }
      let bars = sorted.prefix(Self.mostBars).map { own in
        Chart.Bar(
          own.name, own.averagePrecision ?? 0, note: own.averagePrecision.map { decimal($0, 3) } ?? "")
      }
      var table = DataTable(
        [
          .init("Label"), .init("Pictures", isNumber: true), .init("Average precision", isNumber: true),
          .init("F1", isNumber: true),
        ], hasSearch: hasSearch)
      for own in measured.classes {
        table.add([
          .init("\(own.name)"), .init("\(grouped(own.pictures))", value: Double(own.pictures)),
          .init("\(own.averagePrecision.map { decimal($0, 3) } ?? "")", value: own.averagePrecision ?? -1),
          .init("\(decimal(own.f1, 3))", value: own.f1),
        ])
      }
      return Chart.bars("Average precision of each label", bars, maximum: 1) + table.html
    }
    var table = DataTable(
      [
        .init("Class"), .init("Pictures", isNumber: true), .init("Found (recall)", isNumber: true),
        .init("Right when named (precision)", isNumber: true), .init("F1", isNumber: true),
        .init("Most often taken for"),
      ], hasSearch: hasSearch)
    for (row, own) in measured.classes.enumerated() {
      func cell(_ share: Double?) -> DataTable.Cell {
        let share = share.flatMap { $0.isFinite ? $0 : nil }
        return .init("\(share.map { Self.percent($0) } ?? "")", value: share ?? -1)
      }
      let others = confusion[row].enumerated().filter { $0.offset != row && $0.element > 0 }
      let most = others.max { ($0.element, $1.offset) < ($1.element, $0.offset) }
      table.add([
        .init("\(own.name)"), .init("\(grouped(own.pictures))", value: Double(own.pictures)),
        cell(own.recall), cell(own.precision), cell(own.f1),
        .init(
          "\(most.map { "\(classes[$0.offset]), \($0.element) times" } ?? "")",
          value: nil),
      ])
    }
    return table.html
  }

  private func reliability(_ calibration: Calibration, of measured: TrainingReport.Measured) -> HTML {
    let bins = calibration.bins.map { bin in
      let right = Int((bin.accuracy * Double(bin.count)).rounded())
      let estimate = Estimate(share: right, of: bin.count)
      return Chart.Reliability(
        confidence: bin.confidence, accuracy: bin.accuracy,
        interval: estimate.low...max(estimate.low, estimate.high), count: bin.count)
    }
    let error = decimal(calibration.expectedError * 100, 1)
    return """
      <p>Stated probabilities are \(error) percentage points from the share of right answers, on average \
      (the expected calibration error, of \(calibration.bins.count) equal parts). Points below the diagonal are answers \
      that the model was too sure of.</p>\
      \(Chart.reliability("How often answers of each stated probability were right, with 95 % intervals", bins))
      """
  }

  private static func predictions(of measured: TrainingReport.Measured) -> HTML {
    // A point for each of at most 2000 pictures, spread evenly over them.
    let numbers = numbers(of: measured)
    let step = max(1, (numbers.count + 1999) / 2000)
    return Chart.predictions(
      "A point for each picture; on the dashed line the prediction is right",
      stride(from: 0, to: numbers.count, by: step).map {
        (numbers[$0].truth, numbers[$0].prediction, numbers[$0].name)
      })
  }

  static func numbers(
    of measured: TrainingReport.Measured
  ) -> [(truth: Double, prediction: Double, name: String)] {
    measured.answers.compactMap { answer in
      guard case .number(let truth) = answer.target, let value = answer.values.first else { return nil }
      return (truth, value, answer.example.name)
    }
  }

  private var penaltyCurves: HTML {
    let tried = penalties.filter { $0.penalty > 0 }.sorted { $0.penalty < $1.penalty }
    guard tried.count > 1, let penalty else { return "" }
    func chart(_ title: String, _ y: String, _ value: (TrainingReport.Penalty) -> Double?) -> HTML {
      let points = tried.compactMap { entry in value(entry).map { (log10(entry.penalty), $0) } }
      let values = points.map(\.1).filter(\.isFinite)
      guard let least = values.min(), let largest = values.max() else { return "" }
      let margin = max((largest - least) * 0.08, abs(largest) * 1e-3, 1e-9)
      return Chart.lines(
        title, x: "penalty", y: y, [.init(y, points)], range: (least - margin)...(largest + margin),
        text: { Chart.label(pow(10, $0)) }, hasDots: true)
    }
    let isNumber = primary?.meanAbsoluteError != nil
    let loss = chart(
      isNumber ? "The error of pictures that were held out" : "The loss of pictures that were held out",
      isNumber ? "root of the mean squared error" : "loss", \.loss)
    let accuracy = chart("The share of right answers", "right", \.accuracy)
    return """
      <p>The penalty on the head's squared weights is \(significant(penalty)), for which the \
      \(isNumber ? "error" : "loss") of pictures that were held out in cross-validation is least.</p>\
      <div class="charts">\(loss)\(accuracy)</div>
      """
  }

  /// A number of the data, in digits as far as that is readable.
  static func number(_ value: Double) -> String {
    let isLarge = (10_000..<1e9).contains(abs(value))
    return isLarge ? (value < 0 ? "-" : "") + grouped(Int(abs(value).rounded())) : Chart.label(value)
  }

  static func percent(_ share: Double) -> String { decimal(share * 100, 1) + "\u{a0}%" }
}
