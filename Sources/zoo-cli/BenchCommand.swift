import ArgumentParser
import ModelZooTools
import ZooSystem

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast a model runs here.",
    discussion: """
      Examples:
        zoo bench resnet50.zoo
        zoo bench resnet50.zoo --threads 2 --batch 16 --layers

      With --layers every step of the plan is timed on one example. GFLOP/s counts the layer's own \
      multiplications and additions, so that an algorithm that spares some can pass the peak, which is \
      measured in registers with the same kernels and threads. Dense layers read each weight once: their \
      GB/s are those of the memory, or more where zeros spare reading.
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
    guard let steps = result.steps, let peak = result.peakRate else { return }
    try Terminal.print("\(decimal(peak, 0)) GFLOP/s at most in registers")
    try Terminal.print()
    let total = steps.reduce(0) { $0 + $1.medianMilliseconds }
    var table = Table(
      ["MS", "OF ALL", "GFLOP/S", "OF PEAK", "WEIGHTS GB/S", "ALGORITHM", "LAYERS"],
      rightAligned: [0, 1, 2, 3, 4])
    func percent(_ share: Double) -> String { decimal(share * 100, 1) + "%" }
    for step in steps {
      table.add(
        decimal(step.medianMilliseconds, 3), percent(step.medianMilliseconds / max(total, 1e-9)),
        step.rate.map { decimal($0, 1) } ?? "-", step.shareOfPeak.map(percent) ?? "-",
        step.weightRate.map { decimal($0, 1) } ?? "-", step.kernel, step.layers.joined(separator: " + "))
    }
    try table.print()
  }
}
