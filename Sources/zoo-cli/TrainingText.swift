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
    try row("measured by", measuredText)
    for task in report.tasks { try print(task) }
    try row(
      "time",
      "\(decimal(report.seconds.features, 1)) s for features, \(decimal(report.seconds.heads, 1)) s for the head, "
        + "\(decimal(report.seconds.all, 1)) s in all")
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

  private var measuredText: String {
    let split = report.split
    var text = split.text
    if split.validation > 0 { text += ": \(grouped(split.validation))" }
    if split.test > 0 { text += "; \(counted(split.test, "test picture"))" }
    return text
  }

  private func print(_ task: TrainingReport.Task) throws {
    let prefix = report.tasks.count > 1 ? "\(task.name): " : ""
    let weights = task.isWeighted ? ", classes balanced by weights" : ""
    if let penalty = task.penalty {
      try row("head", "\(prefix)penalty \(significant(penalty))\(weights)")
    } else if let epochs = task.epochs {
      try row("head", "\(prefix)\(epochs) epochs\(weights)")
    }
    if let measured = task.measured { try MeasuredText(measured).print("result", prefix: prefix) }
    if let tested = task.tested { try MeasuredText(tested).print("test", prefix: prefix) }
    if let measured = task.tested ?? task.measured { try MeasuredText(measured).printClasses() }
  }
}
