import ArgumentParser
import ModelZooTools
import ZooSystem

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the speed of a model on this machine.",
    discussion: """
      Examples:
        zoo bench resnet50.zoo
        zoo bench resnet50.zoo --threads 2 --batch 16 --layers

      --layers times every step of the plan on one example. GFLOP/s counts the operations of the layer's \
      definition, so an algorithm that needs fewer can exceed the peak. The peak is measured in registers, with \
      the same kernels and threads. The GB/s of a dense layer are the weights that it reads per second.
      """)

  @Argument(help: "A .zoo file.", completion: .zooFiles)
  var model: String

  @Option(help: "The number of threads.")
  var threads = 1

  @Option(help: "The number of examples per run.")
  var batch = 1

  @Option(help: "How long to measure, in seconds.")
  var seconds = 5.0

  @Flag(help: "Also time every step of the plan.")
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
      "\(decimal(result.millisecondsPerImage, 2)) ms per image at batch \(result.batch), \(result.threads) thread\(result.threads == 1 ? "" : "s"), \(result.kernels) kernels"
    )
    try Terminal.print(
      "\(decimal(result.loadMilliseconds, 2)) ms to load, \(result.peakMebibytes) MiB peak memory")
    guard let steps = result.steps, let peak = result.peakRate else { return }
    try Terminal.print("\(decimal(peak, 0)) GFLOP/s peak in registers")
    try Terminal.print()
    let total = steps.reduce(0) { $0 + $1.medianMilliseconds }
    var table = Table(
      ["MS", "OF TOTAL", "GFLOP/S", "OF PEAK", "WEIGHTS GB/S", "ALGORITHM", "LAYERS"],
      rightAligned: [0, 1, 2, 3, 4], dropping: [4, 3])
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
