import ZooGraph
import ZooRuntime
import ZooSystem

/// What training layers of a backbone would take.
public struct FineTuningCost: Sendable, Encodable {
  /// Which layers, as ``TrainingConfiguration/Layers`` names them: `last` or `all`.
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

  /// Of the last resolution, and of all layers; none where layers can't be trained.
  ///
  /// - Parameters:
  ///   - features: the backbone up to its features.
  ///   - decoding: seconds that it takes to decode a picture.
  ///   - forward: seconds that a picture takes through the backbone.
  static func all(
    _ features: Graph, decoding: Double, forward: Double, pictures: Int, threads: Int,
    configuration: TrainingConfiguration = TrainingConfiguration()
  ) -> [FineTuningCost] {
    let groups = LayerGroups(features, features: features)
    guard let last = try? groups.stages(.last).first, let all = try? groups.stages(.all).first else {
      return []
    }
    let perEpoch = (pictures + configuration.batch - 1) / configuration.batch
    let epochs = configuration.epochCount(stepsPerEpoch: perEpoch)
    return (last == all ? [("all", all)] : [("last", last), ("all", all)]).compactMap { name, stage in
      let (below, inside) = groups.work(of: stage)
      let share = Double(inside) / Double(max(1, below + inside))
      // Pictures are decoded once, and kept.
      let perPicture = viewing + forward * (1 + backward * share)
      let learning = Set(groups.slots(of: stage))
      guard
        let step = try? StepMemory(
          graph: features, learning: learning, configuration: configuration, options: { $0.threads = threads }
        )
      else { return nil }
      let epoch = Double(pictures) * perPicture
      return FineTuningCost(
        layers: name, seconds: Double(pictures) * decoding + repetition * Double(epochs) * epoch,
        memory: step.bytes)
    }
  }
}
