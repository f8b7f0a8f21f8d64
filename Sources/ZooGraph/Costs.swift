import ZooTensor

extension Graph {
  /// The multiplications of convolutions and dense layers at `node`, for one example; `Int.max` where
  /// they are more.
  package func multiplications(of node: Node) -> Int {
    guard let input = node.inputs.first.map({ self[$0].shape }), let channels = input.dimensions.last else {
      return 0
    }
    let outputs = node.shape.elementCount
    switch node.operation {
    case .convolution(let c):
      return product(outputs, c.kernel.height, c.kernel.width, channels / c.groups)
    case .depthwiseConvolution(let c):
      return product(outputs, c.kernel.height, c.kernel.width)
    case .separableConvolution(let c):
      let pixels = node.shape[0] * node.shape[1]
      let inner = channels * c.multiplier
      return product(pixels, inner, c.kernel.height * c.kernel.width + c.filters)
    case .transposedConvolution(let c):
      let input = self[node.inputs[0]].shape
      return product(input.elementCount, c.kernel.height, c.kernel.width, c.filters)
    case .dense:
      return product(outputs, channels)
    default:
      return 0
    }
  }

  /// The multiplications of convolutions and dense layers, for one example; `Int.max` where they are more.
  package var multiplications: Int {
    nodes.reduce(0) { total, node in
      let (sum, overflow) = total.addingReportingOverflow(multiplications(of: node))
      return overflow ? Int.max : sum
    }
  }

  private func product(_ factors: Int...) -> Int {
    var result = 1
    for factor in factors {
      let (product, overflow) = result.multipliedReportingOverflow(by: factor)
      if overflow { return Int.max }
      result = product
    }
    return result
  }
}
