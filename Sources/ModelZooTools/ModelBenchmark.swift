import ZooConversion
import ZooFormat
import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// How long a model takes, measured in this process: what `zoo bench` prints.
public struct ModelBenchmark: Sendable, Encodable {
  /// A step of the plan.
  public struct Step: Sendable, Encodable {
    /// The layers that run as one.
    public let layers: [String]
    /// The kernel or algorithm that was chosen.
    public let kernel: String
    /// Multiplications of its layers for one example, as their definitions have them.
    public let macs: Int
    /// The median time.
    public let medianMilliseconds: Double
    /// In GFLOP/s, a multiplication and addition of the layer's definition counting two, whatever the
    /// algorithm spares; absent where the step has none.
    public let rate: Double?
    /// Of ``ModelBenchmark/peakRate``; above 1 where the algorithm spares operations.
    public let shareOfPeak: Double?
    /// In GB/s, of weights that are used once; absent for other steps.
    public let weightRate: Double?

    enum CodingKeys: String, CodingKey {
      case layers, kernel, macs
      case medianMilliseconds = "median_ms"
      case rate = "gflops"
      case shareOfPeak = "share_of_peak"
      case weightRate = "weights_gb_per_s"
    }

    init(_ step: StepDescription, milliseconds: Double, peakRate: Double) {
      layers = step.layers
      kernel = step.kernel
      macs = step.macs
      medianMilliseconds = milliseconds
      let measured = milliseconds > 0
      rate = measured && step.macs > 0 ? Double(step.macs) * 2e-6 / milliseconds : nil
      shareOfPeak = rate.map { $0 / peakRate }
      weightRate = measured && step.streamedBytes > 0 ? Double(step.streamedBytes) * 1e-6 / milliseconds : nil
    }
  }

  /// The median time of a batch.
  public let medianMilliseconds: Double
  /// The least time of a batch.
  public let minimumMilliseconds: Double
  /// The median time by the size of the batch.
  public let millisecondsPerImage: Double
  /// How often the batch ran.
  public let runs: Int
  /// From opening the file to knowing what is in it.
  public let openMilliseconds: Double
  /// From opening the file to the engine being ready.
  public let loadMilliseconds: Double
  /// How many threads computed.
  public let threads: Int
  /// How many examples ran at once.
  public let batch: Int
  /// Memory for the activations of this batch, all threads' together.
  public let activationMebibytes: Double
  /// The most memory that the process had used before it opened the file.
  public let baseMebibytes: Int
  /// The most memory that the process has used so far.
  public let peakMebibytes: Int
  /// The instruction set that was chosen.
  public let kernels: String
  /// What all threads together compute at most, in GFLOP/s, measured where steps are.
  public let peakRate: Double?
  /// The time of each step for one example, where it was asked for.
  public let steps: [Step]?

  enum CodingKeys: String, CodingKey {
    case medianMilliseconds = "median_ms"
    case minimumMilliseconds = "min_ms"
    case millisecondsPerImage = "ms_per_image"
    case runs
    case openMilliseconds = "open_ms"
    case loadMilliseconds = "load_ms"
    case threads, batch
    case activationMebibytes = "activation_mib"
    case baseMebibytes = "base_mib"
    case peakMebibytes = "peak_mib"
    case kernels
    case peakRate = "peak_gflops"
    case steps = "layers"
  }

  /// Runs the model at `path` on a synthetic batch, over and over for `seconds` and at least 5 times.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file.
  ///   - threads: how many threads compute, 1 to 256.
  ///   - batch: how many examples run at once.
  ///   - seconds: how long to measure.
  ///   - perLayer: whether every step is timed too.
  /// - Throws: `ZooError` where the file can't be used.
  public init(
    path: String, threads: Int = 1, batch: Int = 1, seconds: Double = 5, perLayer: Bool = false
  ) throws(ZooError) {
    self = try ZooError.wrap {
      try ModelBenchmark(
        measuring: path, threads: threads, batch: batch, seconds: seconds, perLayer: perLayer)
    }
  }

  private init(measuring path: String, threads: Int, batch: Int, seconds: Double, perLayer: Bool) throws {
    baseMebibytes = ProcessMemory.peakBytes / (1024 * 1024)
    let clock = ContinuousClock()
    let start = clock.now
    let file = try ModelFile.openZoo(path: path)
    openMilliseconds = (clock.now - start).milliseconds
    let graph = file.document.graph
    let engine = try Engine(
      graph: graph, weights: file,
      options: PlanOptions(threads: threads, integers: try file.integerForm()))
    let session = engine.makeSession()
    loadMilliseconds = (clock.now - start).milliseconds

    let inputs = try TestInput.make(for: graph, preprocessing: file.document.card.preprocessing, seed: 1)
      .map {
        Tensor(
          shape: Shape([batch] + $0.shape.dimensions.dropFirst()),
          values: Array(repeating: $0.values, count: batch).flatMap { $0 })
      }
    _ = try session.run(inputs)
    var times: [Double] = []
    let end = clock.now + .seconds(seconds)
    while clock.now < end || times.count < 5 {
      let begin = clock.now
      _ = try session.run(inputs)
      times.append((clock.now - begin).milliseconds)
    }
    times.sort()
    medianMilliseconds = times[times.count / 2]
    minimumMilliseconds = times[0]
    millisecondsPerImage = medianMilliseconds / Double(batch)
    runs = times.count
    self.threads = threads
    self.batch = batch
    kernels = engine.kernels
    activationMebibytes = Double(session.activationBytes) / 0x1p20
    let peak = perLayer ? session.measurePeak() : nil
    peakRate = peak
    steps = try peak.map { peak in
      try session.timeSteps(inputs).map { Step($0.step, milliseconds: $0.milliseconds, peakRate: peak) }
    }
    peakMebibytes = ProcessMemory.peakBytes / (1024 * 1024)
  }
}
