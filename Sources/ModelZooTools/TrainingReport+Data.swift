import ZooData
import ZooReports
import ZooSystem
import ZooTraining

// What a page shows of the data.

extension TrainingReport {
  private static let mostPairs = 12
  private static let mostInSheet = 60
  private static let mostOfClass = 4
  private static let viewedPictures = 4
  private static let shownViews = 8

  func dataSection(_ pictures: ReportPictures) throws(ZooError) -> HTML {
    var facts: [(String, HTML)] = [("pictures", "\(grouped(data.pictures))")]
    if data.groups < data.pictures { facts.append(("without copies", "\(grouped(data.groups))")) }
    if data.exactDuplicates + data.nearDuplicates > 0 {
      facts.append(
        (
          "pairs of copies",
          "\(grouped(data.exactDuplicates)) equal, \(grouped(data.nearDuplicates)) nearly equal"
        ))
    }
    if !data.unreadable.isEmpty { facts.append(("could not be read", "\(grouped(data.unreadable.count))")) }
    return HTML.facts(facts) + counts + (try sheet(pictures)) + (try views(pictures)) + (try copies(pictures))
      + TaskPage.unreadable(data.unreadable)
  }

  /// How many pictures there are of each class, or of each range of numbers.
  private var counts: HTML {
    tasks.enumerated().map { place, task -> HTML in
      let suffix = tasks.count == 1 ? "" : ", \(task.name)"
      guard task.kind != "number" else { return histogram(of: place, suffix) }
      let sorted = zip(task.classes, task.counts).enumerated()
        .sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element)
      let left = sorted.count - TaskPage.mostBars
      let rest = left > 0 ? "; \(grouped(left)) smaller ones are not shown" : ""
      return Chart.bars(
        "Pictures of each \(task.kind == "labels" ? "label" : "class") that the head was trained on\(suffix)\(rest)",
        sorted.prefix(TaskPage.mostBars).map { .init($0.0, Double($0.1), note: grouped($0.1)) })
    }.joined()
  }

  private func histogram(of place: Int, _ suffix: String) -> HTML {
    let numbers = material.examples.compactMap { example in
      if case .number(let number) = example.targets[place], number.isFinite { number } else { nil }
    }
    guard let least = numbers.min(), let largest = numbers.max(), least < largest else { return "" }
    let count = 24
    var counts = [Int](repeating: 0, count: count)
    for number in numbers {
      counts[min(count - 1, Int((number - least) / (largest - least) * Double(count)))] += 1
    }
    return Chart.histogram(
      "Distribution of the true numbers\(suffix)", counts: counts, range: least...largest)
  }

  // MARK: Pictures

  /// A few pictures of each class.
  private func sheet(_ pictures: ReportPictures) throws(ZooError) -> HTML {
    let chosen = chosenPictures
    let uris = try pictures.networkViews(of: chosen.map(\.path), numbers: 0..<1)
    let shown = zip(chosen, uris).compactMap { example, uris in
      uris.first.map { (uri: $0, caption: "\(text(of: example))" as HTML, description: example.name) }
    }
    guard !shown.isEmpty else { return "" }
    return
      "<h3>As the network sees them</h3><div class=\"seen\(isSmall ? " pixels" : "")\">\(HTML.sheet(shown))</div>"
  }

  /// Whether pictures at the network's size are so small that their pixels should be seen.
  private var isSmall: Bool { max(material.loader.height, material.loader.width) < 100 }

  /// The first pictures of each class, or some of all where there are no classes.
  private var chosenPictures: [ImageDataset.Example] {
    guard let place = tasks.firstIndex(where: { $0.kind != "number" }) else {
      let step = max(1, material.examples.count / 24)
      return stride(from: 0, to: material.examples.count, by: step).prefix(24).map { material.examples[$0] }
    }
    let classes = tasks[place].classes.count
    let most = max(1, min(Self.mostOfClass, Self.mostInSheet / max(1, classes)))
    var byClass = [[ImageDataset.Example]](repeating: [], count: classes)
    for example in material.examples {
      let index: Int? =
        switch example.targets[place] {
        case .classIndex(let index): index
        case .labels(let indices): indices.first
        case .missing, .number: nil
        }
      if let index, byClass[index].count < most { byClass[index].append(example) }
    }
    return Array(byClass.joined().prefix(Self.mostInSheet))
  }

  /// Some pictures with the views of them that were trained on.
  private func views(_ pictures: ReportPictures) throws(ZooError) -> HTML {
    guard material.viewCount > 1 else { return "" }
    let chosen = chosenPictures
    let step = max(1, chosen.count / Self.viewedPictures)
    let some = stride(from: 0, to: chosen.count, by: step).prefix(Self.viewedPictures).map { chosen[$0] }
    let uris = try pictures.networkViews(
      of: some.map(\.path), numbers: 0..<min(material.viewCount, Self.shownViews))
    let shown = zip(some, uris).flatMap { example, uris in
      uris.enumerated().map { number, uri in
        (
          uri: uri,
          caption: number == 0
            ? "\(text(of: example))" : "<span class=\"faint\">view \(number)</span>" as HTML,
          description: "\(example.name), view \(number)"
        )
      }
    }
    guard !shown.isEmpty else { return "" }
    let augmentation = record.settings["augmentation"] ?? ""
    let flips = record.allowsFlips ? "" : ", none of them flipped"
    return """
      <h3>Augmented views</h3><p>\(material.viewCount) views of each picture were trained on: the picture as it is, and \
      \(augmentation) changes of it\(flips). None were used to measure the result.</p>\
      <div class="seen\(isSmall ? " pixels" : "")">\
      \(HTML.sheet(shown))</div>
      """
  }

  /// Some pairs of copies, first those whose labels differ.
  private func copies(_ pictures: ReportPictures) throws(ZooError) -> HTML {
    func differs(_ pair: DuplicateFinder.Pair) -> Bool {
      material.examples[pair.first].targets != material.examples[pair.second].targets
    }
    func rank(_ pair: DuplicateFinder.Pair) -> Int { (differs(pair) ? 0 : 2) + (pair.kind == .exact ? 0 : 1) }
    let sorted = material.pairs.enumerated()
      .sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
    guard !sorted.isEmpty else { return "" }
    let shown = sorted.prefix(Self.mostPairs)
    let paths = shown.flatMap { [material.examples[$0.first].path, material.examples[$0.second].path] }
    let uris = try pictures.thumbnails(of: paths)
    let figures = shown.compactMap { pair -> HTML? in
      let (first, second) = (material.examples[pair.first], material.examples[pair.second])
      guard let left = uris[first.path], let right = uris[second.path] else { return nil }
      let kind =
        switch pair.kind {
        case .exact: "equal"
        case .near: "nearly equal"
        case .mirrored: "mirrored"
        }
      let labels: HTML =
        differs(pair)
        ? """
        \(HTML.badge("different labels", .doubt)) <b>\(text(of: first))</b> and <b>\(text(of: second))</b>, \(kind)
        """ : "\(kind)"
      return """
        <figure><div><img src="\(left)" alt="\(first.name)" loading="lazy"><img src="\(right)" alt="\(second.name)" \
        loading="lazy"></div><figcaption>\(labels)<br><span class="faint">\(TaskPage.brief(first.name)), \
        \(TaskPage.brief(second.name))</span>\
        </figcaption></figure>
        """
    }
    let conflicts = material.pairs.count(where: differs)
    let doubt: HTML =
      conflicts == 0
      ? "" : " The labels of \(grouped(conflicts)) \(conflicts == 1 ? "pair" : "pairs") differ."
    return """
      <h3>Copies</h3><p>Copies are never on both sides of a split.\(doubt)\
      \(sorted.count > shown.count ? " These are \(shown.count) of \(grouped(sorted.count)) pairs." : "")</p>\
      <div class="pairs">\(figures.joined())</div>
      """
  }

  /// What is known of a picture, for all tasks.
  private func text(of example: ImageDataset.Example) -> String {
    zip(material.tasks, example.targets).compactMap { task, target -> String? in
      switch target {
      case .missing: nil
      case .classIndex(let index): task.classNames[index]
      case .labels(let indices):
        indices.isEmpty ? "no label" : indices.map { task.classNames[$0] }.joined(separator: " + ")
      case .number(let number): TaskPage.number(number)
      }
    }.joined(separator: ", ")
  }
}
