/// Where a layer has its packed weights: in memory of their own from step to step, or, where they are packed anew
/// before each use, in memory that all such layers share.
struct PanelPlace: Sendable {
  /// From the start of the packed weights.
  let offset: Int
  let isTransient: Bool

  func memory(_ run: TrainingRun) -> UnsafeMutablePointer<Float> {
    isTransient ? run.transient : run.packed + offset
  }
}
