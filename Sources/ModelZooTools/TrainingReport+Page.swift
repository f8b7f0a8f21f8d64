import ZooData
import ZooReports
import ZooSystem
import ZooTraining

extension TrainingReport {
  /// Writes the report as a web page in one file, as `zoo train --report report.html` does, whole or not at all.
  ///
  /// It shows some of the pictures, which are read again; pictures that are gone are left out.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - arguments: the command with its arguments, which the page shows; none where there was no command.
  ///   - overwrite: whether an existing file is replaced.
  /// - Throws: `ZooError` where the file can't be made.
  public func writePage(
    to path: String, arguments: [String] = [], overwrite: Bool = false
  ) throws(ZooError) {
    try page(arguments: arguments).write(to: path, overwrite: overwrite)
  }

  /// Writes the report as JSON, whole or not at all.
  ///
  /// - Throws: `ZooError` where the file can't be made.
  public func write(to path: String, overwrite: Bool = false) throws(ZooError) {
    try ReportFile.write(self, to: path, overwrite: overwrite)
  }

  package func page(arguments: [String]) throws(ZooError) -> Page {
    let pictures = ReportPictures(material: material)
    let pages = tasks.map { task in
      TaskPage(
        name: task.name, classes: task.classes, penalty: task.penalty, penalties: task.penalties,
        measured: task.measured, tested: task.tested, pictures: pictures)
    }
    var sections = [
      Page.Section(id: "result", title: "Result", body: result(TaskPage.headlines(of: pages))),
      Page.Section(id: "data", title: "Data", body: try dataSection(pictures)),
    ]
    sections += try TaskPage.sections(of: pages)
    if let fineTuning {
      sections.append(.init(id: "layers", title: "Training of layers", body: fineTuning.html))
    }
    sections.append(.init(id: "how", title: "How it was trained", body: how))
    sections.append(.init(id: "checks", title: "Checks of the file", body: verification.checksHTML))
    sections.append(.init(id: "repeat", title: "To repeat it", body: repetition(arguments)))
    let name = output.split(separator: "/").last.map(String.init) ?? output
    var page = Page(
      title: "Training of \(name)",
      subtitle: "\(record.backbone) on \(data.name), \(grouped(data.pictures)) pictures", sections: sections)
    page.style = TaskPage.style
    return page
  }

  // MARK: Sections

  private func result(_ headlines: HTML) -> HTML {
    var measured = split.text
    if split.validation > 0 { measured += ": \(grouped(split.validation)) pictures" }
    if split.test > 0 { measured += "; at the end, once, \(grouped(split.test)) test pictures of the data" }
    let passed = verification.checks.count { $0.status == .passed }
    let verdict: HTML =
      verification.passed
      ? HTML.badge(
        verification.isDoubtful ? "passed, with a doubt" : "passed", verification.isDoubtful ? .doubt : .good)
      : HTML.badge("failed", .bad)
    var facts: [(String, HTML)] = [
      ("measured by", "\(measured)"), ("model", "\(output)"), ("verification", "\(verdict) \(passed) checks"),
      (
        "time",
        """
        \(decimal(seconds.all, 1)) s: \(decimal(seconds.features, 1)) s for features, \
        \(decimal(seconds.heads, 1)) s for the \(tasks.count == 1 ? "head" : "heads")\
        \(fineTuning == nil ? "" : ", \(decimal(seconds.tuning, 1)) s for layers")
        """
      ),
    ]
    if peakBytes > 0 { facts.append(("peak memory", "\(byteSize(peakBytes))")) }
    return headlines + TaskPage.notes(warnings) + HTML.facts(facts)
  }

  private var how: HTML {
    var facts: [(String, HTML)] = [
      frozen,
      (
        "features",
        """
        \(grouped(features.width)) of \(features.layers.joined(separator: ", ")); \(grouped(features.computed)) views \
        computed, \(grouped(features.cached)) from the cache
        """
      ),
    ]
    let head = record.settings["head"] ?? ""
    let layers = head == "linear" ? "one dense layer" : head
    for task in tasks {
      let outputs = max(1, task.classes.count)
      let kind =
        switch task.kind {
        case "classes": "softmax of \(grouped(outputs)) classes"
        case "labels": "sigmoids of \(grouped(outputs)) labels"
        default: "a number"
        }
      facts.append(
        (
          tasks.count == 1 ? "head" : "head of \(task.name)",
          """
          \(layers), \(kind), trained on \(grouped(task.trained)) pictures\
          \(task.epochs.map { " for \($0) epochs" } ?? "")\
          \(task.isWeighted ? ", classes balanced by weights" : "")
          """
        ))
    }
    facts.append(("preprocessing", "\(material.preprocessing)"))
    facts.append(
      (
        "pictures",
        TaskPage.pixels(
          resampling: record.pixels.resampling, crop: record.pixels.crop, isUpright: record.pixels.isUpright,
          of: material)
      ))
    facts.append(
      (
        "pictures trained on",
        split.validation > 0
          ? "\(grouped(split.training)) for the result above, \(grouped(record.pictureCount)) for the file"
          : "\(grouped(record.pictureCount))"
      ))
    for (name, value) in record.settings.sorted(by: { $0.key < $1.key }) {
      // What is said above in words.
      if name == "measured by" || name == "head" || name.hasSuffix("class weights") { continue }
      facts.append((name, "\(value)"))
    }
    return HTML.facts(facts)
  }

  /// Which layers are in the file as they were.
  private var frozen: (String, HTML) {
    guard let stage = fineTuning?.stages.last(where: \.isKept) else {
      return (
        "frozen",
        "the whole backbone, \(record.backbone): its weights and statistics are in the file as they were; only the "
          + "\(tasks.count == 1 ? "head was" : "heads were") trained"
      )
    }
    return ("trained", "the \(tasks.count == 1 ? "head" : "heads"), and the layers of \(record.backbone) from \(stage.from) on")
  }

  private func repetition(_ arguments: [String]) -> HTML {
    """
    <p>The same pictures, backbone and settings give the same file, bit for bit, on the same kind of processor.</p>\
    \(TaskPage.command(arguments))\
    \(HTML.facts([
      ("backbone", TaskPage.hash(hashes.backbone)), ("data", TaskPage.hash(hashes.data)),
      ("model", TaskPage.hash(hashes.output)),
    ]))
    <p class="faint">SHA-256 of the backbone’s content, of all pictures and labels in any order, and of the content of \
    the model.</p>
    """
  }
}
