import ZooData
import ZooReports
import ZooSystem
import ZooTraining

extension TaskPage {
  private static let mostErrors = 24
  private static let mostDoubts = 40

  private typealias Answer = TrainingReport.Measured.Answer

  /// The pictures that the model is most wrong about.
  func worstErrors() throws(ZooError) -> HTML {
    guard let primary else { return "" }
    var wrong: [(answer: Answer, error: Double, caption: HTML)] = []
    for answer in primary.answers {
      guard let (error, caption) = mistake(in: answer) else { continue }
      wrong.append((answer, error, caption))
    }
    guard !wrong.isEmpty else { return "<p>There is none.</p>" }
    let sorted = wrong.enumerated().sorted { ($1.element.error, $0.offset) < ($0.element.error, $1.offset) }
    // Some more than are shown, in place of those that are gone.
    let worst = sorted.prefix(Self.mostErrors * 2).map(\.element)
    let uris = try pictures.thumbnails(of: worst.map(\.answer.example.path))
    let shown = worst.filter { uris[$0.answer.example.path] != nil }.prefix(Self.mostErrors)
    let count = wrong.count
    let text =
      primary.meanAbsoluteError != nil
      ? "The pictures whose prediction is farthest from the true number."
      : primary.accuracy != nil
        ? "\(grouped(count)) of \(grouped(primary.pictures)) pictures were taken for another class. These are the ones "
          + "whose true class got the least probability."
        : "The pictures with the label that the model is most wrong about."
    let sheet = HTML.sheet(
      shown.map { wrong in
        let name = wrong.answer.example.name
        return (
          uris[wrong.answer.example.path] ?? "",
          "\(wrong.caption)<br><span class=\"faint\">\(Self.brief(name))</span>", name
        )
      })
    return "<p>\(text)</p><div class=\"wrong\">\(sheet)</div>"
  }

  /// How wrong an answer is, and what the model said; nil where it is right.
  private func mistake(in answer: Answer) -> (error: Double, caption: HTML)? {
    switch answer.target {
    case .missing: return nil
    case .classIndex(let truth):
      guard let said = Self.largest(answer.values), said != truth else { return nil }
      // With two classes it is what is left.
      let rest: HTML =
        classes.count > 2 ? "; the true class got \(Self.percent(answer.values[truth]))" : ""
      return (
        1 - answer.values[truth],
        "<b>\(classes[truth])</b> taken for <b>\(classes[said])</b>, \(Self.percent(answer.values[said]))\(rest)"
      )
    case .labels(let truths):
      let errors = answer.values.enumerated().map { label, value in
        truths.contains(label) ? 1 - value : value
      }
      guard let label = Self.largest(errors), errors[label] > 0.5 else { return nil }
      let share = Self.percent(answer.values[label])
      let caption: HTML =
        truths.contains(label)
        ? "<b>\(classes[label])</b> not found, \(share)" : "<b>\(classes[label])</b> wrongly found, \(share)"
      return (errors[label], caption)
    case .number(let truth):
      guard let value = answer.values.first, value != truth else { return nil }
      return (abs(value - truth), "<b>\(Self.number(value))</b>, true is <b>\(Self.number(truth))</b>")
    }
  }

  /// Labels that may be wrong: the model, which was not trained on these pictures, is as sure of another class as it
  /// is of that class's own pictures on average (Northcutt's confident learning).
  func doubtfulLabels() throws(ZooError) -> HTML {
    guard primary?.accuracy != nil else { return "" }
    let answers = (measured?.answers ?? []) + (tested?.answers ?? [])
    var sums = [Double](repeating: 0, count: classes.count)
    var counts = [Double](repeating: 0, count: classes.count)
    for answer in answers {
      guard case .classIndex(let truth) = answer.target else { continue }
      sums[truth] += answer.values[truth]
      counts[truth] += 1
    }
    let usual = zip(sums, counts).map { $1 > 0 ? $0 / $1 : .infinity }
    var doubts: [(answer: Answer, truth: Int, said: Int, margin: Double)] = []
    for answer in answers {
      guard case .classIndex(let truth) = answer.target, let said = Self.largest(answer.values),
        said != truth,
        answer.values[said] >= usual[said]
      else { continue }
      doubts.append((answer, truth, said, answer.values[said] - answer.values[truth]))
    }
    guard !doubts.isEmpty else { return "<p>There is none.</p>" }
    let sorted = doubts.enumerated().sorted {
      ($1.element.margin, $0.offset) < ($0.element.margin, $1.offset)
    }
    let shown = sorted.prefix(Self.mostDoubts).map(\.element)
    let uris = try pictures.thumbnails(of: shown.map(\.answer.example.path), within: ReportPictures.rowSide)
    var table = DataTable(
      [
        .init("Picture"), .init("Label"), .init("The model says"), .init("Probability", isNumber: true),
        .init("Of its pictures, on average", isNumber: true), .init("File", isLong: true),
      ], hasSearch: shown.count > 12)
    for doubt in shown {
      let name = doubt.answer.example.name
      guard let uri = uris[doubt.answer.example.path] else { continue }
      let probability = doubt.answer.values[doubt.said]
      table.add([
        .init("<img class=\"row\" src=\"\(uri)\" alt=\"\(name)\" loading=\"lazy\">"),
        .init("\(classes[doubt.truth])"), .init("\(classes[doubt.said])"),
        .init("\(Self.percent(probability))", value: probability),
        .init("\(Self.percent(usual[doubt.said]))", value: usual[doubt.said]), .init("\(name)"),
      ])
    }
    let condition = areUnseen ? "It was not trained on them, so" : "If it was not trained on them,"
    let first = doubts.count > shown.count ? " These are the first \(shown.count)." : ""
    return """
      <p>Of \(grouped(doubts.count)) pictures the model is at least as sure of another class as it is of that class’s \
      own pictures on average. \(condition) either it is wrong or the label is.\(first)</p>\(table.html)
      """
  }

  /// The index of the largest value, the first of equal ones.
  private static func largest(_ values: [Double]) -> Int? {
    values.indices.max { (values[$0], $1) < (values[$1], $0) }
  }
}
