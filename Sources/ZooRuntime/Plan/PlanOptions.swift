import ZooGraph
import ZooSystem

/// What a plan is made for.
package struct PlanOptions: Sendable {
  /// When weights are brought into the form that kernels read.
  package enum Packing: Sendable {
    /// All, when the engine is made.
    case ahead
    /// Each step's just before it runs, again in each run: the whole takes less time and far less memory for
    /// a network that runs once.
    case streamed

    /// What suits so many examples in all, where their number is known: a single one does not pay for packing
    /// all weights ahead.
    package init(examples: Int?) { self = examples == 1 ? .streamed : .ahead }
  }

  /// Threads that a session uses, the caller's included; results don't depend on it.
  package var threads: Int
  /// Values besides the outputs that must exist in memory, so that they can be looked at.
  package var taps: [Value]
  /// Forces an instruction set (`amx`, `avx512`, `avx2`, `neon`, `portable`); `nil`: the environment variable
  /// `ZOO_KERNELS`, or the best that the machine has.
  package var kernels: String?
  /// Results don't depend on it.
  package var packing: Packing
  /// The most bytes that packed weights and a session's values may take; `nil`: as many as the limit
  /// `activations` of ``ReadingLimits`` allows for values.
  package var memoryLimit: Int?
  /// How layers are computed with activations and weights of 8 bits; `nil`: all in 32-bit floats. Of values that are
  /// computed so, only those can be looked at that no other layer's step takes in.
  package var integers: IntegerForm?

  package init(
    threads: Int = 1, taps: [Value] = [], kernels: String? = nil, packing: Packing = .ahead,
    memoryLimit: Int? = nil, integers: IntegerForm? = nil
  ) {
    self.threads = threads
    self.taps = taps
    self.kernels = kernels
    self.packing = packing
    self.memoryLimit = memoryLimit
    self.integers = integers
  }
}
