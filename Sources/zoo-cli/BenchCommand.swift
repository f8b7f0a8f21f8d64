import ArgumentParser
import ZooConversion

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast a model runs here.",
    discussion: """
      Examples:
        zoo bench resnet50.zoo
        zoo bench resnet50.zoo --threads 2 --batch 16 --layers
      """)

  @Argument(help: "The .zoo file.", completion: .file())
  var model: String

  @Option(help: "How many threads compute.")
  var threads = 1

  @Option(help: "How many examples run at once.")
  var batch = 1

  @Option(help: "How long to measure.")
  var seconds = 5.0

  @Flag(help: "Also time every step.")
  var layers = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads takes a number from 1 to 256, not \(threads).")
    }
    guard (1...1024).contains(batch) else {
      throw ValidationError("--batch takes a number from 1 to 1024, not \(batch).")
    }
    guard seconds > 0, seconds <= 86400 else {
      throw ValidationError("--seconds takes a positive number, not \(seconds).")
    }
  }

  func run() throws {
    let result = try ModelBenchmark(
      path: model, threads: threads, batch: batch, seconds: seconds, perLayer: layers)
    if common.json { return try Terminal.print(json: result) }
    try Terminal.print(
      "\(decimal(result.medianMilliseconds, 2)) ms median, \(decimal(result.minimumMilliseconds, 2)) ms at best, of \(result.runs) runs"
    )
    try Terminal.print(
      "\(decimal(result.millisecondsPerImage, 2)) ms an image at batch \(result.batch), \(result.threads) thread\(result.threads == 1 ? "" : "s"), \(result.kernels) kernels"
    )
    try Terminal.print(
      "\(decimal(result.loadMilliseconds, 2)) ms to load, \(result.peakMebibytes) MiB at most in memory")
    guard let steps = result.steps else { return }
    try Terminal.print()
    var table = Table(["STEP", "KERNEL", "MACS", "MS", "GFLOP/S"], rightAligned: [2, 3, 4])
    for step in steps {
      let rate = step.medianMilliseconds > 0 ? Double(step.macs) * 2e-6 / step.medianMilliseconds : 0
      table.add(
        step.layers.joined(separator: " + "), step.kernel, grouped(step.macs),
        decimal(step.medianMilliseconds, 3),
        step.macs > 0 ? decimal(rate, 1) : "-")
    }
    try table.print()
  }
}
