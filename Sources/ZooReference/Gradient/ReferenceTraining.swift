import ZooGraph
import ZooSystem
import ZooTensor

/// The oracle of training: runs a batch forward and backward in 64-bit floats with plain loops.
///
///     let training = try ReferenceTraining(graph: graph, weights: weights)
///     let pass = try training.forward(
///       [input: pictures], count: 8, to: [logits], learning: Set(slots))
///     let gradients = try pass.backward([logits: slopes])
///
/// It shares nothing with the fast engine. Every sum is taken in one order, whatever the number of threads, so results
/// are the same bit for bit.
///
/// Derivatives at corners: a rectifier has the slope of its lower part at its threshold and none at its largest value;
/// of several equal maxima, the first in row-major order gets all.
package struct ReferenceTraining: Sendable {
  /// What layers do in training that they do not do at inference.
  package struct Settings: Sendable {
    /// The batch norms that normalize by the batch, by the name of the layer. All others use their stored mean and
    /// variance; their gamma and beta can learn all the same.
    package var batchStatistics: [String: BatchStatistics] = [:]
    /// The noise of layers that do nothing at inference, such as dropout, by the name of the layer. All others do
    /// nothing in training either.
    package var noise: [String: TrainingNoise] = [:]
    /// With ``step``, decides on the noise.
    package var seed: UInt64 = 0
    /// The number of the training step.
    package var step = 0

    package init() {}

    /// What the layers of `graph` do in training, as the table by their names says.
    ///
    /// - Parameters:
    ///   - byBatch: whether batch norms that are not frozen normalize by the batch.
    ///   - variance: what these update their stored variances by.
    package init(
      _ training: [String: LayerTraining], of graph: Graph, byBatch: Bool,
      variance: BatchStatistics.Variance = .biased
    ) {
      noise = training.compactMapValues(\.noise)
      guard byBatch else { return }
      for node in graph.nodes where node.sharing == nil {
        guard case .batchNormalization = node.operation else { continue }
        let own = training[node.name] ?? LayerTraining()
        if own.isFrozen { continue }
        batchStatistics[node.name] = BatchStatistics(
          momentum: own.momentum ?? LayerTraining.usualMomentum, variance: variance)
      }
    }
  }

  let graph: Graph
  let program: ReferenceProgram
  let weights: any WeightSource
  let settings: Settings
  let threads: Int

  /// - Throws: `ZooError` where a layer can't be computed, or the settings name a layer that has no such setting.
  package init(
    graph: Graph, weights: some WeightSource, settings: Settings = Settings(), threads: Int = 2
  ) throws(ZooError) {
    self.graph = graph
    self.program = try ReferenceProgram(graph)
    self.weights = weights
    self.settings = settings
    self.threads = max(1, threads)
    for (name, statistics) in settings.batchStatistics {
      guard let node = graph.node(named: name), case .batchNormalization = node.operation, node.sharing == nil
      else { throw ReferenceTraining.unsuitable(name, "it is no batch norm with weights of its own") }
      guard statistics.momentum >= 0, statistics.momentum <= 1 else {
        throw ReferenceTraining.unsuitable(name, "the momentum is \(statistics.momentum)")
      }
    }
    for (name, noise) in settings.noise {
      guard let node = graph.node(named: name), case .identity = node.operation else {
        throw ReferenceTraining.unsuitable(name, "only a layer that does nothing at inference can make noise")
      }
      guard noise.isValid else {
        throw ReferenceTraining.unsuitable(name, "its \(noise.kind.rawValue) is of \(noise.amount)")
      }
    }
  }

  private static func unsuitable(_ layer: String, _ why: String) -> ZooError {
    ZooError(.invalidArgument, what: "unsuitable setting", at: "layer '\(layer)'", why)
  }

  /// Runs a batch forward and keeps what the backward pass needs.
  ///
  /// - Parameters:
  ///   - known: values that are not computed, each as (N, …) in row-major order: the graph's inputs, or inner values
  ///     such as the output of a part that does not learn. Nothing below them is computed.
  ///   - count: N, how many examples the batch has.
  ///   - targets: the values to compute.
  ///   - learning: the weights whose gradients will be wanted.
  ///   - tracking: the values whose gradients will be wanted.
  /// - Throws: `ZooError` where a value or weight does not fit or is missing, a weight has no gradient, or the task was
  ///   cancelled; and what the source of the weights throws.
  package func forward(
    _ known: [Value: [Double]], count: Int, to targets: [Value], learning: Set<WeightSlot> = [],
    tracking: Set<Value> = []
  ) throws -> ReferencePass {
    guard count > 0 else {
      throw ZooError(.invalidArgument, what: "no examples", at: "the batch", "\(count)")
    }
    for (value, values) in known {
      let node = graph[value]
      guard values.count == node.shape.elementCount * count else {
        throw ZooError(
          .doesNotFit, what: "values do not fit", at: "layer '\(node.name)'",
          "expected \(count) x \(node.shape), found \(values.count) values")
      }
    }
    let slots = Set(graph.weightSlots)
    for slot in learning where !slot.role.isTrainable || !slots.contains(slot) {
      throw ZooError(
        .invalidArgument, what: "no such gradient", at: slot.name,
        slots.contains(slot) ? "training does not change it by gradient" : "the network has no such weight")
    }
    let route = try ReferenceRoute(
      self, known: Set(known.keys), targets: targets, learning: learning, tracking: tracking)
    return try ReferencePass(self, route, known: known, count: count)
  }
}

/// How a batch norm that normalizes by the batch updates its stored mean and variance:
/// `stored * momentum + batch * (1 - momentum)`.
package struct BatchStatistics: Hashable, Sendable {
  /// What the stored variance is updated by. The batch itself is normalized by the biased variance always.
  package enum Variance: Hashable, Sendable {
    /// The sum of squares over n, as Keras 3.
    case biased
    /// Over n - 1, as PyTorch.
    case unbiased
    /// Over n - 1 for images and n else, as tf.keras 2.
    case unbiasedForImages
  }

  /// Keras' momentum; PyTorch's is 1 minus that.
  package var momentum: Double
  package var variance: Variance

  package init(momentum: Double, variance: Variance = .biased) {
    self.momentum = momentum
    self.variance = variance
  }
}
