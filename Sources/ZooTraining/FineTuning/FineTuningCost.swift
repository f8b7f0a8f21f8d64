import ZooSystem

/// What training layers of a backbone would take.
public struct FineTuningCost: Sendable, Encodable {
  /// Which layers, as ``TrainingConfiguration/Layers`` names them: `last` or `all`.
  public let layers: String
  /// About how many seconds.
  public let seconds: Double

  /// What making a view of a picture takes, in seconds.
  private static let viewing = 5e-4
  /// A step backward takes about so many times the time of one forward.
  private static let backward = 2.3

  /// Of the last resolution, and of all layers, from the time that some pictures take forward; none where that can't be
  /// measured or layers can't be trained.
  static func all(
    model: TrainedModel, extractor: FeatureExtractor, paths: [String], pictures: Int
  ) -> [FineTuningCost] {
    guard let network = try? TrainableNetwork(model, features: extractor.graph), !paths.isEmpty,
      let last = try? network.groups.stages(.last).first, let all = try? network.groups.stages(.all).first,
      let (decoding, forward) = try? extractor.secondsPerPicture(paths)
    else { return [] }
    let configuration = TrainingConfiguration()
    let perEpoch = (pictures + configuration.batch - 1) / configuration.batch
    let epochs = configuration.epochCount(stepsPerEpoch: perEpoch)
    func cost(_ name: String, _ stage: LayerGroups.Stage) -> FineTuningCost {
      let (below, inside) = network.groups.work(of: stage)
      let share = Double(inside) / Double(max(1, below + inside))
      // Pictures are decoded once, and kept.
      let step = Self.viewing + forward * (1 + Self.backward * share)
      return FineTuningCost(layers: name, seconds: Double(pictures) * (decoding + Double(epochs) * step))
    }
    return stageNames(last, all).map(cost)
  }

  private static func stageNames(
    _ last: LayerGroups.Stage, _ all: LayerGroups.Stage
  ) -> [(String, LayerGroups.Stage)] {
    last == all ? [("all", all)] : [("last", last), ("all", all)]
  }
}
