/// The kernel of a product, with what follows it folded in, and where a session keeps what belongs to it.
struct FoldedKernel: Sendable {
  /// (rows, channels of the output).
  let kernel: WeightPlace
  let folded: FoldedScale
  /// Where the gradient of a kernel that does not learn itself goes: that of what is folded in follows from it.
  let spare: Int?
  /// The place of the bias in the packed weights.
  let packedBias: Int
  /// The place of the sums of the output's gradient.
  let sums: Int

  /// Whether it has a gradient.
  var learns: Bool { kernel.learns || spare != nil || folded.learns }

  func weights(_ run: TrainingRun) -> UnsafePointer<Float> { UnsafePointer(run.weights + kernel.offset) }

  /// The gradient of the folded weights.
  func gradient(_ run: TrainingRun) -> UnsafeMutablePointer<Float> {
    spare.map { run.spare + $0 } ?? run.gradient(kernel)
  }

  func columnSums(_ run: TrainingRun) -> UnsafeMutablePointer<Double> { run.sums + sums }

  /// Completes the gradients after the last part of a batch.
  func finish(_ run: TrainingRun) {
    guard learns else { return }
    folded.finish(
      run, kernel: weights(run), gradient: gradient(run), rows: kernel.count / folded.channels,
      sums: UnsafePointer(columnSums(run)))
  }
}
