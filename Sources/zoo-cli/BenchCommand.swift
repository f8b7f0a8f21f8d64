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
        zoo bench resnet50.zoo --training --threads 2 --layers

      --layers times every step of the plan on one example. GFLOP/s counts the operations of the layer's \
      definition, so an algorithm that needs fewer can exceed the peak. The peak is measured in registers, with \
      the same kernels and threads. The GB/s of a dense layer are the weights that it reads per second.

      --training times steps in which all layers learn, by gradient descent with momentum on a made-up batch. With \
      --layers it tells what each layer takes forward, backward, and for preparing its weights and completing their \
      gradients; GFLOP/s then counts the products of all three.
      """)

  @Argument(help: "A .zoo file.", completion: .zooFiles)
  var model: String

  @Option(help: "The number of threads.")
  var threads = 1

  @Option(help: "The number of examples per run. (default: 1; with --training 16)")
  var batch: Int?

  @Option(help: "How long to measure, in seconds.")
  var seconds = 5.0

  @Flag(help: "Also time every step of the plan, or every layer.")
  var layers = false

  @Flag(help: "Measure steps of training instead.")
  var training = false

  @Option(
    help: "With --training, what batch norms normalize by: their stored statistics (fixed) or the batch.")
  var batchNorm: TrainingSpeed.BatchNorm?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads takes a number from 1 to 256, not \(threads).")
    }
    if let batch, !(1...1024).contains(batch) {
      throw ValidationError("--batch takes a number from 1 to 1024, not \(batch).")
    }
    guard training || batchNorm == nil else { throw ValidationError("--batch-norm needs --training.") }
    guard seconds > 0, seconds <= 86400 else {
      throw ValidationError("--seconds takes a positive number, not \(seconds).")
    }
  }

  func run() throws {
    if training { return try runTraining() }
    let result = try ModelBenchmark(
      path: model, threads: threads, batch: batch ?? 1, seconds: seconds, perLayer: layers)
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

  private func runTraining() throws {
    let result = try TrainingSpeed(
      path: model, threads: threads, batch: batch ?? 16, batchNorm: batchNorm ?? .fixed, seconds: seconds,
      perLayer: layers)
    if common.json { return try Terminal.print(json: result) }
    func percent(_ share: Double) -> String { decimal(share * 100, 1) + "%" }
    try Terminal.print(
      "\(decimal(result.medianMilliseconds, 1)) ms median, \(decimal(result.minimumMilliseconds, 1)) ms at best, of \(result.runs) steps"
    )
    try Terminal.print(
      "\(decimal(result.millisecondsPerImage, 2)) ms per image at batch \(result.batch), \(result.threads) thread\(result.threads == 1 ? "" : "s"), \(result.kernels) kernels, \(result.batchNorm == .fixed ? "fixed batch norms" : "batch norms by the batch")"
    )
    try Terminal.print(
      "\(decimal(result.rate, 1)) GFLOP/s, \(percent(result.rate / result.peakRate)) of the \(decimal(result.peakRate, 0)) GFLOP/s peak in registers"
    )
    try Terminal.print(
      "\(decimal(result.trainingMebibytes, 0)) MiB for training, \(result.peakMebibytes) MiB peak memory")
    guard let layers = result.layers else { return }
    try Terminal.print()
    var table = Table(
      ["FORWARD MS", "BACKWARD MS", "WEIGHTS MS", "OF TOTAL", "GFLOP/S", "OF PEAK", "LAYER"],
      rightAligned: [0, 1, 2, 3, 4, 5], dropping: [5, 2])
    for layer in layers {
      table.add(
        decimal(layer.forwardMilliseconds, 2), decimal(layer.backwardMilliseconds, 2),
        decimal(layer.restMilliseconds, 2), percent(layer.share), layer.rate.map { decimal($0, 1) } ?? "-",
        layer.shareOfPeak.map(percent) ?? "-", layer.layer)
    }
    try table.print()
  }
}

extension TrainingSpeed.BatchNorm: ExpressibleByArgument {}
