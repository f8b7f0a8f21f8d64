import ZooGraph
import ZooImageFiles
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor

/// Lets the batch-norm layers of a network testify for its weights and preprocessing.
package struct BatchNormCheck {
  let graph: Graph
  let card: ModelCard
  /// By the names of layers, which of them have old statistics.
  let layerTraining: [String: LayerTraining]
  /// Pictures to run; synthetic ones where there is none.
  let images: [String]
  let threads: Int
  /// Is called with the number of pictures that have run and of all.
  let progress: (Int, Int) -> Void

  package init(
    graph: Graph, card: ModelCard, layerTraining: [String: LayerTraining] = [:], images: [String] = [],
    threads: Int, progress: @escaping (Int, Int) -> Void = { _, _ in }
  ) {
    self.graph = graph
    self.card = card
    self.layerTraining = layerTraining
    self.images = images
    self.threads = threads
    self.progress = progress
  }

  /// How many synthetic pictures are enough for stable statistics.
  private static let syntheticCount = 12
  /// The most pictures of a folder that are run.
  private static let imageLimit = 64
  package static let name = "batch-norm statistics"

  /// The only preprocessing with which all layers agree, if there is exactly one and the card's own is not it.
  package func foundPreprocessing(weights: some WeightSource) throws -> Preprocessing? {
    guard let witnesses = try witnesses(weights: weights).value,
      witnesses.layers.count >= Tolerances.preprocessingLayers
    else { return nil }
    if card.preprocessing == .unknown {
      return BatchNormTestimony.onlyMode(of: try testimonies(of: witnesses))
    }
    return try preprocessing(of: witnesses, insteadOf: testimony(of: witnesses, mode: card.preprocessing))
  }

  package func check(weights: some WeightSource) throws -> VerificationReport.Check {
    let witnesses: Witnesses
    switch try self.witnesses(weights: weights) {
    case .present(let present): witnesses = present
    case .absent(let why): return .init(Self.name, .noTestimony, detail: why)
    }
    let testimony = try testimony(of: witnesses, mode: card.preprocessing)
    var check = try check(testimony, of: witnesses)
    check.deviations = testimony.deviations
    return check
  }

  private func check(
    _ testimony: BatchNormTestimony, of witnesses: Witnesses
  ) throws -> VerificationReport.Check {
    let layers = witnesses.layers
    let subject =
      "\(layers.count) layers on "
      + (images.isEmpty ? "synthetic images" : "\(witnesses.pictures.count) images")

    switch testimony.verdict {
    case .agrees(let z, let zLayer, let v, let vLayer):
      return .init(
        Self.name, .passed, location: zLayer,
        detail: "\(subject) agree: largest z \(significant(z)), largest v \(significant(v)) at \(vLayer)")
    case .disagrees(let layer, let previous, let z, let v):
      return .init(
        Self.name, .failed, location: layer,
        detail:
          "the layers before \(layer) agree and it does not (z \(significant(z)), v \(significant(v))): "
          + "a tensor is wrong in \(suspects(from: previous, to: layer).joined(separator: ", "))")
    case .exchanged(let exchange):
      return .init(
        Self.name, .failed, location: exchange.first,
        detail:
          "the \(exchange.kind.rawValue) of \(exchange.first) and \(exchange.second) each fit the other layer, "
          + "not their own: \(exchange.kind.isStored ? "they, or the weights before them," : "they") "
          + "were exchanged")
    case .noTestimony(let reason):
      guard let better = try preprocessing(of: witnesses, insteadOf: testimony) else {
        let misfit = testimony.misfit
        return .init(
          Self.name, .noTestimony, largestError: misfit,
          location: misfit.flatMap { _ in layers.first?.node.name },
          tolerance: misfit.map { _ in Tolerances.hopeless.z }, detail: "\(subject): \(reason)")
      }
      let first = layers.first?.node.name
      if card.preprocessing == .unknown {
        return .init(
          Self.name, .noTestimony, location: first,
          detail:
            "\(subject): the statistics agree with preprocessing '\(better.rawValue)', which nothing states")
      }
      if card.preprocessing == .none, graph.scalesPixels {
        // Nobody stated that pixels go in as they are: a layer of the network implies it.
        return .init(
          Self.name, .noTestimony, largestError: testimony.startError, location: first,
          tolerance: Tolerances.firstLayers.v,
          detail: "\(subject): the statistics agree with preprocessing '\(better.rawValue)' in front of the "
            + "network's own scaling, not with pixels as they are; if it was trained so, state that mode")
      }
      return .init(
        Self.name, .failed, location: first,
        detail: "\(subject): the statistics agree with preprocessing '\(better.rawValue)', "
          + "not with '\(card.preprocessing.rawValue)'")
    }
  }

  /// The other preprocessing with which alone all layers agree, where the first ones do not with the card's.
  private func preprocessing(
    of witnesses: Witnesses, insteadOf testimony: BatchNormTestimony
  ) throws -> Preprocessing? {
    guard testimony.mayHaveOtherPreprocessing, witnesses.layers.count >= Tolerances.preprocessingLayers
    else { return nil }
    var testimonies = try testimonies(of: witnesses)
    testimonies[card.preprocessing] = testimony
    return BatchNormTestimony.suggestedMode(insteadOf: card.preprocessing, testimonies: testimonies)
  }

  /// What the layers say of every other preprocessing.
  private func testimonies(of witnesses: Witnesses) throws -> [Preprocessing: BatchNormTestimony] {
    var testimonies: [Preprocessing: BatchNormTestimony] = [:]
    for mode in Preprocessing.distinguishable where mode != card.preprocessing {
      testimonies[mode] = try testimony(of: witnesses, mode: mode)
    }
    return testimonies
  }

  // MARK: Layers

  /// The layers that can testify, and what is shown to them.
  private struct Witnesses {
    let layers: [Layer]
    let engine: Engine
    let pictures: [Image]
  }

  private enum Presence {
    case present(Witnesses)
    case absent(String)

    var value: Witnesses? {
      if case .present(let witnesses) = self { witnesses } else { nil }
    }
  }

  private func witnesses(weights: some WeightSource) throws -> Presence {
    guard graph.inputs.count == 1, let input = graph.inputs.first, TestInput.isImage(graph[input].shape)
    else { return .absent("the network does not take images of three channels") }
    let layers = try batchNorms(weights: weights)
    guard !layers.isEmpty else {
      return .absent(
        layerTraining.values.contains(where: \.hasOldStatistics)
          ? "the weights before them have learned since they were measured"
          : "the network has no batch normalization")
    }
    let engine = try Engine(
      graph: graph, weights: weights, options: PlanOptions(threads: threads, taps: layers.map(\.input)))
    return .present(
      Witnesses(layers: layers, engine: engine, pictures: try pictures(shape: graph[input].shape)))
  }

  private struct Layer {
    let node: Node
    let input: Value
    let mean: [Float]
    let variance: [Float]
    let gamma: [Double]?
    let beta: [Double]?
    let epsilon: Double
    let succession: BatchNormSuccession?
  }

  private func batchNorms(weights: some WeightSource) throws -> [Layer] {
    var consumers = graph.nodes.map { _ in [Int]() }
    for (index, node) in graph.nodes.enumerated() {
      for input in node.inputs { consumers[input.index].append(index) }
    }
    return try graph.testifyingBatchNorms.compactMap { index in
      let node = graph.nodes[index]
      func values(_ role: WeightRole) throws -> [Float]? {
        try node.weights.first { $0.role == role }.map { try weights.tensor(for: $0).floats() }
      }
      guard case .batchNormalization(let norm) = node.operation, let input = node.inputs.first,
        layerTraining[node.name]?.hasOldStatistics != true,
        let mean = try values(.movingMean), let variance = try values(.movingVariance)
      else { return nil }
      return Layer(
        node: node, input: input, mean: mean, variance: variance,
        gamma: try values(.gamma)?.map(Double.init), beta: try values(.beta)?.map(Double.init),
        epsilon: norm.epsilon,
        succession: try BatchNormSuccession(from: node, in: graph, consumers: consumers, weights: weights))
    }
  }

  /// The layers with weights from the batch norm `previous` to the batch norm `layer`.
  private func suspects(from previous: String, to layer: String) -> [String] {
    guard let start = graph.value(named: layer) else { return [layer] }
    var names: [String] = []
    var pending = [start]
    var seen: Set<Value> = []
    while let value = pending.popLast() {
      guard seen.insert(value).inserted else { continue }
      let node = graph[value]
      if !node.weights.isEmpty { names.append(node.name) }
      if case .batchNormalization = node.operation, value != start { continue }
      pending += node.inputs
    }
    if !names.contains(previous) { names.append(previous) }
    return names
  }

  // MARK: Statistics

  private func pictures(shape: Shape) throws -> [Image] {
    guard !images.isEmpty else {
      return (0..<Self.syntheticCount).map {
        deadLeaves(height: shape[0], width: shape[1], seed: UInt64($0 + 1))
      }
    }
    return try images.prefix(Self.imageLimit).map {
      try Image(path: $0).resized(height: shape[0], width: shape[1])
    }
  }

  private func testimony(of witnesses: Witnesses, mode: Preprocessing) throws -> BatchNormTestimony {
    let (layers, pictures) = (witnesses.layers, witnesses.pictures)
    let session = witnesses.engine.makeSession()
    let taps = Array(Set(layers.map(\.input)))
    var moments = Dictionary(
      uniqueKeysWithValues: taps.map { ($0, ChannelMoments(channels: graph[$0].shape.dimensions.last ?? 0)) })
    var samplers = Dictionary(
      layers.filter { $0.succession != nil }.map { layer in
        let channels = graph[layer.input].shape.dimensions.last ?? 0
        return (layer.input, PixelSampler(channels: channels, images: pictures.count))
      }, uniquingKeysWith: { first, _ in first })
    func judge() -> BatchNormTestimony {
      let statistics = layers.map { layer in
        var succession = layer.succession
        succession?.samples = samplers[layer.input]?.channels ?? []
        return BatchNormStatistics(
          layer: layer.node.name, storedMean: layer.mean, storedVariance: layer.variance,
          epsilon: layer.epsilon,
          mean: moments[layer.input]?.mean ?? [], variance: moments[layer.input]?.variance ?? [],
          gamma: layer.gamma, beta: layer.beta, succession: succession)
      }
      return BatchNormTestimony(statistics, images: images.isEmpty ? .synthetic : .photographs)
    }
    for (index, picture) in pictures.enumerated() {
      progress(index, pictures.count)
      for (value, tensor) in try session.run([mode.tensor(of: picture)], keeping: taps).kept {
        moments[value]?.add(tensor.values)
        samplers[value]?.add(tensor.values)
      }
      if index == 1, judge().isFarFromTraining { break }
    }
    return judge()
  }
}

extension Graph {
  /// The batch norms whose statistics are of what reaches them: what a layer that is called twice has
  /// stored is a mixture of what reached both calls.
  fileprivate var testifyingBatchNorms: [Int] {
    let shared = Set(nodes.compactMap(\.sharing))
    return nodes.indices.filter { index in
      guard case .batchNormalization = nodes[index].operation else { return false }
      return nodes[index].sharing == nil && !shared.contains(Value(index: index))
    }
  }

  /// The layers whose weights such a batch norm depends on, itself included: their faults show there.
  package var layersWithTestimony: Set<String> {
    var reach = [Bool](repeating: false, count: nodes.count)
    for index in testifyingBatchNorms { reach[index] = true }
    var names: Set<String> = []
    for index in nodes.indices.reversed() where reach[index] {
      names.insert(nodes[index].name)
      for input in nodes[index].inputs { reach[input.index] = true }
    }
    return names
  }
}
