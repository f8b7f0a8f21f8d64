import ModelZoo
import ZooConversion
import ZooReports
import ZooSystem
import ZooVerification

extension ConversionReport {
  /// Writes the report as a web page in one file, as `zoo convert --report report.html` does, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - model: the model that was written, whose weights are shown; nil for none.
  ///   - overwrite: whether an existing file is replaced.
  /// - Throws: `ZooError` where the file can't be made or the weights can't be read.
  public func writePage(to path: String, model: Model?, overwrite: Bool = false) throws(ZooError) {
    try page(model: model).write(to: path, overwrite: overwrite)
  }

  package func page(model: Model?) throws(ZooError) -> Page {
    let name = source.split(separator: "/").last.map(String.init) ?? source
    var sections = [Page.Section(id: "summary", title: "Summary", body: summary)]
    if let verification {
      sections.append(.init(id: "checks", title: "Checks", body: verification.checksHTML))
      let norms = verification.checks.flatMap(\.deviations)
      if !norms.isEmpty {
        sections.append(.init(id: "norms", title: "Batch norms", body: Self.agreement(of: norms)))
      }
    }
    sections.append(.init(id: "matches", title: "What was matched to what", body: matches))
    if !unused.isEmpty {
      sections.append(.init(id: "unused", title: "Left out and unused", body: leftOut))
    }
    if let model {
      sections.append(
        .init(id: "weights", title: "Weights", body: Self.weights(of: model, try model.weightSummaries())))
    }
    return Page(
      title: "Conversion of \(name)", subtitle: "\(architecture), \(variant)", sections: sections)
  }

  // MARK: Sections

  private var summary: HTML {
    let verdict: HTML =
      if let verification {
        verification.passed
          ? verification.isDoubtful ? .badge("passed, with a doubt", .doubt) : .badge("passed", .good)
          : .badge("failed", .bad)
      } else {
        .badge("not verified", .doubt)
      }
    var tiles = [(grouped(parameters), "weights"), (grouped(tensors.count), "tensors")]
    if let outputBytes { tiles.append((byteSize(outputBytes), "size of the model")) }
    if let seconds { tiles.append((decimal(seconds, 1) + " s", "time")) }
    tiles.append((storage, "stored as"))
    let notes = warnings.map { warning -> HTML in "<p>\(HTML.badge("note", .doubt)) \(warning)</p>" }.joined()
    var facts: [(String, HTML)] = [
      ("verification", verdict), ("source", "\(source)"), ("layout", "\(layout)"),
      ("writer", "\(writer ?? "not stated")"), ("SHA-256", "<span class=\"mono\">\(sha256)</span>"),
    ]
    if let publishedFile { facts.append(("published as", "\(publishedFile), by its hash")) }
    facts.append(("output", "\(output ?? "none: a dry run")"))
    facts.append(("matched by", "\(explanation)"))
    facts.append(("kernels in the file", "\(kernelLayout)"))
    let origin =
      preprocessingIsInside
      ? ", as it is inside the network"
      : preprocessingIsFound ? ", found by the batch-norm statistics" : ""
    facts.append(("preprocessing", "\(preprocessing + origin)"))
    for (layer, expression) in lambdas.sorted(by: { $0.key < $1.key }) {
      facts.append(("lambda", "\(layer) = \(expression), as stated"))
    }
    if let labelsFile { facts.append(("labels", "from \(labelsFile)")) }
    if let precision { facts.append(("computed in", "32 bits, by the original in \(precision)")) }
    return HTML.tiles(tiles) + notes + HTML.facts(facts)
  }

  private static func agreement(of norms: [BatchNormTestimony.Deviation]) -> HTML {
    func series(_ name: String, _ value: (BatchNormTestimony.Deviation) -> Double) -> Chart.Series {
      Chart.Series(name, norms.enumerated().map { (Double($0 + 1), value($1)) })
    }
    let chart = Chart.lines(
      "How far what reaches each batch norm is from what it has stored of training",
      x: "batch norm, in order",
      y: "deviation",
      [
        series("z: median distance of means, in standard deviations", \.z),
        series("v: median ratio of variances, as a logarithm", \.v),
      ])
    var table = DataTable(
      [
        .init("Layer"), .init("z", isNumber: true), .init("v", isNumber: true),
        .init("r, correlation of variances", isNumber: true),
      ], hasSearch: norms.count > 12)
    for norm in norms {
      table.add([
        .init("\(norm.layer)"), .init("\(decimal(norm.z, 3))", value: norm.z),
        .init("\(decimal(norm.v, 3))", value: norm.v), .init("\(decimal(norm.r, 3))", value: norm.r),
      ])
    }
    return """
      <p>The network was run on images that are not those of its training, so some deviation is normal, and it grows \
      with depth. A sudden jump shows a wrong tensor.</p>\(chart)<details><summary>All \(norms.count) layers</summary>\
      \(table.html)</details>
      """
  }

  private var matches: HTML {
    var table = DataTable(
      [
        .init("Weight of the network"), .init("Tensor in the file"), .init("Shape"),
        .init("Change of layout"),
        .init("Matched by", isLong: true), .init("Others of this shape", isNumber: true), .init("Stored as"),
      ], hasSearch: true)
    func shape(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: "×") }
    for row in tensors {
      let shapes = row.sourceShape == row.shape ? "" : "\(shape(row.sourceShape)) → "
      let error = row.storageError.map { ", error \(significant($0))" } ?? ""
      table.add([
        .init("\(row.slot)"), .init("\(row.source)"), .init("\(shapes + shape(row.shape))"),
        .init("\(row.transform)"), .init("\(row.evidence) (\(row.witnesses.joined(separator: ", ")))"),
        .init("\(row.alike)", value: Double(row.alike)),
        .init(
          "\(row.sourceType == row.storedType ? row.storedType : "\(row.sourceType) → \(row.storedType)")\(error)"
        ),
      ])
    }
    return table.html
  }

  private var leftOut: HTML {
    var table = DataTable(
      [.init("Tensor in the file"), .init("Why", isLong: true)], hasSearch: unused.count > 12)
    for omission in unused { table.add([.init("\(omission.name)"), .init("\(omission.reason)")]) }
    return table.html
  }

  private static func weights(of model: Model, _ summaries: [Int: [TensorSummary]]) -> HTML {
    var table = DataTable(
      [
        .init("Layer"), .init("Weight"), .init("Shape"), .init("Distribution"),
        .init("Least", isNumber: true),
        .init("Mean", isNumber: true), .init("Largest", isNumber: true),
        .init("Std. deviation", isNumber: true), .init("Zeros", isNumber: true),
      ], hasSearch: true)
    for (index, tensors) in summaries.sorted(by: { $0.key < $1.key }) {
      for tensor in tensors {
        table.add([
          .init("\(model.graph.nodes[index].name)"), .init("\(tensor.name)"),
          .init("\(tensor.shape.map(String.init).joined(separator: "×"))"),
          .init(Chart.spark(tensor.counts)),
          .init("\(Chart.label(tensor.least))", value: tensor.least),
          .init("\(Chart.label(tensor.mean))", value: tensor.mean),
          .init("\(Chart.label(tensor.largest))", value: tensor.largest),
          .init("\(Chart.label(tensor.deviation))", value: tensor.deviation),
          .init(tensor.zeros == 0 ? "" : "\(grouped(tensor.zeros))", value: Double(tensor.zeros)),
        ])
      }
    }
    return table.html
  }
}
