import ZooGraph
import ZooRuntime

/// How a network runs. Results do not depend on it, but for the kernels: those of different instruction sets round
/// differently.
public struct RunOptions: Sendable, Hashable {
  /// How many threads compute one call, the caller's included: 1 to 256.
  public var threads: Int
  /// How many examples will run in all, where that is known. For a single one weights are prepared as they are
  /// used, again at each call, which takes less time for that one and far less memory.
  public var exampleCount: Int?
  /// The instruction set, one of ``Model/availableKernels``; by default the one that the environment variable
  /// `ZOO_KERNELS` names, or else the fastest.
  public var kernels: String?
  /// The most bytes that prepared weights and the values of one call may take together; what the caller passes in
  /// and gets back, and the file's mapping, do not count. By default `ReadingLimits.activations` limits values.
  ///
  /// Where one example needs more, preparing throws an error of the code `ZooError.Code.tooLarge` before anything
  /// is allocated, with a ``MemoryShortage`` as its `underlyingError`. Larger batches run in as many parts as
  /// fit. Each of several concurrent calls has values of its own; see ``concurrentCalls``.
  public var memoryLimit: Int?
  /// How many asynchronous calls of one user of a model compute at the same time; others wait, suspended. By
  /// default as many as the processors have room for with ``threads`` each.
  public var concurrentCalls: Int?
  /// Whether a model whose file asks for activations of 8 bits is computed in 32-bit floats all the same: slower, and
  /// nearer to the network that it was made of.
  public var usesFloats: Bool

  /// Options of which all have a default.
  public init(
    threads: Int = 1, exampleCount: Int? = nil, kernels: String? = nil, memoryLimit: Int? = nil,
    concurrentCalls: Int? = nil, usesFloats: Bool = false
  ) {
    self.threads = threads
    self.exampleCount = exampleCount
    self.kernels = kernels
    self.memoryLimit = memoryLimit
    self.concurrentCalls = concurrentCalls
    self.usesFloats = usesFloats
  }

  func planOptions(taps: [Value]) -> PlanOptions {
    PlanOptions(
      threads: threads, taps: taps, kernels: kernels, packing: .init(examples: exampleCount),
      memoryLimit: memoryLimit)
  }
}
