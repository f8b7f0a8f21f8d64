import ZooTensor

/// What the end of a network says about its use.
extension Graph {
  /// The number of classes, where the only output is a probability per class.
  package var classCount: Int? {
    guard outputs.count == 1, let output = outputs.first, self[output].shape.rank == 1 else { return nil }
    guard endsInSoftmax(output) else { return nil }
    return self[output].shape[0]
  }

  /// The last feature map (H, W, C) with more than one pixel on the way to the first output; the
  /// output itself where there is none.
  package var topFeatures: Value {
    var value = outputs[0]
    while true {
      let shape = self[value].shape
      if shape.rank == 3, shape[0] * shape[1] > 1 { return value }
      guard let next = self[value].inputs.first else { return outputs[0] }
      value = next
    }
  }

  private func endsInSoftmax(_ value: Value) -> Bool {
    var value = value
    // A loop and no recursion: a file's author decides how many layers follow each other.
    while true {
      switch self[value].operation {
      case .activation(let activation): return activation == .softmax
      case .dense(let dense): return dense.activation == .softmax
      case .convolution(let convolution): return convolution.activation == .softmax
      case .reshape, .flatten, .identity:
        guard let input = self[value].inputs.first else { return false }
        value = input
      default: return false
      }
    }
  }
}
