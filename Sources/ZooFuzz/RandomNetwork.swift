import ZooGraph
import ZooTensor
import ZooTestSupport

/// A small network of layers by chance, and how it is trained.
struct RandomNetwork {
  private(set) var graph: Graph
  /// The batch norms that normalize by the batch.
  private(set) var momentum: [String: Double] = [:]
  private(set) var noise: [String: TrainingNoise] = [:]
  private(set) var learning: Set<WeightSlot> = []
  let examples: Int
  /// How many of them are computed at once.
  let part: Int

  /// - Returns: nil where chance left nothing that learns.
  init?(seed: UInt64) throws {
    var maker = Maker(seed: seed)
    graph = try maker.make()
    examples = maker.number(1, 5)
    part = maker.number(1, examples)
    let byBatch = maker.chance(0.4) && examples > 1
    for node in graph.nodes {
      switch node.operation {
      case .batchNormalization where byBatch && maker.chance(0.8) && node.sharing == nil:
        momentum[node.name] = 0.875
      case .identity where maker.chance(0.8):
        let kinds = TrainingNoise.Kind.allCases
        noise[node.name] = TrainingNoise(kinds[maker.number(0, kinds.count - 1)], 0.25)
      default: break
      }
    }
    // All learns, or what is above a layer, or this and that.
    var isNeeded = [Bool](repeating: false, count: graph.nodes.count)
    isNeeded[graph.outputs[0].index] = true
    for index in graph.nodes.indices.reversed() where isNeeded[index] {
      for input in graph.nodes[index].inputs { isNeeded[input.index] = true }
    }
    let needed = Set(graph.nodes.indices.filter { isNeeded[$0] }.flatMap { graph.nodes[$0].weights })
    let slots = graph.weightSlots.filter { $0.role.isTrainable && needed.contains($0) }
    let layers = graph.nodes.map(\.name)
    switch maker.number(0, 3) {
    case 0:
      let first = maker.number(0, layers.count - 1)
      let upper = Set(layers[first...])
      learning = Set(slots.filter { upper.contains($0.layer) })
    case 1: learning = Set(slots.filter { _ in maker.chance(0.5) })
    default: learning = Set(slots)
    }
    guard !learning.isEmpty else { return nil }
  }

  /// Weights under which values neither grow nor shrink much from layer to layer.
  func weights(seed: UInt64) -> DictionaryWeights {
    var random = SplitMix(seed: seed)
    var tensors: [String: StoredTensor] = [:]
    for slot in graph.weightSlots {
      let extents = slot.shape.dimensions
      let range: ClosedRange<Float>
      switch slot.role {
      case .kernel, .pointwiseKernel, .depthwiseKernel:
        let inputs =
          slot.role == .depthwiseKernel ? extents[0] * extents[1] : extents.dropLast().reduce(1, *)
        let bound = (6 / Float(max(1, inputs))).squareRoot()
        range = -bound...bound
      case .gamma, .movingVariance, .variance: range = 0.5...1.5
      default: range = -0.25...0.25
      }
      tensors[slot.name] = StoredTensor(
        shape: slot.shape,
        values: (0..<slot.shape.elementCount).map { _ in .random(in: range, using: &random) })
    }
    return DictionaryWeights(tensors)
  }
}

extension RandomNetwork {
  private struct Maker {
    private var random: SplitMix
    private var layers: [Graph.Layer] = []
    private var nodes: [Node] = []

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func number(_ low: Int, _ high: Int) -> Int { .random(in: low...high, using: &random) }
    mutating func chance(_ share: Double) -> Bool { .random(in: 0..<1, using: &random) < share }
    private mutating func extent(_ low: Int, _ high: Int) -> Extent2D {
      let height = number(low, high)
      return Extent2D(height, chance(0.7) ? height : number(low, high))
    }

    mutating func make() throws -> Graph {
      let channels = chance(0.2) ? number(15, 48) : number(1, 8)
      _ = add(.input(shape: [number(3, 14), number(3, 14), channels]), [])
      for _ in 0..<number(2, 9) { addAny() }
      let last = nodes.count - 1
      if nodes[last].shape.rank == 3 {
        let global = Operation.globalAveragePooling(keepDimensions: false)
        _ = add(chance(0.5) ? .flatten : global, [last])
      }
      let activation: Activation = chance(0.5) ? .softmax : .linear
      _ = add(
        .dense(Dense(units: number(1, 9), useBias: chance(0.8), activation: activation)), [nodes.count - 1])
      return try Graph(layers: layers, outputs: [layers.count - 1])
    }

    /// Adds a layer if it fits; what is too large does not.
    private mutating func add(_ operation: Operation, _ inputs: [Int], sharing: Int? = nil) -> Bool {
      layers.append(
        Graph.Layer(name: "layer\(layers.count)", operation: operation, inputs: inputs, sharing: sharing))
      guard let graph = try? Graph(layers: layers, outputs: [layers.count - 1]), let node = graph.nodes.last,
        node.shape.elementCount <= 1 << 14, graph.macs <= 1 << 21
      else {
        layers.removeLast()
        return false
      }
      nodes = graph.nodes
      return true
    }

    /// The latest value most often.
    private mutating func source() -> Int {
      chance(0.7) ? nodes.count - 1 : number(0, nodes.count - 1)
    }

    private mutating func addAny() {
      let input = source()
      let shape = nodes[input].shape
      guard shape.rank == 3 else { return addToVector(input) }
      for _ in 0..<8 {
        let isDone =
          switch number(0, 9) {
          case 0, 1, 2: addProduct(input)
          case 3: addNorm(input)
          case 4, 5: addFunction(input)
          case 6: addPooling(input)
          case 7: addMerge(input)
          case 8: addShaping(input)
          default: addCallAgain(input)
          }
        if isDone { return }
      }
    }

    private mutating func addToVector(_ input: Int) {
      switch number(0, 3) {
      case 0: _ = add(.activation(function()), [input])
      case 1: _ = addNorm(input)
      default:
        _ = add(.dense(Dense(units: number(1, 20), useBias: chance(0.5), activation: function())), [input])
      }
    }

    private mutating func function() -> Activation {
      let all: [Activation] = [
        .linear, .linear, .relu, .relu, .relu6, .relu(maxValue: nil, negativeSlope: 0.25, threshold: 0),
        .relu(maxValue: 2.5, negativeSlope: 0.25, threshold: 0.5), .elu(alpha: 1), .elu(alpha: 0.5), .selu,
        .gelu(approximate: false), .gelu(approximate: true), .silu, .sigmoid, .hardSigmoid(slope: 0.2),
        .hardSilu, .tanh, .softplus, .softsign, .mish, .softmax,
      ]
      return all[number(0, all.count - 1)]
    }

    private mutating func padding() -> Padding {
      switch number(0, 4) {
      case 0:
        .explicit(Edges(top: number(0, 2), bottom: number(0, 2), left: number(0, 2), right: number(0, 2)))
      case 1, 2: .valid
      default: .same
      }
    }

    private mutating func addProduct(_ input: Int) -> Bool {
      let channels = nodes[input].shape[2]
      let kernel = chance(0.4) ? Extent2D(3) : extent(1, 4)
      let strides = chance(0.6) ? Extent2D.one : extent(1, 3)
      let dilation = strides == .one && chance(0.2) ? extent(1, 2) : .one
      let filters = chance(0.2) ? number(16, 48) : number(1, 12)
      let (bias, activation, padding) = (chance(0.5), function(), padding())
      switch number(0, 7) {
      case 0:
        return add(
          .depthwiseConvolution(
            DepthwiseConvolution(
              multiplier: number(1, 3), kernel: kernel, strides: strides, padding: padding,
              dilation: dilation, useBias: bias, activation: activation)), [input])
      case 1:
        return add(
          .separableConvolution(
            SeparableConvolution(
              filters: filters, multiplier: number(1, 2), kernel: kernel, strides: strides, padding: padding,
              dilation: dilation, useBias: bias, activation: activation)), [input])
      case 2:
        let shape = nodes[input].shape
        let spans = ((kernel.height - 1) * dilation.height + 1, (kernel.width - 1) * dilation.width + 1)
        let whole = (
          (shape[0] - 1) * strides.height + spans.0, (shape[1] - 1) * strides.width + spans.1
        )
        let offset = Extent2D(number(0, spans.0 / 2), number(0, spans.1 / 2))
        return add(
          .transposedConvolution(
            TransposedConvolution(
              filters: number(1, 8), kernel: kernel, strides: strides, dilation: dilation, offset: offset,
              size: Extent2D(
                max(1, whole.0 - offset.height - number(0, 1)),
                max(1, whole.1 - offset.width - number(0, 1))),
              useBias: bias, activation: activation)), [input])
      case 3: return add(.dense(Dense(units: filters, useBias: bias, activation: activation)), [input])
      case 4:
        let divisors = (2...max(2, channels)).filter { channels.isMultiple(of: $0) }
        guard let groups = divisors.isEmpty ? nil : divisors[number(0, divisors.count - 1)] else {
          return false
        }
        return add(
          .convolution(
            Convolution(
              filters: groups * number(1, 3), kernel: kernel, strides: strides, padding: padding,
              dilation: dilation, groups: groups, useBias: bias, activation: activation)), [input])
      default:
        return add(
          .convolution(
            Convolution(
              filters: filters, kernel: kernel, strides: strides, padding: padding, dilation: dilation,
              useBias: bias, activation: activation)), [input])
      }
    }

    private mutating func addNorm(_ input: Int) -> Bool {
      let (scale, center) = (chance(0.8), chance(0.8))
      switch number(0, 8) {
      case 0:
        return add(
          .layerNormalization(
            LayerNormalization(
              axes: number(1, nodes[input].shape.rank), epsilon: 1e-3, scale: scale, center: center)), [input]
        )
      case 1:
        return add(
          .normalization(Normalization(perChannel: chance(0.5), inverted: chance(0.5), epsilon: 1e-7)),
          [input])
      case 2: return add(.rescaling(Rescaling(scale: [0.5], offset: [-0.25])), [input])
      case 3:
        return add(
          chance(0.5) ? .layerScale : .channelAffine(ChannelAffine(scale: true, center: center)), [input])
      default:
        return add(
          .batchNormalization(BatchNormalization(epsilon: 1e-3, scale: scale, center: center)), [input])
      }
    }

    private mutating func addFunction(_ input: Int) -> Bool {
      switch number(0, 5) {
      case 0:
        let axes = [[], [0, 1], [2], [0]]
        return add(.prelu(sharedAxes: axes[number(0, 3)]), [input])
      case 1: return add(.identity(layer: "Dropout"), [input])
      default: return add(.activation(function()), [input])
      }
    }

    private mutating func addPooling(_ input: Int) -> Bool {
      let pooling = Pooling(
        window: extent(1, 3), strides: extent(1, 3), padding: chance(0.5) ? .same : .valid)
      switch number(0, 5) {
      case 0: return add(.globalAveragePooling(keepDimensions: chance(0.7)), [input])
      case 1: return add(.globalMaxPooling(keepDimensions: chance(0.7)), [input])
      case 2, 3: return add(.maxPooling(pooling), [input])
      default: return add(.averagePooling(pooling), [input])
      }
    }

    private mutating func addMerge(_ input: Int) -> Bool {
      let merges: [Merge] = [.add, .add, .subtract, .multiply, .average, .maximum, .minimum]
      let merge = merges[number(0, merges.count - 1)]
      var others = [input]
      for _ in 0..<number(1, 2) { others.append(number(0, nodes.count - 1)) }
      if merge == .subtract { others = Array(others.prefix(2)) }
      if chance(0.5) { others.reverse() }
      return add(chance(0.3) ? .concatenate : .merge(merge), others)
    }

    private mutating func addShaping(_ input: Int) -> Bool {
      let shape = nodes[input].shape
      let edges = Edges(top: number(0, 2), bottom: number(0, 2), left: number(0, 2), right: number(0, 2))
      switch number(0, 5) {
      case 0: return add(.cropping(edges), [input])
      case 1: return add(.permute(order: [[1, 0, 2], [2, 0, 1], [0, 2, 1]][number(0, 2)]), [input])
      case 2: return add(.reshape(target: [shape[1], shape[0], shape[2]]), [input])
      case 3:
        let kinds: [Resize.Interpolation] = [.nearest, .bilinear, .bicubic, .area, .adaptive]
        return add(.resize(Resize(size: extent(1, 12), interpolation: kinds[number(0, 4)])), [input])
      default: return add(.zeroPadding(edges), [input])
      }
    }

    /// Another call of a layer that has been called.
    private mutating func addCallAgain(_ input: Int) -> Bool {
      let owners = nodes.indices.filter { nodes[$0].sharing == nil && !nodes[$0].weights.isEmpty }
      guard !owners.isEmpty else { return false }
      let owner = owners[number(0, owners.count - 1)]
      return add(nodes[owner].operation, [input], sharing: owner)
    }
  }
}
