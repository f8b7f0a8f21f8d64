import ZooTensor

/// A tensor with the name of the layer or weight that it is of.
public struct NamedTensor: Sendable, Equatable {
  /// The layer's name; of a weight its role, for example `kernel`.
  public let name: String
  /// Its values.
  public let tensor: Tensor

  /// Names a tensor.
  public init(name: String, tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }
}
