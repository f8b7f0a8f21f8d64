import ArgumentParser
import ModelZooTools
import ZooSystem

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a .zoo file is intact and computes what it should.",
    discussion: """
      Checks all checksums, compares the fast engine with the reference engine layer by layer, repeats the test \
      case in the file and checks the batch-norm statistics. Exits with 1 if any check fails.

      Examples:
        zoo verify resnet50.zoo
        zoo verify resnet50.zoo --images photographs --io recorded.npz
      """)

  @Argument(help: "A .zoo file.", completion: .file())
  var model: String

  @Option(
    help: ArgumentHelp("Also compare with recorded inputs and outputs: x, y, tap:LAYER.", valueName: "io.npz")
  )
  var io: String?

  @Option(
    help: ArgumentHelp(
      "Images for the batch-norm statistics; synthetic ones by default.", valueName: "folder"))
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
    if common.json {
      try Terminal.print(json: VerifyOutput(file: model, passed: report.passed, checks: report.checks))
    } else {
      for check in report.checks { try Terminal.print(check.line) }
      let isKnown = try Model(path: model).preprocessing != .unknown
      let finding =
        switch (report.passed, isKnown, report.isDoubtful) {
        case (false, _, _): "NOT verified"
        case (true, false, _): "every check passed, but how pixels are preprocessed is unknown"
        case (true, true, true): "every check passed, but the batch-norm statistics do not fit the images"
        case (true, true, false): "verified"
        }
      try Terminal.print("\(model): \(finding)")
    }
    common.warn(of: try Model(path: model))
    if let failure = report.failure(of: model) { throw failure }
  }
}

private struct VerifyOutput: Encodable {
  let file: String
  let passed: Bool
  let checks: [VerificationReport.Check]
}

extension VerificationReport.Check {
  /// One line for people: the verdict, the check, its largest error, where it is and the tolerance.
  var line: String {
    var text = "\(verdict)  \(name)"
    if let largestError, let tolerance {
      text += ": largest error \(significant(largestError))"
      if let location { text += " at \(location)" }
      text += ", tolerance \(significant(tolerance))"
    } else if let location {
      text += ": at \(location)"
    }
    return text + " (\(detail))"
  }

  private var verdict: String {
    switch status {
    case .passed: "ok    "
    case .failed: "FAILED"
    case .noTestimony: "-     "
    }
  }
}
