import ZooData
import ZooGraph
import ZooImages
import ZooLearning
import ZooRuntime
import ZooSystem
import ZooTensor

/// The layers of one stage in training: steps, and what they make of validation pictures.
final class StageTraining {
  let stage: LayerGroups.Stage
  let session: TrainingSession
  private let network: TrainableNetwork
  private let pictures: TuningPictures
  private let losses: [TaskLoss]
  private let configuration: TrainingConfiguration
  private let seed: UInt64
  private let layout: ParameterLayout
  private let workers: Workers
  private var optimizer: OptimizerState<Float>
  /// Of the variables that have one, with their places in the layout.
  private let regularizers: [(range: Range<Int>, regularizer: Regularizer)]
  /// Of the pictures as they are.
  private var plain: BoundaryCache

  /// - Parameters:
  ///   - weights: those that the stage begins with.
  ///   - room: what it may take.
  init(
    _ stage: LayerGroups.Stage, of network: TrainableNetwork, weights: any WeightSource,
    pictures: TuningPictures, losses: [TaskLoss], configuration: TrainingConfiguration, room: Room,
    seed: UInt64, threads: Int
  ) throws {
    self.stage = stage
    self.network = network
    self.pictures = pictures
    self.losses = losses
    self.configuration = configuration
    self.seed = splitMix64(seed &+ UInt64(stage.first) &+ 1)
    let options = Self.options(
      stage, network, configuration, part: room.part, seed: self.seed, threads: threads)
    session = try TrainingSession(
      graph: network.graph, weights: weights, learning: Set(network.groups.slots(of: stage)), options: options
    )
    workers = try Workers(threads: threads)
    layout = ParameterLayout(
      session.slots.map {
        ParameterLayout.Variable($0, rate: network.groups.rateFactor(of: $0, decay: configuration.rateDecay))
      })
    optimizer = try OptimizerState(configuration.optimizer, layout)
    regularizers = session.slots.indices.compactMap { [layout, session] index in
      let slot = session.slots[index]
      return network.layerTraining[slot.layer]?.regularizers[slot.role].map { (layout.range(of: index), $0) }
    }
    plain = BoundaryCache(limit: room.kept)
    pictures.limit = room.kept
  }

  /// What a stage may take of memory.
  struct Room {
    /// The most pictures that are computed at once.
    let part: Int
    /// The most bytes that are kept of pictures, and as many of the values below the stage.
    let kept: Int
  }

  /// How a session computes the stage.
  static func options(
    _ stage: LayerGroups.Stage, _ network: TrainableNetwork, _ configuration: TrainingConfiguration,
    part: Int,
    seed: UInt64, threads: Int
  ) -> TrainingOptions {
    var options = TrainingOptions()
    options.threads = threads
    options.batch = configuration.batch
    options.part = part
    options.valueBytes = configuration.valueBytes
    options.seed = seed
    options.noise = network.noise(from: stage.first)
    options.batchMomentum = network.groups.batchMomentum(
      of: stage, configuration.batchNorm, training: network.layerTraining)
    return options
  }

  // MARK: State

  /// How many numbers learn.
  var parameterCount: Int { session.parameterCount }

  /// All weights of the stage, those that learn first.
  var weights: [Float] {
    get { session.withAllWeights { Array($0) } }
    set {
      session.withAllWeights { weights in
        for (index, value) in newValue.enumerated() where index < weights.count { weights[index] = value }
      }
    }
  }

  /// How many numbers ``weights`` has.
  var weightCount: Int { session.allSlots.reduce(0) { $0 + $1.shape.elementCount } }

  /// The weights that a step's model is judged by: the running mean where there is one, or those of the last step.
  var judgedWeights: [Float] {
    var weights = weights
    if let mean = optimizer[.average], optimizer.steps > 0 {
      weights.replaceSubrange(0..<mean.count, with: mean)
    }
    return weights
  }

  /// The values of the stage's weights by their slots.
  func bySlot(_ weights: [Float]) -> [WeightSlot: [Float]] {
    var start = 0
    var result: [WeightSlot: [Float]] = [:]
    for slot in session.allSlots {
      result[slot] = Array(weights[start..<start + slot.shape.elementCount])
      start += slot.shape.elementCount
    }
    return result
  }

  /// Forgets what the optimizer remembers.
  func restart() throws(ZooError) { optimizer = try OptimizerState(configuration.optimizer, layout) }

  /// Takes over what a state remembers of the run.
  func resume(_ state: TuningState) throws(ZooError) {
    let slots = configuration.optimizer.slots
    optimizer = try OptimizerState(
      configuration.optimizer, layout,
      OptimizerSnapshot(
        steps: state.optimizerSteps,
        slots: Dictionary(
          uniqueKeysWithValues: slots.map { ($0, state.arrays[TuningState.slot($0)] ?? []) })))
    guard let own = state.arrays[TuningState.weights], own.count == weightCount else {
      throw ZooError(
        .doesNotFit, what: "cannot resume", at: "the checkpoint", "its weights are of another network")
    }
    weights = own
  }

  /// Puts what the run remembers into a state.
  func save(to state: inout TuningState) {
    state.optimizerSteps = optimizer.steps
    for slot in configuration.optimizer.slots {
      state.arrays[TuningState.slot(slot)] = optimizer[slot].map(Array.init) ?? []
    }
    state.arrays[TuningState.weights] = weights
  }

  // MARK: Steps

  /// A step's place in the training.
  struct Place {
    /// The run of the stage.
    var run: Int
    var epoch: Int
    /// From the run's first step.
    var step: Int

    /// For random numbers that no other step has.
    var number: Int { run * 10_000_000 + step }
  }

  /// Changes the weights by the gradient of a batch.
  ///
  /// - Returns: the loss before the step.
  /// - Throws: `ZooError` of the code `cannotRun` where the loss or a gradient is not finite.
  func step(
    on batch: [Int], at place: Place, rate: Double, momentum: Double?
  ) throws -> Double {
    let (boundary, partners) = try boundary(of: batch, at: place)
    let targets = targets(of: batch, partners)
    var loss = 0.0
    try session.gradients(of: boundary, step: place.number) { range, logits in
      let (value, slopes) = try self.loss(of: logits, targets, range, batch.count)
      loss += value
      return slopes
    }
    try session.withWeights { weights, gradient in
      guard !regularizers.isEmpty else {
        return try apply(gradient.values, to: weights, loss, place, rate: rate, momentum: momentum)
      }
      for (range, regularizer) in regularizers {
        loss += regularizer.penalty(of: UnsafeBufferPointer(rebasing: weights[range]))
      }
      let penalized = { (range: Range<Int>, scratch: UnsafeMutablePointer<Float>) in
        let own = gradient.values(range, scratch: scratch)
        guard let regularizer = self.regularizers.first(where: { $0.range.contains(range.lowerBound) })
        else { return own }
        if own != UnsafePointer(scratch) { scratch.update(from: own, count: range.count) }
        regularizer.regularizer.addSlopes(
          of: UnsafeBufferPointer(rebasing: weights[range]), to: scratch)
        return UnsafePointer(scratch)
      }
      try apply(penalized, to: weights, loss, place, rate: rate, momentum: momentum)
    }
    return loss
  }

  private func apply(
    _ gradient: GradientSource<Float>, to weights: UnsafeMutableBufferPointer<Float>, _ loss: Double,
    _ place: Place, rate: Double, momentum: Double?
  ) throws(ZooError) {
    let norms = GradientNorms(layout, on: workers, gradient: gradient)
    guard loss.isFinite, norms.global.isFinite else {
      let layer = norms.variables.lastIndex { !$0.isFinite }.map { layout.variables[$0].name }
      throw ZooError(
        .cannotRun, what: "training diverged",
        at: "step \(place.step + 1) of epoch \(place.epoch + 1), \(stage.name)",
        layer.map { "the gradient of '\($0)' is not finite" } ?? "the loss is \(loss)",
        remedy: "Try a lower rate, or clip the norm of gradients.")
    }
    optimizer.step(weights, rate: rate, momentum: momentum, on: workers, gradient: gradient)
  }

  private typealias Partners = (places: [Int], share: Double)

  /// What enters the stage.
  private func boundary(of batch: [Int], at place: Place) throws -> (values: [Tensor], partners: Partners?) {
    switch configuration.augmentation {
    case .none: return (try plainBoundary(of: batch), nil)
    case .light, .strong:
      let isStrong = configuration.augmentation == .strong
      let number = 1 + place.run * 10_000 + place.epoch + (stage.first == 0 ? 500_000 : 0)
      let inputs = try pictures.inputs(of: batch, view: number)
      guard isStrong else { return (try session.boundaryValues(of: [inputs]), nil) }
      let mixed = PictureMixing(seed: seed, step: place.number).mix(inputs)
      return (try session.boundaryValues(of: [mixed.inputs]), mixed.partners)
    }
  }

  private func plainBoundary(of batch: [Int]) throws -> [Tensor] {
    try plain.values(of: batch, shapes: session.boundary.map { session.graph[$0].shape }) {
      try session.boundaryValues(of: [try pictures.inputs(of: $0)])
    }
  }

  /// For each task, what the logits of a batch are compared with, and how much each picture counts.
  private func targets(of batch: [Int], _ partners: Partners?) -> [(values: [Float], weights: [Double])] {
    losses.map { task in
      let own = batch.map { task.target(pictures.examples[$0]) }
      guard let partners else { return (own.flatMap(\.values), own.map(\.weight)) }
      let (first, second) = (partners.share, 1 - partners.share)
      var (values, weights): ([Float], [Double]) = ([], [])
      for (target, place) in zip(own, partners.places) {
        let other = own[place]
        // The loss of a mixture is the mixture of the losses, each with its own weight.
        let weight = first * target.weight + second * other.weight
        let share = weight > 0 ? Float(first * target.weight / weight) : 0
        weights.append(target.weight > 0 && other.weight > 0 ? weight : 0)
        values += zip(target.values, other.values).map { share * $0 + (1 - share) * $1 }
      }
      return (values, weights)
    }
  }

  /// The loss of some pictures of a batch and its derivatives.
  private func loss(
    of logits: [Float], _ targets: [(values: [Float], weights: [Double])], _ range: Range<Int>, _ count: Int
  ) throws(ZooError) -> (value: Double, slopes: [Float]) {
    var slopes = [Float](repeating: 0, count: logits.count)
    var sum = 0.0
    for (task, targets) in zip(losses, targets) {
      let (width, columns) = (task.columns.count, task.columns)
      let own = range.flatMap { row in
        let start = (row - range.lowerBound) * network.width
        return logits[start + columns.lowerBound..<start + columns.upperBound]
      }
      let (value, gradient) = try task.loss.evaluate(
        own, columns: width,
        .values(Array(targets.values[range.lowerBound * width..<range.upperBound * width])),
        weights: Array(targets.weights[range]), examples: count)
      sum += value
      for row in 0..<range.count {
        for column in 0..<width {
          slopes[row * network.width + columns.lowerBound + column] = gradient[row * width + column]
        }
      }
    }
    return (sum, slopes)
  }

  // MARK: Validation

  /// What the present weights make of pictures as they are: the logits of each, all tasks' in one row.
  func logits(of batch: [Int]) throws -> [[Float]] {
    var rows: [[Float]] = []
    for start in stride(from: 0, to: batch.count, by: configuration.batch) {
      try Cancellation.check()
      let part = Array(batch[start..<min(start + configuration.batch, batch.count)])
      let values = try session.evaluate(try plainBoundary(of: part)).values
      rows += part.indices.map { Array(values[$0 * network.width..<($0 + 1) * network.width]) }
    }
    return rows
  }

  /// How well weights do on pictures.
  struct Judgement {
    /// What the logits of each task are multiplied with so that they fit these pictures best.
    let scales: [Double]
    /// Of each picture with these scales, summed over the tasks.
    let losses: [Double]
    /// Of the first task of classes.
    let accuracy: Double?
    var loss: Double { losses.reduce(0, +) / Double(max(1, losses.count)) }
  }

  /// Judges these weights, and leaves the present ones as they are.
  func judge(_ weights: [Float], on pictures: [Int]) throws -> Judgement {
    let present = self.weights
    self.weights = weights
    defer { self.weights = present }
    let logits = try logits(of: pictures)
    let examples = pictures.map { self.pictures.examples[$0] }
    var sums = [Double](repeating: 0, count: pictures.count)
    var (right, known) = (0, 0)
    let first = losses.first { $0.task.kind == .classes }
    let scales = losses.map { $0.scale(of: logits, examples) }
    for (row, example) in examples.enumerated() {
      for (task, scale) in zip(losses, scales) {
        sums[row] += try task.measured(logits[row], example, scale: scale) ?? 0
      }
      guard let isRight = first?.isRight(logits[row], example) else { continue }
      known += 1
      if isRight { right += 1 }
    }
    return Judgement(
      scales: scales, losses: sums, accuracy: known > 0 ? Double(right) / Double(known) : nil)
  }
}
