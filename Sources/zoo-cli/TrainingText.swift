import ModelZooTools
import ZooSystem

/// The report of a training for people.
struct TrainingText {
  private let report: TrainingReport

  init(_ report: TrainingReport) { self.report = report }

  func print() throws {
    try row("data", dataText)
    if report.data.exactDuplicates + report.data.nearDuplicates > 0 {
      try row(
        "duplicates",
        "\(report.data.exactDuplicates) exact and \(grouped(report.data.nearDuplicates)) near; copies are never on both "
          + "sides of a split")
    }
    try row(
      "features",
      "\(grouped(report.features.width)) of \(report.features.layers.joined(separator: ", ")); "
        + "\(grouped(report.features.computed)) computed, \(grouped(report.features.cached)) from the cache")
    if let flips = report.flips { try row("flips", text(of: flips)) }
    try row("measured by", measuredText)
    for task in report.tasks { try printHead(of: task) }
    for stage in report.fineTuning?.stages ?? [] { try print(stage) }
    for task in report.tasks { try printResult(of: task) }
    if report.fineTuning == nil { try printCosts() }
    let tuning = report.fineTuning == nil ? "" : "\(decimal(report.seconds.tuning, 1)) s for layers, "
    try row(
      "time",
      "\(decimal(report.seconds.features, 1)) s for features, \(decimal(report.seconds.heads, 1)) s for the head, "
        + tuning + "\(decimal(report.seconds.all, 1)) s in all")
    try row("checks", "\(report.verification.checks.count { $0.status == .passed }) passed")
    try Terminal.print("wrote \(report.output)")
  }

  private func row(_ label: String, _ text: String) throws { try Terminal.print(row: label, text) }

  private var dataText: String {
    let unreadable = report.data.unreadable
    var text = "\(report.data.name): \(counted(report.data.pictures, "picture"))"
    if let task = report.tasks.first, report.tasks.count == 1, task.kind != "number" {
      text += " in \(task.classes.count) \(task.kind)"
      let sizes = zip(task.classes, task.counts).sorted { $0.1 > $1.1 }
      if let largest = sizes.first, let smallest = sizes.last {
        text += " (largest \(largest.0) \(largest.1), smallest \(smallest.0) \(smallest.1))"
      }
    } else if report.tasks.count > 1 {
      text += ", \(report.tasks.count) tasks"
    }
    if !unreadable.isEmpty {
      text += "; \(unreadable.count) could not be read: "
      text += unreadable.prefix(3).map { "\($0.picture) (\($0.reason))" }.joined(separator: ", ")
      if unreadable.count > 3 { text += ", …" }
    }
    return text
  }

  private func text(of flips: TrainingReport.Flips) -> String {
    let losses =
      "the loss of held-back pictures is \(decimal(flips.loss, 3)) as they are and \(decimal(flips.flippedLoss, 3)) flipped"
    return flips.areUsed ? "every other view; \(losses)" : "none; \(losses)"
  }

  private var measuredText: String {
    let split = report.split
    var text = split.text
    if split.validation > 0 { text += ": \(grouped(split.validation))" }
    if split.test > 0 { text += "; \(counted(split.test, "test picture"))" }
    return text
  }

  /// What training layers of the backbone came to.
  private func print(_ stage: FineTuningReport.Stage) throws {
    let run = stage.runs.min { $0.validationLoss < $1.validationLoss }
    let epochs = run.map { ", best epoch \($0.best) of \($0.epochs.count)" } ?? ""
    let runs =
      stage.runs.count > 1
      ? ", mean of \(stage.runs.count { $0.isTaken }) of \(stage.runs.count) runs" : ""
    try row(
      stage.name,
      "\(grouped(stage.parameters)) weights\(epochs)\(runs); loss \(decimal(stage.lossBefore, 3)) to "
        + "\(decimal(stage.lossAfter, 3)), \(stage.gain < 0 ? "higher" : "lower") by "
        + "\(decimal(abs(stage.gain), 3)) ± \(decimal(stage.gainError, 3)): "
        + (stage.isKept ? "kept" : "not kept"))
  }

  /// What training layers of the backbone would take.
  private func printCosts() throws {
    guard !report.fineTuningCosts.isEmpty else { return }
    let costs = report.fineTuningCosts.map { "\($0.layers), about \(roughTime($0.seconds))" }
    try row("not trained", "the backbone; --fine-tune \(costs.joined(separator: "; or "))")
  }

  private func prefix(_ task: TrainingReport.Task) -> String {
    report.tasks.count > 1 ? "\(task.name): " : ""
  }

  private func printHead(of task: TrainingReport.Task) throws {
    let weights = task.isWeighted ? ", classes balanced by weights" : ""
    if let penalty = task.penalty {
      try row("head", "\(prefix(task))penalty \(significant(penalty))\(weights)")
    } else if let epochs = task.epochs {
      try row("head", "\(prefix(task))\(epochs) epochs\(weights)")
    }
  }

  private func printResult(of task: TrainingReport.Task) throws {
    if report.fineTuning?.isKept == true, let frozen = task.frozen?.summary {
      try row("before", "\(prefix(task))\(frozen)")
    }
    if let measured = task.measured { try MeasuredText(measured).print("result", prefix: prefix(task)) }
    if let tested = task.tested { try MeasuredText(tested).print("test", prefix: prefix(task)) }
    if let measured = task.tested ?? task.measured { try MeasuredText(measured).printClasses() }
  }
}

/// Seconds or minutes, with one or two digits.
func roughTime(_ seconds: Double) -> String {
  func rounded(_ number: Double) -> String {
    number < 10 ? decimal(number, 1) : "\(Int(number.rounded()))"
  }
  return seconds < 100 ? "\(rounded(seconds)) s" : "\(rounded(seconds / 60)) min"
}
