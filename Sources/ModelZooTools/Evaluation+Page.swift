import ZooReports
import ZooSystem
import ZooTraining

extension Evaluation {
  /// Writes the result as a web page in one file, as `zoo evaluate --report report.html` does, whole or not at all.
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

  /// Writes the result as JSON, whole or not at all.
  ///
  /// - Throws: `ZooError` where the file can't be made.
  public func write(to path: String, overwrite: Bool = false) throws(ZooError) {
    try ReportFile.write(self, to: path, overwrite: overwrite)
  }

  package func page(arguments: [String]) throws(ZooError) -> Page {
    let pictures = ReportPictures(material: material)
    let pages = zip(tasks, material.tasks).map { task, own in
      TaskPage(
        name: task.name, classes: own.classNames, measured: task.measured, tested: nil, areUnseen: false,
        pictures: pictures)
    }
    var sections = [Page.Section(id: "result", title: "Result", body: result(TaskPage.headlines(of: pages)))]
    sections += try TaskPage.sections(of: pages)
    let left = TaskPage.unreadable(unreadable)
    if !unreadable.isEmpty {
      sections.append(.init(id: "unreadable", title: "Pictures left out", body: left))
    }
    sections.append(.init(id: "repeat", title: "To repeat it", body: repetition(arguments)))
    let name = model.split(separator: "/").last.map(String.init) ?? model
    var page = Page(
      title: "Evaluation of \(name)",
      subtitle: "on \(data), \(grouped(material.examples.count)) pictures", sections: sections)
    page.style = TaskPage.style
    return page
  }

  private func result(_ headlines: HTML) -> HTML {
    var facts: [(String, HTML)] = [
      ("model", "\(model)"), ("data", "\(data)"), ("pictures", "\(grouped(material.examples.count))"),
      ("preprocessing", "\(material.preprocessing)"),
      (
        "brought to",
        TaskPage.pixels(
          resampling: options.fitting.resampling.rawValue, crop: options.fitting.crop.name,
          isUpright: options.isUpright, of: material)
      ),
    ]
    if views > 1 { facts.append(("averaged", "\(views) views of each picture")) }
    facts.append(("time", "\(decimal(seconds, 1)) s"))
    if peakBytes > 0 { facts.append(("peak memory", "\(byteSize(peakBytes))")) }
    return headlines + TaskPage.notes(warnings) + HTML.facts(facts)
  }

  private func repetition(_ arguments: [String]) -> HTML {
    let content: HTML = modelContent.map { HTML.facts([("model’s content", TaskPage.hash($0))]) } ?? ""
    return TaskPage.command(arguments) + content
  }
}
