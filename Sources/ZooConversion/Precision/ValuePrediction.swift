import ZooGraph
import ZooSystem
import ZooTensor

/// What a network's batch norms say about all of its values, without any picture.
///
/// In training, what leaves a batch norm has the mean beta and the deviation gamma in each channel, and is
/// nearly normally distributed. From that follow means and variances behind activations, sums and everything
/// else up to the next batch norm, and ranges that hardly any value leaves. Nothing is said of a value that
/// no batch norm comes before.
///
/// Approximations: values that are added, multiplied or mixed count as independent; pooling keeps the mean of
/// what it pools, which the maximum does not quite; padding is not counted in means.
package struct ValuePrediction: Sendable {
  /// How many deviations a range goes to both sides of a batch norm's mean. What lies beyond is cut off; 4
  /// are too few for a ResNet, and more make codes coarser.
  package static let deviations = 6.0

  /// A number for each channel (last axis) of a value.
  package struct ChannelMoments: Sendable, Hashable {
    package var means: [Double]
    package var variances: [Double]
  }

  /// A range for each channel (last axis) of a value.
  package struct ChannelRanges: Sendable, Hashable {
    package var lowest: [Double]
    package var highest: [Double]

    init(_ ranges: [ClosedRange<Double>]) {
      lowest = ranges.map(\.lowerBound)
      highest = ranges.map(\.upperBound)
    }

    package var ranges: [ClosedRange<Double>] { zip(lowest, highest).map { $0...$1 } }
    /// The range that all channels are within.
    package var whole: ClosedRange<Double> { (lowest.min() ?? 0)...(highest.max() ?? 0) }
  }

  /// The most channels of all values together that are predicted: far above what networks have, and low enough for
  /// memory. A hostile file may flatten maps of any size.
  private static let channelLimit = 1 << 24

  /// By the node's index; nil where nothing is known.
  private var moments: [ChannelMoments?] = []
  private var ranges: [ChannelRanges?] = []

  /// - Throws: what reading `weights` throws.
  package init(graph: Graph, weights: some WeightSource) throws {
    let readers = graph.readers
    var channels = 0
    for (index, node) in graph.nodes.enumerated() {
      try Cancellation.check()
      let added = node.shape.dimensions.last ?? 0
      guard added <= Self.channelLimit - channels else {
        moments.append(nil)
        ranges.append(nil)
        continue
      }
      channels += added
      let step = PredictionStep(
        node: node, inputShapes: node.inputs.map { graph[$0].shape }, weights: weights,
        // Behind a linear layer, a batch norm says more than the layer's own weights do.
        isOnlyNormalized: !readers[index].isEmpty && !graph.outputs.contains(Value(index: index))
          && readers[index].allSatisfy { graph.nodes[$0].isBatchNorm })
      let inputMoments = node.inputs.map { moments[$0.index] }
      moments.append(try step.moments(of: inputMoments).flatMap { $0.isComplete(for: node.shape) ? $0 : nil })
      ranges.append(try step.ranges(of: node.inputs.map { ranges[$0.index] }))
    }
  }

  /// The expected mean and variance of each channel; nil where nothing is known.
  package func moments(of value: Value) -> ChannelMoments? { moments[value.index] }

  /// The range that hardly any value of a channel leaves; nil where it has no known end.
  package func ranges(of value: Value) -> ChannelRanges? { ranges[value.index] }
}

extension ValuePrediction.ChannelMoments {
  init(_ moments: [Moments]) {
    means = moments.map(\.mean)
    variances = moments.map(\.variance)
  }

  var channels: [Moments] { zip(means, variances).map { Moments(mean: $0, variance: $1) } }

  fileprivate func isComplete(for shape: Shape) -> Bool {
    means.count == shape.dimensions.last && means.allSatisfy(\.isFinite) && variances.allSatisfy(\.isFinite)
  }
}

extension Graph {
  /// The nodes that read each node, in ascending order; one that reads it twice is there twice.
  var readers: [[Int]] {
    var readers = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { readers[input.index].append(index) }
    }
    return readers
  }
}

extension Node {
  var isBatchNorm: Bool { if case .batchNormalization = operation { true } else { false } }
}
