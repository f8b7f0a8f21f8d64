import Foundation
import ZooGraph
import ZooModels
import ZooRuntime
import ZooSystem
import ZooTensor

/// `zoo-benchmarks training [mobilenet|resnet50|vgg16] [BATCH]`: what a step takes in which all layers
/// learn, with fixed batch norms and random weights, on one thread and on all, and which layers take most of
/// it.
///
/// `ROUNDS` steps after a first one; the smallest counts.
enum TrainingBenchmark {
  static func run(_ arguments: [String]) throws {
    let name = arguments.first ?? "mobilenet"
    let definition: any NetworkDefinition =
      switch name {
      case "mobilenet": MobileNet()
      case "resnet50": ResNet.resNet50
      case "vgg16": VGG.vgg16
      default: throw ZooError(.invalidArgument, what: "no such network", at: name, "it is not measured")
      }
    let batch = max(1, arguments.dropFirst().first.flatMap { Int($0) } ?? 16)
    let rounds = max(1, environment("ROUNDS").flatMap { Int($0) } ?? 3)
    let graph = try definition.graph(
      input: InputShape(224, 224), head: .classifier(classes: 10, activation: .softmax))
    let random = CounterRandom(seed: 1)
    let shape = Shape([batch, 224, 224, 3])
    let pictures = Tensor(
      shape: shape, values: (0..<shape.elementCount).map { Float(random.signed($0)) })
    for threads in Set([1, Processors.count]).sorted() {
      var options = TrainingOptions()
      (options.threads, options.batch, options.part) = (threads, batch, min(batch, 4))
      let session = try TrainingSession(
        graph: graph, weights: SteadyWeights(),
        learning: Set(graph.weightSlots.filter(\.role.isTrainable)), options: options)
      var best = Duration.seconds(1_000_000)
      var layers: [TrainingSession.LayerTime] = []
      for step in 0...rounds {
        var profile: [TrainingSession.LayerTime]? = []
        let time = try ContinuousClock().measure {
          let boundary = try session.boundaryValues(of: [pictures])
          try session.gradients(of: boundary, step: step, profile: &profile) { _, logits in
            logits.map { $0 / Float(batch) }
          }
          session.withWeights { weights, gradients in
            for index in weights.indices { weights[index] -= 1e-4 * gradients[index] }
          }
        }
        if step > 0, time < best { (best, layers) = (time, profile ?? []) }
      }
      report("\(name), batch \(batch), \(threads) thread\(threads == 1 ? "" : "s")", best, layers)
    }
  }

  private static func report(_ title: String, _ time: Duration, _ layers: [TrainingSession.LayerTime]) {
    func total(_ part: KeyPath<TrainingSession.LayerTime, Duration>) -> Duration {
      layers.reduce(.zero) { $0 + $1[keyPath: part] }
    }
    func text(_ time: Duration) -> String {
      time.formatted(.units(allowed: [.milliseconds], fractionalPart: .show(length: 1)))
    }
    print(
      "\(title): \(text(time)); forward \(text(total(\.forward))), backward \(text(total(\.backward))), "
        + "weights \(text(total(\.rest)))")
    let all = layers.map { (layer: $0, time: $0.forward + $0.backward + $0.rest) }
    for (layer, time) in all.sorted(by: { $0.time > $1.time }).prefix(12) {
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
