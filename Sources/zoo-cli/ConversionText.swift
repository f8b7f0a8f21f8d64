import ModelZooTools
import ZooSystem

/// What a conversion did, for people.
struct ConversionText {
  let result: ConversionReport
  /// What the file is called that was written, if one was.
  let output: String
  /// Whether the stored weights were to be coded.
  let isCompressed: Bool
  let stream: Terminal.Stream

  func print() throws {
    func row(_ label: String, _ value: String) throws {
      try Terminal.print(row: label, value, margin: 2, on: stream)
    }
    try Terminal.print("\(result.architecture), \(result.variant)", on: stream)
    try row("matched by", result.explanation)
    if let name = result.publishedFile { try row("published as", "\(name), by its hash") }
    try row(
      "weights",
      "\(grouped(result.parameters)) in \(result.tensors.count) tensors, stored as \(storage)"
        + (isCompressed || result.frontier?.contains { $0.isChosen && $0.isCompressed } == true
          ? ", compressed" : ""))
    if let precision = result.precision {
      try row(
        "computed in",
        "32 bits, by the original in \(precision)"
          + (precision == "int8" ? ", which also rounds what its dense layers read to 8 bits" : ""))
    }
    for (layer, expression) in result.lambdas.sorted(by: { $0.key < $1.key }) {
      try row("lambda", "\(layer) = \(expression), as stated")
    }
    try row(
      "preprocessing",
      result.preprocessing
        + (result.preprocessingIsInside ? ", as it is inside the network" : "")
        + (result.preprocessingIsFound ? ", found by the batch-norm statistics" : ""))
    if let labels = result.labelsFile { try row("labels", "from \(labels); --labels states others") }
    if let verification = result.verification {
      for check in verification.checks { try check.print(margin: 2, on: stream) }
    } else {
      try Terminal.print("  not verified", on: stream)
    }
    if let frontier = result.frontier { try print(frontier) }
    guard result.output != nil else {
      return try Terminal.print("dry run: nothing written", on: stream)
    }
    try Terminal.print("wrote \(output), \(byteSize(result.outputBytes ?? 0))", on: stream)
  }

  /// What was really stored in which type, that with the most weights first.
  private var storage: String {
    let types = Dictionary(grouping: result.tensors, by: \.storedType).map {
      (type: $0, count: $1.count, weights: weights(in: $1))
    }.sorted { ($1.weights, $0.type) < ($0.weights, $1.type) }
    guard types.count > 1 else { return types.first?.type ?? result.storage }
    return types.map { "\(grouped($0.weights)) in \($0.count) as \($0.type)" }.joined(separator: ", ")
  }

  private func weights(in rows: [ConversionReport.TensorRow]) -> Int {
    rows.reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  /// The files that there would have been.
  private func print(_ frontier: [ConversionReport.FrontierRow]) throws {
    var table = Table(["", "SIZE", "ERROR", "MS", "WEIGHTS"], rightAligned: [1, 2, 3], wrapsLast: true)
    for row in frontier {
      let all = row.weights.values.reduce(0, +)
      let shares = row.weights.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.compactMap { form, count in
        let percent = (100 * Double(count) / Double(max(all, 1))).rounded()
        return percent >= 1 ? "\(form) \(Int(percent)) %" : nil
      }
      table.add(
        row.isChosen ? "*" : "", byteSize(row.bytes), significant(row.outputError),
        decimal(row.milliseconds, 1),
        (shares + (row.isCompressed ? ["compressed"] : [])
          + (row.hasIntegerActivations ? ["with --activations int8"] : [])).joined(separator: ", "))
    }
    try table.print(on: stream)
  }
}
