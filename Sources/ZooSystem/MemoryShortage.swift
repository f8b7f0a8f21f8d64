/// What running a network would have taken, and what it was allowed: the ``ZooError/underlyingError`` of an error
/// with the code ``ZooError/Code/tooLarge`` that a memory limit is the reason of.
public struct MemoryShortage: Error, Sendable, Hashable {
  /// Bytes of packed weights, of whichever users share them.
  public let weights: Int
  /// Bytes of the network's values while one example runs.
  public let values: Int
  /// The limit, in bytes.
  public let limit: Int

  /// All bytes that are needed.
  public var needed: Int { weights + values }

  package init(weights: Int, values: Int, limit: Int) {
    self.weights = weights
    self.values = values
    self.limit = limit
  }
}
