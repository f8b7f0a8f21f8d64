import Foundation
import ZooGraph
import ZooLearning
import ZooModels
import ZooRuntime
import ZooSystem
import ZooTensor

/// `zoo-benchmarks training [mobilenet|resnet50|vgg16] [BATCH] [fixed|batch] [all|last]`: what a step takes with
/// random weights, on one thread and on all, and which layers take most of it. Batch norms normalize by their
/// stored statistics or by the batch; all layers learn, or those of the last stage.
///
/// `ROUNDS` steps after a first one, of which the median counts; `THREADS` only so many; `SHOWN` so many layers;
/// with `JSON` what `Scripts/training_peers.py` reads.
enum TrainingBenchmark {
  /// Where the last stage begins.
  private static let lastStages = [
    "mobilenet": "conv_dw_12", "resnet50": "conv5_block1", "vgg16": "block5_conv1",
  ]

  static func run(_ arguments: [String]) throws {
    func word(_ index: Int, _ other: String) -> String {
      arguments.indices.contains(index) ? arguments[index] : other
    }
    let name = word(0, "mobilenet")
    let batch = max(1, Int(word(1, "16")) ?? 16)
    let (mode, part) = (word(2, "fixed"), word(3, "all"))
    let definition: any NetworkDefinition =
      switch name {
      case "mobilenet": MobileNet()
      case "resnet50": ResNet.resNet50
      case "vgg16": VGG.vgg16
      default: throw ZooError(.invalidArgument, what: "no such network", at: name, "it is not measured")
      }
    let graph = try definition.graph(
      input: InputShape(224, 224), head: .classifier(classes: 10, activation: .softmax))
    var options = TrainingOptions()
    options.batch = batch
    let first =
      part == "last"
      ? graph.nodes.firstIndex { $0.name.hasPrefix(lastStages[name] ?? "") } ?? 0 : 0
    let upper = graph.nodes[first...]
    for node in upper where mode == "batch" {
      if case .batchNormalization = node.operation { options.batchMomentum[node.name] = 0.99 }
    }
    let learning = Set(upper.flatMap(\.weights).filter(\.role.isTrainable))
    let quickest = TrainingSession.quickestPart(of: graph, learning: learning, batch: batch)
    options.part = min(batch, environment("PART").flatMap { Int($0) } ?? quickest)
    for threads in environment("THREADS").flatMap({ Int($0) }).map({ [$0] })
      ?? Set([1, Processors.count]).sorted()
    {
      options.threads = threads
      let measured = try measure(graph, learning, options)
      if environment("JSON") != nil {
        print(
          "{\"milliseconds\": \(measured.times[measured.times.count / 2].milliseconds), "
            + "\"fastest\": \(measured.times[0].milliseconds), \"bytes\": \(measured.bytes)}")
      } else {
        let title =
          "\(name), batch \(batch), \(mode) norms, \(part), \(threads) thread\(threads == 1 ? "" : "s")"
        report(title, measured.times[measured.times.count / 2], measured.bytes, measured.layers)
      }
    }
  }

  /// The times of steps, ascending, and the medians of the layers'.
  private static func measure(
    _ graph: Graph, _ learning: Set<WeightSlot>, _ options: TrainingOptions
  ) throws -> (times: [Duration], bytes: Int, layers: [TrainingSession.LayerTime]) {
    let rounds = max(1, environment("ROUNDS").flatMap { Int($0) } ?? 5)
    let random = CounterRandom(seed: 1)
    let shape = Shape([options.batch, 224, 224, 3])
    let pictures = Tensor(
      shape: shape, values: (0..<shape.elementCount).map { Float(random.signed($0)) })
    let session = try TrainingSession(
      graph: graph, weights: SteadyWeights(), learning: learning, options: options)
    let workers = try Workers(threads: options.threads)
    var optimizer = try OptimizerState<Float>(
      .sgd(momentum: 0.9), ParameterLayout(session.slots.map { ParameterLayout.Variable($0) }))
    var steps: [(time: Duration, layers: [TrainingSession.LayerTime])] = []
    for step in 0...rounds {
      var profile: [TrainingSession.LayerTime]? = []
      let time = try ContinuousClock().measure {
        let boundary = try session.boundaryValues(of: [pictures])
        try session.gradients(of: boundary, step: step, profile: &profile) { _, logits in
          logits.map { $0 / Float(options.batch) }
        }
        session.withWeights { weights, gradients in
          optimizer.step(weights, rate: 1e-5, on: workers, gradient: gradients.values)
        }
      }
      if step > 0 { steps.append((time, profile ?? [])) }
    }
    let layers = steps[0].layers.indices.map { index in
      func median(_ part: KeyPath<TrainingSession.LayerTime, Duration>) -> Duration {
        steps.map { $0.layers[index][keyPath: part] }.sorted()[steps.count / 2]
      }
      var layer = steps[0].layers[index]
      (layer.forward, layer.backward, layer.rest) = (median(\.forward), median(\.backward), median(\.rest))
      return layer
    }
    return (steps.map(\.time).sorted(), session.memoryBytes, layers)
  }

  private static func report(
    _ title: String, _ time: Duration, _ bytes: Int, _ layers: [TrainingSession.LayerTime]
  ) {
    func total(_ part: KeyPath<TrainingSession.LayerTime, Duration>) -> Duration {
      layers.reduce(.zero) { $0 + $1[keyPath: part] }
    }
    func text(_ time: Duration) -> String {
      time.formatted(.units(allowed: [.milliseconds], fractionalPart: .show(length: 1)))
    }
    print(
      "\(title): \(text(time)); forward \(text(total(\.forward))), backward \(text(total(\.backward))), "
        + "weights \(text(total(\.rest))); \(bytes >> 20) MiB")
    let all = layers.map { (layer: $0, time: $0.forward + $0.backward + $0.rest) }
    for (layer, time) in all.sorted(by: { $0.time > $1.time }).prefix(
      environment("SHOWN").flatMap { Int($0) } ?? 12)
    {
      print("  \(layer.layer): \(text(time)), \(text(layer.backward)) of it backward")
    }
  }
}
/// Random weights with which values neither grow nor shrink from layer to layer.
private struct SteadyWeights: WeightSource {
  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    let random = CounterRandom(seed: UInt64(slot.shape.elementCount))
    let extents = slot.shape.dimensions
    let inputs =
      slot.role == .depthwiseKernel ? extents[0] * extents[1] : max(1, extents.dropLast().reduce(1, *))
    let bound = (6 / Double(inputs)).squareRoot()
    return StoredTensor(
      shape: slot.shape,
      values: (0..<slot.shape.elementCount).map { place in
        switch slot.role {
        case .gamma, .movingVariance: Float(1 + 0.1 * random.signed(place))
        case .kernel, .depthwiseKernel, .pointwiseKernel: Float(bound * random.signed(place))
        default: 0
        }
      })
  }
}
