extension Graph {
  /// Values that depthwise convolutions with one filter a channel read, through padding or not, and nothing else: only
  /// these can have a range for each channel.
  package var depthwiseInputs: Set<Value> {
    var readers = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { readers[input.index].append(index) }
    }
    var found: Set<Value> = []
    for index in nodes.indices.reversed() where !readers[index].isEmpty {
      let value = Value(index: index)
      let fits = readers[index].allSatisfy { reader in
        switch nodes[reader].operation {
        case .depthwiseConvolution(let convolution): convolution.multiplier == 1
        case .zeroPadding: found.contains(Value(index: reader))
        default: false
        }
      }
      if fits, !outputs.contains(value) { found.insert(value) }
    }
    return found
  }
}
