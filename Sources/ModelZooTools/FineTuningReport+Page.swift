import ZooReports
import ZooSystem
import ZooTraining

extension FineTuningReport {
  /// What each stage of training layers came to, with curves of loss, accuracy and rate.
  var html: HTML {
    var table = DataTable([
      .init("layers"), .init("weights", isNumber: true), .init("best epoch", isNumber: true),
      .init("loss before", isNumber: true), .init("loss after", isNumber: true), .init("lower by", isNumber: true),
      .init(""), .init("time", isNumber: true),
    ])
    for stage in stages {
      let best = stage.runs.min { $0.validationLoss < $1.validationLoss }
      table.add([
        .init("\(stage.name), from \(stage.from) on"),
        .init("\(grouped(stage.parameters))", value: Double(stage.parameters)),
        .init("\(best.map { "\($0.best) of \($0.epochs.count)" } ?? "")"),
        .init("\(decimal(stage.lossBefore, 3))", value: stage.lossBefore),
        .init("\(decimal(stage.lossAfter, 3))", value: stage.lossAfter),
        .init("\(decimal(stage.gain, 3)) ± \(decimal(stage.gainError, 3))", value: stage.gain),
        .init(stage.isKept ? HTML.badge("kept", .good) : HTML.badge("not kept", .doubt)),
        .init("\(decimal(stage.seconds, 1)) s", value: stage.seconds),
      ])
    }
    let norms: HTML =
      batchNorm == "fixed"
      ? "Batch norms of trained layers kept their stored statistics; their scales and shifts learned."
      : "Batch norms of trained layers normalized by each batch, which moved their stored statistics."
    let again: HTML =
      repeated.map { " The same was then done with all \(grouped($0)) pictures, for the file." } ?? ""
    return """
      <p>\(grouped(training)) pictures were learned from; \(grouped(validation)) chose the best epoch and whether a stage \
      was kept. \(norms)\(again)</p>\(table.html)\(stages.flatMap { stage in
        stage.runs.enumerated().map { curves(of: $1, stage.runs.count > 1 ? "\(stage.name), run \($0 + 1)" : stage.name) }
      }.joined())
      """
  }

  private func curves(of run: Run, _ name: String) -> HTML {
    func series(_ name: String, _ value: (Epoch) -> Double) -> Chart.Series {
      Chart.Series(name, run.epochs.enumerated().map { (Double($0 + 1), value($1)) })
    }
    func epoch(_ number: Double) -> String { grouped(Int(number.rounded())) }
    let losses = Chart.lines(
      "Loss, \(name)", x: "epoch", y: "loss",
      [series("training", \.trainingLoss), series("validation", \.validationLoss)], text: epoch, hasDots: true)
    let accuracies: HTML =
      run.epochs.contains { $0.validationAccuracy == nil }
      ? ""
      : Chart.lines(
        "Accuracy of validation pictures, \(name)", x: "epoch", y: "right",
        [series("validation") { $0.validationAccuracy ?? 0 }], range: 0...1, text: epoch, hasDots: true)
    let rates = Chart.lines(
      "Rate of the head at the end of each epoch, \(name)", x: "epoch", y: "rate",
      [series("rate", \.rate)], text: epoch, hasDots: true)
    return """
      <h3>\(name)</h3><p>The best epoch is \(run.best) of \(run.epochs.count). The loss of training includes smoothed \
      labels, dropout and augmented views, and is not to be compared with that of validation.</p>\
      \(losses)\(accuracies)\(rates)
      """
  }
}
