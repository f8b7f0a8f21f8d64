import ZooTensor

extension Graph {
  /// The multiply-accumulate operations of `node`, for one example: those of convolutions and dense layers.
  /// `Int.max` where they are more.
  package func macs(of node: Node) -> Int {
    guard let input = node.inputs.first else { return 0 }
    return node.operation.payload.macs(input: self[input].shape, output: node.shape)
  }

  /// The multiply-accumulate operations of all convolutions and dense layers, for one example; `Int.max`
  /// where they are more.
  package var macs: Int {
    nodes.reduce(0) { total, node in
      let (sum, overflow) = total.addingReportingOverflow(macs(of: node))
      return overflow ? Int.max : sum
    }
  }
}

/// The product of all `factors`; `Int.max` where it is more.
func saturatingProduct(_ factors: Int...) -> Int {
  var result = 1
  for factor in factors {
    let (product, overflow) = result.multipliedReportingOverflow(by: factor)
    if overflow { return Int.max }
    result = product
  }
  return result
}
