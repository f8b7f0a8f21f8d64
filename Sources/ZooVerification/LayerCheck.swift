import ZooGraph
import ZooImages
import ZooReference
import ZooRuntime
import ZooTensor

/// Compares the fast engine with the reference engine, layer by layer.
///
/// Each layer is judged on the inputs that the fast engine itself gave it, so that an error is seen
/// where it arises. The reference recomputes a sample of each layer's values: the corners, where
/// padding matters, and others chosen by a counter.
struct LayerCheck {
  /// How many values of every layer are recomputed.
  let samplesPerLayer: Int

  /// Calls `progress` with the number of layers that are done and of all.
  func check(
    graph: Graph, weights: some WeightSource, engine: Engine, inputs: [Tensor],
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> VerificationReport.Check {
    let values = try engine.makeSession().runAll(inputs)
    let probe = try ReferenceProbe(graph: graph, weights: weights, materialized: values, example: 0)
    var worst = Worst()
    var layers = 0
    var samples = 0
    let computedValues = values.keys.filter { !graph[$0].inputs.isEmpty }.sorted { $0.index < $1.index }
    for value in computedValues {
      guard let computed = values[value] else { continue }
      progress(layers, computedValues.count)
      let node = graph[value]
      let largest = largestMagnitude(computed.values)
      var error = 0.0
      var largestArgument = 0.0
      var slope = 0.0
      for index in sampleIndices(of: node.shape, seed: UInt64(value.index)) {
        let expected = probe.value(value, at: index)
        error = max(error, difference(Double(computed.values[index]), expected))
        if inSinglePrecision(expected).isFinite, let argument = probe.argument(of: value, at: index) {
          largestArgument = max(largestArgument, abs(argument.value))
          slope = max(slope, argument.slope)
        }
        samples += 1
      }
      worst.consider(
        error: error, tolerance: Tolerances.layer * max(largest, largestArgument * slope),
        location: node.name)
      layers += 1
    }
    return worst.check(
      "fast engine against reference engine",
      detail:
        "\(samples) values of \(layers) fused layers (\(engine.kernels) kernels) recomputed in double precision"
    )
  }

  /// Flat indices into one example of the given shape.
  private func sampleIndices(of shape: Shape, seed: UInt64) -> [Int] {
    guard shape.elementCount > samplesPerLayer else { return Array(0..<shape.elementCount) }
    var indices: Set<Int> = []
    if shape.rank == 3 {
      let (height, width, channels) = (shape[0], shape[1], shape[2])
      for (row, column) in [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)] {
        indices.insert((row * width + column) * channels)
        indices.insert((row * width + column) * channels + channels - 1)
      }
    }
    let random = CounterRandom(seed: seed)
    var draw = 0
    while indices.count < samplesPerLayer {
      indices.insert(Int(random[draw] % UInt64(shape.elementCount)))
      draw += 1
    }
    return indices.sorted()
  }
}
