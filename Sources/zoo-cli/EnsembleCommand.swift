import ArgumentParser
import ModelZooTools
import ZooSystem

struct EnsembleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ensemble",
    abstract: "Join models of the same classes into one that gives the mean of their probabilities.",
    discussion: """
      The result is one verified .zoo file. Layers that are the same in several models, such as a frozen backbone, are in \
      it once, so that two heads on one backbone take hardly more time than one. Classes are matched by their names; the \
      order is the first model's. Input size, preprocessing and the way pictures are brought to size have to be equal.

      Examples:
        zoo ensemble flowers-1.zoo flowers-2.zoo -o flowers.zoo
        zoo ensemble flowers-*.zoo -o flowers.zoo --json
      """)

  @Argument(
    help: ArgumentHelp("The .zoo files, two or more.", valueName: "model.zoo"),
    completion: .file(extensions: ["zoo"]))
  var models: [String]

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The output.", valueName: "out.zoo"),
    completion: .file(extensions: ["zoo"]))
  var output: String

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard models.count > 1 else { throw ValidationError("An ensemble takes two models or more.") }
  }

  func run() throws {
    var options = ModelEnsemble.Options()
    options.overwrite = overwrite.force
    let ensemble = try ModelEnsemble(members: models, options: options)
    let bar = ProgressBar(quiet: common.quiet)
    let report = try ensemble.write(to: output) { progress in
      switch progress {
      case .verifying(let check): bar.show(check)
      case .writing(let done, let total): bar.show("writing", done: done, total: total) { byteSize($0) }
      }
    }
    bar.finish()
    if common.json { return try Terminal.print(json: report) }
    guard !common.quiet else { return }
    for member in report.members {
      try Terminal.print(
        row: "member",
        "\(member.model), \(grouped(member.parameters)) weights"
          + (member.isReordered ? ", its classes put into the first model's order" : ""))
    }
    try Terminal.print(row: "classes", grouped(report.labels.count))
    let all = report.members.reduce(0) { $0 + $1.parameters }
    try Terminal.print(
      row: "layers",
      "\(grouped(report.layers)), of which \(grouped(report.sharedLayers)) serve several members; "
        + "\(grouped(report.parameters)) weights in place of \(grouped(all))")
    try Terminal.print(row: "checks", "\(report.verification.checks.count { $0.status == .passed }) passed")
    try Terminal.print("wrote \(report.output)")
  }
}
