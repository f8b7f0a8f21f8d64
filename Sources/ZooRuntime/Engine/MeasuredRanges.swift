import ZooGraph
import ZooTensor

extension IntegerForm {
  /// The lowest and highest of every value of a network on these inputs, in 32-bit floats.
  ///
  /// - Parameters:
  ///   - inputs: as ``Session/run(_:)`` takes them.
  ///   - perChannel: whether values that only depthwise convolutions read get a range for each channel.
  /// - Throws: `ZooError` for inputs that don't fit, and whatever `weights` throws.
  package static func measuredRanges(
    of graph: Graph, weights: any WeightSource, on inputs: [Tensor], threads: Int = 1, perChannel: Bool
  ) throws -> [Value: ValueRange] {
    let all = graph.nodes.indices.map(Value.init(index:))
    let engine = try Engine(
      graph: graph, weights: weights, options: PlanOptions(threads: threads, taps: all))
    let session = engine.makeSession()
    let single = perChannel ? graph.depthwiseInputs : []
    var found: [Value: (lowest: [Float], highest: [Float])] = [:]
    for example in 0..<(inputs.first?.shape.dimensions.first ?? 0) {
      let one = inputs.map { $0[example: example] }.map {
        $0.reshaped(to: Shape([1] + $0.shape.dimensions))
      }
      for (value, tensor) in try session.runAll(one) {
        let channels = single.contains(value) ? graph[value].shape.image.channels : 1
        var (lowest, highest) =
          found[value]
          ?? ([Float](repeating: .infinity, count: channels), [Float](repeating: -.infinity, count: channels))
        for (index, x) in tensor.values.enumerated() {
          let channel = channels == 1 ? 0 : index % channels
          lowest[channel] = min(lowest[channel], x)
          highest[channel] = max(highest[channel], x)
        }
        found[value] = (lowest, highest)
      }
    }
    return found.compactMapValues { ValueRange(lowest: $0.lowest, highest: $0.highest) }
  }
}
