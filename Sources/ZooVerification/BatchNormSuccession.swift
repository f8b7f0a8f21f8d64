import ZooGraph
import ZooRuntime
import ZooTensor

/// How the output of a batch norm reaches the next one: through activations and one linear layer.
///
/// It lets the next layer's stored statistics testify for this layer's gamma and beta, which its own
/// stored statistics know nothing of.
package struct BatchNormSuccession: Sendable {
  /// The linear layer between the two, as far as the statistics behind it depend on those before it.
  package enum Response: Sendable {
    /// A depthwise convolution: the variance of a channel scales with that before it.
    case perChannel
    /// Any other convolution, or a dense layer: the means behind are sums of the means before. Row-major:
    /// (input channels, output channels), the kernel summed over its window.
    case mixing([Float])
  }

  /// The batch norm behind the linear layer.
  package let next: String
  /// What stands between the batch norm and the linear layer, in this order.
  package let activations: [Activation]
  package let response: Response
  /// Some values that reached this batch norm, per channel; of all channels at the same pixels.
  package var samples: [[Float]]

  package init(
    next: String, activations: [Activation], response: Response, samples: [[Float]] = []
  ) {
    self.next = next
    self.activations = activations
    self.response = response
    self.samples = samples
  }
}

extension BatchNormSuccession {
  /// More channels than this are not solved for.
  private static let channelLimit = 512

  /// The succession that starts at a batch norm of the graph, without samples; nil where its output
  /// reaches no other batch norm in this way.
  init?(
    from norm: Node, in graph: Graph, consumers: [[Int]], weights: some WeightSource
  ) throws {
    let channels = norm.shape.dimensions.last ?? 0
    guard channels <= Self.channelLimit, var node = graph.value(named: norm.name)?.index else { return nil }
    var activations: [Activation] = []
    var found: (response: Response, next: String)?
    // Where a value goes several ways, any of them will do.
    search: while found == nil {
      for reader in consumers[node] {
        if let response = try Self.response(of: graph.nodes[reader], channels: channels, weights: weights),
          let next = consumers[reader].first(where: { graph.nodes[$0].isBatchNorm })
        {
          found = (response, graph.nodes[next].name)
          continue search
        }
      }
      for reader in consumers[node] {
        switch graph.nodes[reader].operation {
        case .activation(.softmax): continue
        case .activation(let activation): activations.append(activation)
        case .identity, .zeroPadding: break
        default: continue
        }
        node = reader
        continue search
      }
      return nil
    }
    guard let found else { return nil }
    self.init(next: found.next, activations: activations, response: found.response)
  }

  private static func response(
    of node: Node, channels: Int, weights: some WeightSource
  ) throws -> Response? {
    func values(_ role: WeightRole) throws -> [Float] {
      guard let slot = node.weights.first(where: { $0.role == role }) else { return [] }
      return try weights.tensor(for: slot).floats()
    }
    switch node.operation {
    case .convolution(let c) where c.activation == .linear && c.groups == 1:
      return .mixing(windowSums(try values(.kernel), of: channels * c.filters))
    case .dense(let d) where d.activation == .linear:
      return .mixing(try values(.kernel))
    case .depthwiseConvolution(let c) where c.activation == .linear && c.multiplier == 1:
      return .perChannel
    case .separableConvolution(let c) where c.activation == .linear && c.multiplier == 1:
      let gains = windowSums(try values(.depthwiseKernel), of: channels)
      let pointwise = try values(.pointwiseKernel)
      return .mixing(pointwise.indices.map { gains[$0 / c.filters] * pointwise[$0] })
    default:
      return nil
    }
  }

  /// Sums over the window of a kernel whose last axes, `count` values in all, are channels.
  private static func windowSums(_ kernel: [Float], of count: Int) -> [Float] {
    var sums = [Float](repeating: 0, count: count)
    for start in stride(from: 0, to: kernel.count, by: count) {
      for i in 0..<count { sums[i] += kernel[start + i] }
    }
    return sums
  }
}

extension Node {
  fileprivate var isBatchNorm: Bool { if case .batchNormalization = operation { true } else { false } }
}

/// Keeps some of the pixels of a layer's values, spread evenly.
struct PixelSampler {
  /// How many values of a layer are kept in all, and how many at least of a channel.
  private static let (valueLimit, leastPerChannel) = (1 << 16, 256)

  private let pixelsPerImage: Int
  private(set) var channels: [[Float]]

  init(channels: Int, images: Int) {
    let pixels = max(Self.leastPerChannel, Self.valueLimit / max(1, channels))
    pixelsPerImage = (pixels + images - 1) / max(1, images)
    self.channels = Array(repeating: [], count: channels)
  }

  /// Adds values of an image whose last axis is the channels.
  mutating func add(_ values: [Float]) {
    guard !channels.isEmpty else { return }
    let pixels = values.count / channels.count
    // Multiples of the golden ratio spread evenly and avoid the columns that a stride would favour.
    for index in 0..<min(pixels, pixelsPerImage) {
      let place = Double(index) * 0.618033988749895
      let pixel = pixels <= pixelsPerImage ? index : Int((place - place.rounded(.down)) * Double(pixels))
      let start = pixel * channels.count
      for channel in channels.indices { channels[channel].append(values[start + channel]) }
    }
  }
}
