import ZooConversion
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// How long a step of training takes, measured in this process: what `zoo bench --training` prints.
///
/// All layers learn, by gradient descent with momentum. The loss is half the mean square of the outputs, which asks
/// for no labels and takes next to no time.
public struct TrainingSpeed: Sendable, Encodable {
  /// What batch norms normalize by.
  public enum BatchNorm: String, Sendable, Encodable, CaseIterable {
    /// Their stored statistics.
    case fixed
    /// The statistics of each batch.
    case batch
  }

  /// A layer, with those that are computed with it.
  public struct Layer: Sendable, Encodable {
    /// The name of the first of the layers.
    public let layer: String
    /// The median time forward.
    public let forwardMilliseconds: Double
    /// The median time backward: the gradients of its input and of its weights.
    public let backwardMilliseconds: Double
    /// The median time for preparing its weights and completing their gradients.
    public let restMilliseconds: Double
    /// Of the time of all layers.
    public let share: Double
    /// In GFLOP/s, a multiplication and addition of the layer's definition counting two, for each of the passes
    /// forward and backward; absent where it has none.
    public let rate: Double?
    /// Of ``TrainingSpeed/peakRate``; above 1 where the algorithm spares operations.
    public let shareOfPeak: Double?

    enum CodingKeys: String, CodingKey {
      case layer
      case forwardMilliseconds = "forward_ms"
      case backwardMilliseconds = "backward_ms"
      case restMilliseconds = "rest_ms"
      case share
      case rate = "gflops"
      case shareOfPeak = "share_of_peak"
    }
  }

  /// The median time of a step.
  public let medianMilliseconds: Double
  /// The least time of a step.
  public let minimumMilliseconds: Double
  /// The median time by the size of the batch.
  public let millisecondsPerImage: Double
  /// How many steps there were.
  public let runs: Int
  /// How many threads computed.
  public let threads: Int
  /// How many examples a step has.
  public let batch: Int
  /// What batch norms normalized by.
  public let batchNorm: BatchNorm
  /// How many numbers learn.
  public let parameterCount: Int
  /// Multiplications and additions of a step, in GFLOP, as ``Layer/rate`` counts them.
  public let operations: Double
  /// Of all of a step, in GFLOP/s.
  public let rate: Double
  /// What all threads together compute at most, in GFLOP/s.
  public let peakRate: Double
  /// Memory for values, weights, gradients and momentum.
  public let trainingMebibytes: Double
  /// The most memory that the process has used.
  public let peakMebibytes: Int
  /// The instruction set that was chosen.
  public let kernels: String
  /// Where it was asked for, in the order in which they are computed.
  public let layers: [Layer]?

  enum CodingKeys: String, CodingKey {
    case medianMilliseconds = "median_ms"
    case minimumMilliseconds = "min_ms"
    case millisecondsPerImage = "ms_per_image"
    case runs, threads, batch
    case batchNorm = "batch_norm"
    case parameterCount = "parameters"
    case operations = "gflop"
    case rate = "gflops"
    case peakRate = "peak_gflops"
    case trainingMebibytes = "training_mib"
    case peakMebibytes = "peak_mib"
    case kernels, layers
  }

  /// Runs steps on a synthetic batch, over and over for `seconds` and at least 3 times.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file.
  ///   - threads: how many threads compute, 1 to 256.
  ///   - batch: how many examples a step has.
  ///   - batchNorm: what batch norms normalize by.
  ///   - seconds: how long to measure.
  ///   - perLayer: whether the times of layers are wanted.
  /// - Throws: `ZooError` where the file can't be used, or a layer can't be trained.
  public init(
    path: String, threads: Int = 1, batch: Int = 16, batchNorm: BatchNorm = .fixed, seconds: Double = 5,
    perLayer: Bool = false
  ) throws(ZooError) {
    self = try ZooError.wrap {
      try TrainingSpeed(
        measuring: path, threads: threads, batch: batch, batchNorm: batchNorm, seconds: seconds,
        perLayer: perLayer)
    }
  }

  private init(
    measuring path: String, threads: Int, batch: Int, batchNorm: BatchNorm, seconds: Double, perLayer: Bool
  ) throws {
    let file = try ModelFile.openZoo(path: path)
    let graph = file.document.graph
    let learning = Set(graph.weightSlots.filter(\.role.isTrainable))
    var options = TrainingOptions()
    (options.threads, options.batch) = (threads, batch)
    options.part = TrainingSession.quickestPart(of: graph, learning: learning, batch: batch)
    for node in graph.nodes where batchNorm == .batch {
      if case .batchNormalization = node.operation { options.batchMomentum[node.name] = 0.99 }
    }
    let session = try TrainingSession(
      graph: graph, weights: file, learning: learning, options: options)
    let inputs = try TestInput.make(for: graph, preprocessing: file.document.card.preprocessing, seed: 1)
      .map {
        Tensor(
          shape: Shape([batch] + $0.shape.dimensions.dropFirst()),
          values: Array(repeating: $0.values, count: batch).flatMap { $0 })
      }
    let boundary = try session.boundaryValues(of: inputs)
    let workers = try Workers(threads: threads)
    var optimizer = try OptimizerState<Float>(
      .sgd(momentum: 0.9), ParameterLayout(session.slots.map { ParameterLayout.Variable($0) }))
    let factor = 1 / Float(batch * graph[session.logits].shape.elementCount)
    var steps: [(milliseconds: Double, layers: [TrainingSession.LayerTime])] = []
    let clock = ContinuousClock()
    var end = clock.now
    // The first one only fills memory.
    for step in 0... {
      var profile: [TrainingSession.LayerTime]? = perLayer ? [] : nil
      let begin = clock.now
      try session.gradients(of: boundary, step: step, profile: &profile) { _, logits in
        logits.map { $0 * factor }
      }
      session.withWeights { weights, gradients in
        optimizer.step(weights, rate: 1e-6, on: workers, gradient: gradients.values)
      }
      let now = clock.now
      if step == 0 {
        end = now + .seconds(seconds)
      } else {
        steps.append(((now - begin).milliseconds, profile ?? []))
      }
      if steps.count >= 3, now >= end { break }
    }
    let times = steps.map(\.milliseconds).sorted()
    medianMilliseconds = times[times.count / 2]
    minimumMilliseconds = times[0]
    millisecondsPerImage = medianMilliseconds / Double(batch)
    runs = times.count
    (self.threads, self.batch, self.batchNorm) = (threads, batch, batchNorm)
    parameterCount = session.parameterCount
    kernels = session.kernels
    peakRate = session.measurePeak()
    let work = Self.operations(of: session, graph, batch: batch)
    operations = work.values.reduce(0, +)
    rate = operations / medianMilliseconds * 1e3
    layers = perLayer ? Self.layers(steps.map(\.layers), work, peakRate: peakRate) : nil
    trainingMebibytes = Double(session.memoryBytes + 4 * session.parameterCount) / 0x1p20
    peakMebibytes = ProcessMemory.peakBytes / (1024 * 1024)
  }

  /// In GFLOP a step, by the name of the layer.
  private static func operations(
    of session: TrainingSession, _ graph: Graph, batch: Int
  ) -> [String: Double] {
    var passes: [String: Int] = [:]
    for layer in session.layerPasses { passes[layer.layer] = max(passes[layer.layer] ?? 0, layer.passes) }
    var result: [String: Double] = [:]
    for node in graph.nodes {
      guard let passes = passes[node.name] else { continue }
      result[node.name] = Double(graph.macs(of: node)) * Double(2 * batch * passes) * 1e-9
    }
    return result
  }

  /// The medians of each layer, of which one may take several steps of the plan.
  private static func layers(
    _ steps: [[TrainingSession.LayerTime]], _ work: [String: Double], peakRate: Double
  ) -> [Layer] {
    var names: [String] = []
    var places: [String: [Int]] = [:]
    for (index, layer) in (steps.first ?? []).enumerated() {
      if places[layer.layer] == nil { names.append(layer.layer) }
      places[layer.layer, default: []].append(index)
    }
    func median(_ name: String, _ part: KeyPath<TrainingSession.LayerTime, Duration>) -> Double {
      let times = steps.map { layers in
        (places[name] ?? []).reduce(0.0) { $0 + layers[$1][keyPath: part].milliseconds }
      }
      return times.sorted()[times.count / 2]
    }
    let times = names.map { name in
      (
        name: name, forward: median(name, \.forward), backward: median(name, \.backward),
        rest: median(name, \.rest)
      )
    }
    let total = times.reduce(1e-9) { $0 + $1.forward + $1.backward + $1.rest }
    return times.map { name, forward, backward, rest in
      let all = forward + backward + rest
      let rate = work[name].flatMap { $0 > 0 && all > 0 ? $0 / all * 1e3 : nil }
      return Layer(
        layer: name, forwardMilliseconds: forward, backwardMilliseconds: backward, restMilliseconds: rest,
        share: all / total, rate: rate, shareOfPeak: rate.map { $0 / peakRate })
    }
  }
}
