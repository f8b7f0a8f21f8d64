import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// A backbone and its trained heads as one network.
package struct TrainedModel: Sendable {
  package let graph: Graph
  package let weights: any WeightSource
  package let card: ModelCard
  package let record: TrainingRecord
  /// What training needs to know of layers, by their names.
  package let layerTraining: [String: LayerTraining]
  private let backbone: ZooFile
  /// The backbone's weights that are not as its file has them.
  private let changed: Set<WeightSlot>

  /// - Parameters:
  ///   - backbone: the file that the features come from.
  ///   - features: its network as far as the features, by ``Graph/endingInFeatures(of:)``.
  ///   - heads: one for each task, in the order of the record's tasks.
  ///   - accuracy: for the model card, in words.
  ///   - changed: weights that take the place of the backbone's and the heads'.
  package init(
    backbone: ZooFile, features: Graph, heads: [TrainedHead], record: TrainingRecord, accuracy: String?,
    changed: [WeightSlot: [Float]] = [:]
  ) throws(ZooError) {
    let (graph, names) = try features.appending(
      heads: heads.map { head in head.layers.map { ($0.name, $0.operation) } })
    var own: [WeightSlot: StoredTensor] = [:]
    var training = graph.part(of: backbone.document.layerTraining)
    for (head, names) in zip(heads, names) {
      for (layer, name) in zip(head.layers, names) {
        if let noise = layer.noise {
          var own = LayerTraining()
          own.noise = noise
          training[name] = own
        }
        for slot in graph.node(named: name)?.weights ?? [] {
          guard let values = layer.weights[slot.role], values.count == slot.shape.elementCount else {
            throw ZooError(
              .unexpected, what: "wrong head", at: "layer '\(name)'", "its \(slot.role.rawValue) does not fit"
            )
          }
          own[slot] = StoredTensor(shape: slot.shape, values: values)
        }
      }
    }
    for (slot, values) in changed {
      own[slot] = StoredTensor(shape: slot.shape, values: values)
      // What learned is frozen no more.
      training[slot.layer]?.isFrozen = false
    }
    for name in graph.batchNorms(reachedBy: Set(changed.keys)) {
      training[name, default: LayerTraining()].hasOldStatistics = true
    }
    layerTraining = training.filter { !$0.value.isUsual }
    self.changed = Set(changed.keys)
    self.graph = graph
    self.backbone = backbone
    self.record = record
    weights = ChangedWeights(of: backbone, own: own)
    var card = backbone.document.card
    let purpose = record.tasks.first.map { "trained for \(Self.summary($0)) of" } ?? "features whitened on"
    card.variant = "\(Self.withoutClasses(card.variant)), \(purpose) \(record.data)"
    card.trainingData =
      (backbone.document.card.trainingData.map { "\($0), then " } ?? "") + "\(record.data), "
      + "\(counted(record.pictureCount, "picture"))"
    card.accuracy = accuracy
    self.card = card
  }

  private static func summary(_ task: TrainingRecord.Task) -> String {
    switch task.kind {
    case .classes: "\(task.labels.count) classes"
    case .labels: "\(task.labels.count) labels"
    case .number: "a number"
    }
  }

  /// What the backbone's variant says of anything but its classes.
  private static func withoutClasses(_ variant: String) -> String {
    variant.split(separator: ", ").filter {
      !$0.hasSuffix("classes") && !$0.hasPrefix("trained for") && !["with top", "without top"].contains($0)
    }.joined(separator: ", ")
  }

  // MARK: Verifying and writing

  /// Checks the network as `zoo verify` does, and that its outputs are the ones that the head was trained for.
  ///
  /// With a number of threads that does not depend on the machine, as the file states the largest error.
  ///
  /// - Parameters:
  ///   - inputs: pictures as they enter the network, (N, H, W, C).
  ///   - expected: for each output, what it was when it was trained, row-major (N, …).
  package func verify(
    inputs: Tensor, expected: [[Double]], progress: (Verifier.Progress) -> Void
  ) throws -> (report: VerificationReport, testCase: TestCase) {
    let options = Verifier.Options()
    let threads = options.threads
    let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: threads))
    let verifier = Verifier(
      graph: graph, card: card, layerTraining: layerTraining, storage: backbone.storage, options: options)
    var report = try verifier.verify(weights: weights, engine: engine, testCase: nil, progress: progress)
    report.checks.append(try check(engine, inputs: inputs, expected: expected))
    if let failure = report.failure(of: record.data) { throw failure }
    let testCase = try TestCase.make(
      graph: graph, weights: weights, preprocessing: card.preprocessing, engine: engine, threads: threads)
    return (report, testCase)
  }

  /// How far probabilities may be from those of the head in double precision.
  private static let tolerance = 1e-3

  private func check(_ engine: Engine, inputs: Tensor, expected: [[Double]]) throws
    -> VerificationReport.Check
  {
    let name = changed.isEmpty ? "network against the trained head" : "network against training"
    var largest = 0.0
    var location = ""
    var scale = 1.0
    for (output, (found, wanted)) in zip(graph.outputs, zip(try engine.makeSession().run([inputs]), expected))
    {
      // Probabilities are at most 1; numbers are measured by the largest.
      let size = max(1, wanted.reduce(0) { max($0, abs($1)) })
      for (value, truth) in zip(found.values, wanted) {
        let error = abs(Double(value) - truth) / size
        if !(error <= largest) {
          (largest, location, scale) = (error.isNaN ? .infinity : error, graph[output].name, size)
        }
      }
    }
    return VerificationReport.Check(
      name, largest <= Self.tolerance ? .passed : .failed, largestError: largest, location: location,
      tolerance: Self.tolerance,
      detail: "\(inputs.shape[0]) pictures\(scale > 1 ? ", of the largest value" : "")")
  }

  /// Writes the `.zoo` file, whole or not at all.
  package func write(
    to path: String, overwrite: Bool, report: VerificationReport, testCase: TestCase,
    progress: (Int, Int) -> Void
  ) throws {
    let labels = record.tasks.first?.labels ?? []
    let document = ZooDocument(
      graph: graph, card: card,
      labels: record.tasks.count == 1 ? labels.map { ClassLabel(id: "", name: $0) } : [],
      source: backbone.document.source, testCase: testCase.isFinite ? testCase : nil,
      verification: report.summary, training: record, layerTraining: layerTraining)
    try ZooWriter(document: document, plan: backbone.storagePlan(without: changed))
      .write(to: path, overwrite: overwrite, weights: weights, progress: progress)
  }

}
