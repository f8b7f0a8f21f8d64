import CZooKernels

/// A step of a training plan, forward and backward: a layer, or several that one kernel computes.
protocol TrainingLayer: Sendable {
  /// The name of its first layer.
  var name: String { get }
  var links: TrainingLinks { get set }
  /// Whether the backward pass reads its inputs.
  var keepsInputs: Bool { get }
  /// The buffers that the forward pass reads.
  var forwardReads: [Int] { get }
  /// Whether the forward pass writes its output; if not, the layer that reads it computes it too.
  var writesOutput: Bool { get }
  /// Whether its output can be computed again in next to no time.
  var isCheap: Bool { get }
  /// Whether the backward pass reads its output.
  var keepsOutput: Bool { get }
  /// Whether the gradient of each input is the output's.
  var passesGradient: Bool { get }
  /// Whether it can write its input's gradient in the place of its output's.
  var replacesGradient: Bool { get }
  /// Whether it learns, apart from what is below it.
  var learns: Bool { get }

  /// Brings changed weights into the form that kernels read.
  func prepare(_ run: TrainingRun)
  /// Computes the output of ``TrainingRun/count`` examples.
  func forward(_ run: TrainingRun)
  /// Computes the output once more, after the forward pass.
  func repeatForward(_ run: TrainingRun)
  /// The floats of scratch memory that it needs backward for `part` examples, once its links are known.
  func backwardScratch(part: Int) -> Int
  /// From the output's gradient, computes those of inputs and adds to those of weights.
  func backward(_ run: TrainingRun)
  /// Completes the gradients of weights after the last part of a batch.
  func finish(_ run: TrainingRun)
}

extension TrainingLayer {
  var keepsInputs: Bool { false }
  var forwardReads: [Int] { links.inputs.map(\.buffer) }
  var writesOutput: Bool { true }
  var isCheap: Bool { false }
  var keepsOutput: Bool { false }
  var passesGradient: Bool { false }
  var replacesGradient: Bool { false }
  var learns: Bool { false }

  func prepare(_ run: TrainingRun) {}
  func repeatForward(_ run: TrainingRun) { forward(run) }
  func backwardScratch(part: Int) -> Int { 0 }
  func finish(_ run: TrainingRun) {}
}
