import CZooKernels

extension Step {
  /// What it needs from the weights, in the order in which ``point(to:zeros:)`` takes it.
  var weightRequests: [WeightRequest] { [weights, pointwiseWeights, expansionWeights].compactMap(\.self) }

  /// Says where what it requests is, and `zeros` for what lies outside of an image.
  mutating func point(to packed: [WeightPacker.Packed], zeros: UnsafePointer<Float>) {
    guard let first = packed.first else { return }
    arguments.point(
      to: StepWeights(
        packed: first, pointwise: packed.count > 1 ? packed[1] : nil,
        expansion: packed.count > 2 ? packed[2] : nil, zeros: zeros))
  }
}

extension [Step] {
  /// Lets each matrix product bring the next one's first weights into the cache.
  mutating func linkPrefetches() {
    var next: UnsafePointer<Float>?
    var nextCodes: UnsafePointer<Int8>?
    for index in indices.reversed() {
      if case .convolution(var a) = self[index].arguments {
        a.next_weights = next.map(UnsafeRawPointer.init)
        next = a.weights
        self[index].arguments = .convolution(a)
      } else if case .separable(var a) = self[index].arguments {
        a.product.next_weights = next.map(UnsafeRawPointer.init)
        next = a.product.weights
        if a.expands != 0 {
          a.expansion.next_weights = next.map(UnsafeRawPointer.init)
          next = a.expansion.weights
        }
        self[index].arguments = .separable(a)
      } else if case .winograd(let a) = self[index].arguments {
        next = a.weights
      } else if case .integerWinograd(let a) = self[index].arguments {
        nextCodes = a.product.weights
      } else if case .integerProduct(var a) = self[index].arguments {
        a.next_weights = nextCodes.map(UnsafeRawPointer.init)
        nextCodes = a.weights
        self[index].arguments = .integerProduct(a)
      }
    }
  }
}
