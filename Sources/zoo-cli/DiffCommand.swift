import ArgumentParser
import ModelZooTools
import ZooSystem

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare the weights of two files.",
    discussion: """
      The files can have different formats. Exits with 0 if both hold the same tensors and no value differs by \
      more than the tolerance, otherwise with 1.

      Examples:
        zoo diff before.zoo after.zoo
        zoo diff resnet50.h5 resnet50.safetensors --tolerance 1e-6
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .modelFiles)
  var first: String

  @Argument(help: "The file to compare it with.", completion: .modelFiles)
  var second: String

  @Option(help: "The largest allowed difference of a value.")
  var tolerance = 0.0

  @OptionGroup var common: CommonOptions

  /// Longer tables are for programs.
  private static let rowLimit = 20

  func validate() throws {
    guard tolerance >= 0 else {
      throw ValidationError("--tolerance takes a number that is not negative, not \(tolerance).")
    }
  }

  func run() throws {
    let bar = ProgressBar(quiet: common.quiet)
    let difference = try ModelDifference(first, second, tolerance: tolerance) { done, total in
      bar.show("comparing", done: done, total: total) { "\($0) tensors" }
    }
    bar.finish()
    if common.json {
      try Terminal.print(json: difference)
    } else {
      try print(difference)
    }
    guard difference.same else { throw ExitCode(1) }
  }

  private func print(_ difference: ModelDifference) throws {
    if !common.quiet { try printRows(of: difference) }
    try printVerdict(of: difference)
  }

  private func printRows(of difference: ModelDifference) throws {
    let shown = difference.tensors.filter { $0.largest > 0 }.prefix(Self.rowLimit)
    if !shown.isEmpty {
      var table = Table(
        ["TENSOR", "SHAPE", "LARGEST", "MEAN", "COSINE"], rightAligned: [2, 3, 4], whole: [1])
      for row in shown {
        table.add(
          row.name, shapeText(row.shape), significant(row.largest), significant(row.mean),
          decimal(row.cosine, 6))
      }
      try table.print()
    }
    for row in difference.shapesDiffer.prefix(Self.rowLimit) {
      try Terminal.print("'\(row.name)' is \(shapeText(row.first)) and \(shapeText(row.second))")
    }
    try print(difference.onlyInFirst, onlyIn: first)
    try print(difference.onlyInSecond, onlyIn: second)
    for text in difference.ambiguous { try Terminal.print("ambiguous: \(text)") }
    for text in difference.notCompared.prefix(Self.rowLimit) { try Terminal.print("not compared: \(text)") }
  }

  private func printVerdict(of difference: ModelDifference) throws {
    let differing = difference.tensors.filter { $0.largest > tolerance }
    let largest = difference.tensors.first?.largest ?? 0
    var verdict = "\(difference.tensors.count) tensors matched by \(difference.matching.rawValue): "
    verdict +=
      largest == 0
      ? (difference.isComplete ? "all equal" : "no differences in these")
      : "\(differing.count) differ by more than \(significant(tolerance)), the largest by \(significant(largest))"
    if !difference.ambiguous.isEmpty { verdict += "; ambiguous layers were not compared" }
    if !difference.shapesDiffer.isEmpty { verdict += "; \(difference.shapesDiffer.count) shapes differ" }
    try Terminal.print(verdict, colouring: verdict, as: difference.same ? .good : .bad)
  }

  private func print(_ names: [String], onlyIn file: String) throws {
    guard !names.isEmpty else { return }
    var text = names.prefix(Self.rowLimit).map { "'\($0)'" }.joined(separator: ", ")
    if names.count > Self.rowLimit { text += ", and \(names.count - Self.rowLimit) more, listed by --json" }
    try Terminal.print("only in \(file) (\(names.count)): \(text)")
  }

  private func shapeText(_ dimensions: [Int]) -> String { Shape(checking: dimensions)?.description ?? "?" }
}
