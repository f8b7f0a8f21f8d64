import ZooGraph
import ZooRuntime
import ZooSystem

/// What training layers of a backbone would take.
public struct FineTuningCost: Sendable, Encodable {
  /// Which layers: `last`, `all`, or the name of the first.
  public let layers: String
  /// About how many seconds.
  public let seconds: Double
  /// About how many bytes of memory a step takes, with the optimizer's memory and the weights of the best epoch.
  public let memory: Int

  /// What making a view of a picture takes, in seconds.
  private static let viewing = 5e-4
  /// A step backward takes about so many times the time of one forward.
  private static let backward = 2.3
  /// What was kept is done again with all pictures.
  private static let repetition = 2.0

  /// Of the layers that a configuration trains; none where layers can't be trained.
  ///
  /// - Parameters:
  ///   - features: the backbone up to its features.
  ///   - decoding: seconds that it takes to decode a picture.
  ///   - forward: seconds that a picture takes through the backbone.
  /// - Throws: `ZooError` of the code `unknownLayer`.
  static func all(
    _ features: Graph, decoding: Double, forward: Double, pictures: Int, threads: Int,
    configuration: TrainingConfiguration
  ) throws(ZooError) -> [FineTuningCost] {
    let groups = LayerGroups(features, features: features)
    let stages = try groups.stages(configuration.layers)
    let perEpoch = (pictures + configuration.batch - 1) / configuration.batch
    let epochs = configuration.epochCount(stepsPerEpoch: perEpoch)
    return stages.compactMap { stage in
      let (below, inside) = groups.work(of: stage)
      let share = Double(inside) / Double(max(1, below + inside))
      // Pictures are decoded once, and kept.
      let perPicture = viewing + forward * (1 + backward * share)
      let learning = Set(groups.slots(of: stage))
      guard
        let step = try? StepMemory(
          graph: features, learning: learning, configuration: configuration,
          options: {
            $0.threads = threads
            $0.batchMomentum = groups.batchMomentum(of: stage, configuration.batchNorm, training: [:])
          })
      else { return nil }
      let epoch = Double(pictures) * perPicture
      return FineTuningCost(
        layers: stage.option, seconds: Double(pictures) * decoding + repetition * Double(epochs) * epoch,
        memory: step.bytes)
    }
  }
}
