import ZooGraph
import ZooRuntime
import ZooSystem

/// The memory of a step of training, and how many pictures are computed at once so that it is little.
struct StepMemory {
  /// What a step may take where no memory is stated; or half as much again as with one picture at a time, if that is
  /// more: smaller parts would save little then, and read all weights more often.
  private static let usual = 1 << 30

  /// The most pictures that are computed at once.
  let part: Int
  /// What a step takes, with the optimizer's memory, the weights of the best epoch, and those while they are judged.
  let bytes: Int

  /// Begins with as many pictures at once as are quickest, and halves them until a step is within the configuration's memory,
  /// or the usual one where that states none; down to one. Where batch norms normalize by the batch, all are computed at
  /// once.
  ///
  /// - Parameters:
  ///   - learning: the weights that learn.
  ///   - options: completes the options of a session.
  init(
    graph: Graph, learning: Set<WeightSlot>, configuration: TrainingConfiguration,
    options complete: (inout TrainingOptions) -> Void
  ) throws(ZooError) {
    let count = learning.reduce(0) { $0 + $1.shape.elementCount }
    let more = (configuration.optimizer.slots.count + 3) * count * MemoryLayout<Float>.size
    func size(of part: Int) throws(ZooError) -> Int {
      var options = TrainingOptions()
      options.batch = configuration.batch
      options.part = part
      options.valueBytes = configuration.valueBytes
      complete(&options)
      return try more + TrainingSession.memory(graph: graph, learning: learning, options: options)
    }
    let isDivided = configuration.batchNorm == .fixed
    var part =
      isDivided
      ? TrainingSession.quickestPart(of: graph, learning: learning, batch: configuration.batch)
      : configuration.batch
    var bytes = try size(of: part)
    if isDivided {
      var limit = configuration.memory ?? Self.usual
      if bytes > limit, configuration.memory == nil { limit = try max(limit, size(of: 1) / 2 * 3) }
      while bytes > limit, part > 1 {
        part = (part + 1) / 2
        bytes = try size(of: part)
      }
    }
    (self.part, self.bytes) = (part, bytes)
  }
}

extension TrainingConfiguration {
  /// What a step's values may take before some are computed again for the backward pass: half of the memory where that is
  /// stated, as weights and what the optimizer keeps take some too.
  var valueBytes: Int { min(TrainingOptions().valueBytes, memory.map { $0 / 2 } ?? .max) }
}
