import ArgumentParser
import ModelZooTools
import ZooSystem

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a .zoo file is intact and computes what it should.",
    discussion: """
      Checks all checksums, compares the fast engine with the reference engine layer by layer, repeats the test \
      case in the file and checks the batch-norm statistics. Exits with 1 if any check fails. n/a means that there \
      was nothing to compare.

      The statistics compare what each batch norm stores with what reaches it: z is how far the means are apart, in \
      stored deviations, and v the logarithm of the ratio of the variances, each the median of a layer's channels.

      Examples:
        zoo verify resnet50.zoo
        zoo verify resnet50.zoo --images photographs --io recorded.npz
      """)

  @Argument(help: "A .zoo file.", completion: .zooFiles)
  var model: String

  @Option(
    help: ArgumentHelp(
      "Also compare with recorded inputs and outputs: x, y, tap:LAYER.", valueName: "io.npz"),
    completion: .file(extensions: ["npz"]))
  var io: String?

  @Option(
    help: ArgumentHelp(
      "Images for the batch-norm statistics; synthetic ones by default.", valueName: "folder"),
    completion: .directory)
  var images: String?

  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    var options = Verifier.Options.thorough
    options.threads = threads.count
    options.ioPath = io
    options.images = images.map { [$0] } ?? []
    let bar = ProgressBar(quiet: common.quiet)
    let report = try Model.verify(model, options: options) { bar.show($0) }
    bar.finish()
    let opened = try Model(zooFile: model)
    if common.json {
      try Terminal.print(json: VerifyOutput(file: model, passed: report.passed, checks: report.checks))
    } else {
      if !common.quiet { for check in report.checks { try check.print() } }
      let isKnown = opened.preprocessing != .unknown
      let finding =
        switch (report.passed, isKnown, report.isDoubtful) {
        case (false, _, _): "NOT verified"
        case (true, false, _): "every check passed, but how pixels are preprocessed is unknown"
        case (true, true, true): "every check passed, but the batch-norm statistics do not fit the images"
        case (true, true, false): "verified"
        }
      let mark: Terminal.Mark = report.passed ? (finding == "verified" ? .good : .doubtful) : .bad
      try Terminal.print("\(model): \(finding)", colouring: finding, as: mark)
    }
    common.warn(of: opened)
    if let failure = report.failure(of: model) { throw failure }
  }
}

private struct VerifyOutput: Encodable {
  let file: String
  let passed: Bool
  let checks: [VerificationReport.Check]
}

extension VerificationReport.Check {
  /// Prints one line for people: the verdict, the check, its largest error, where it is and the tolerance.
  ///
  /// - Parameter margin: the blanks before it.
  func print(margin: Int = 0, on stream: Terminal.Stream = .output) throws {
    let start = String(repeating: " ", count: margin) + verdict.text
    let padding = String(repeating: " ", count: 8 - verdict.text.count)
    try Terminal.print(
      start + padding + finding, indent: margin + 8, colouring: start, as: verdict.mark, on: stream)
  }

  private var finding: String {
    var text = name
    if let largestError, let tolerance {
      text += ": largest error \(significant(largestError))"
      if let location { text += " at \(location)" }
      text += ", tolerance \(significant(tolerance))"
    } else if let location {
      text += ": at \(location)"
    }
    return text + " (\(detail))"
  }

  private var verdict: (text: String, mark: Terminal.Mark) {
    switch status {
    case .passed: ("ok", .good)
    case .failed: ("FAILED", .bad)
    case .noTestimony: ("n/a", .doubtful)
    }
  }
}
