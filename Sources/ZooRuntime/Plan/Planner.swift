import ZooGraph
import ZooSystem
import ZooTensor

/// Turns a graph into steps: drops what no output needs, folds, fuses, and decides where each value lies.
///
/// It goes through the nodes once, in order. The state of a node's value is a place in memory, or a view that the
/// layers reading it compute as they go; or the step of an earlier node has swallowed the node (``Fusion``).
struct Planner {
  /// The most elements of a value: kernels count in 32 bits.
  static let elementLimit = 1 << 30
  /// The operations on floats from which on a step is worth sharing among threads.
  static let sharedWork = 150_000

  let graph: Graph
  let kernels: Kernels
  let threads: Int
  /// Values that must be in memory at some time: outputs and taps.
  let pinned: Set<Int>
  /// Per node, the live nodes that read it, as often as they do.
  let readers: [[Int]]
  let isLive: [Bool]
  /// What is computed on codes of 8 bits, and its form.
  let program: IntegerProgram?
  let integers: IntegerForm?

  /// What is known of the values so far.
  struct Values {
    var states: [Int: ValueState] = [:]
    /// Per value that has a state, how many of its readers are still to be planned.
    var unread: [Int: Int] = [:]
    /// Those that lie in memory cut off at zero.
    var rectified: Set<Int> = []
    /// Those that lie in memory as codes, or are seen as such through padding.
    var coded: [Int: CodedValue] = [:]
    /// Where the codes of a concatenation will lie, once one of its parts has been put there.
    var joinedCodes: [Int: Place] = [:]
  }

  /// The memory that the steps so far use.
  struct Memory {
    var buffers: [Buffer] = []
    /// Zeros that convolutions may point to, in floats.
    private(set) var zeros = 16
    /// Where the output of a concatenation will lie, once one of its inputs has been put there.
    var joined: [Int: Place] = [:]
    /// The scratch memory, once a step needs some, and the floats of it that a thread has for itself.
    var scratch: Int?
    var slot = 0

    mutating func needZeros(_ floats: Int) { zeros = max(zeros, floats) }
  }

  var values = Values()
  var memory = Memory()
  var steps: [Step] = []
  /// Nodes that an earlier node's step computes.
  var swallowed: Set<Int> = []
  /// Values that are in memory before the first step: graph inputs.
  var given: [Value] = []

  init(graph: Graph, kernels: Kernels, options: PlanOptions) {
    self.graph = graph
    self.kernels = kernels
    threads = max(1, options.threads)
    pinned = Set((graph.outputs + options.taps).map(\.index))
    integers = options.integers
    program = options.integers.map { IntegerProgram(graph, $0, taps: options.taps) }
    swallowed = program?.swallowed ?? []
    var live = [Bool](repeating: false, count: graph.nodes.count)
    var readers = [[Int]](repeating: [], count: graph.nodes.count)
    for index in graph.nodes.indices.reversed() {
      guard live[index] || pinned.contains(index) else { continue }
      live[index] = true
      for input in graph.nodes[index].inputs {
        live[input.index] = true
        readers[input.index].append(index)
      }
    }
    isLive = live
    self.readers = readers.map { $0.reversed() }
  }

  /// Plans all nodes.
  mutating func plan() throws(ZooError) {
    for index in graph.nodes.indices where isLive[index] {
      let shape = graph.nodes[index].shape
      guard shape.elementCount <= Planner.elementLimit else {
        throw ZooError(.cannotRun, what: "cannot run", at: layer(index), "its output \(shape) is too large")
      }
    }
    for (position, input) in graph.inputs.enumerated() {
      let (height, width, channels) = graph[input].shape.image
      memory.buffers.append(Buffer(floats: graph[input].shape.elementCount, input: position))
      let place = Place(
        buffer: position, offset: 0, pixel: channels, height: height, width: width, channels: channels)
      bind(input.index, to: .place(place))
      didProduce(input.index)
    }
    for index in graph.nodes.indices where isLive[index] && !swallowed.contains(index) {
      try plan(index)
    }
  }

  private mutating func plan(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    if let layer = program?.layers[index] { return try planInteger(layer) }
    switch node.operation {
    case .input: break
    case .convolution(let convolution): try planConvolution(index, convolution)
    case .depthwiseConvolution(let convolution):
      try planDepthwise(
        index, multiplier: convolution.multiplier, activation: convolution.activation, role: .depthwiseKernel,
        Geometry(convolution))
    case .separableConvolution(let convolution): try planSeparable(index, convolution)
    case .transposedConvolution(let convolution): try planTransposed(index, convolution)
    case .dense(let dense): try planDense(index, dense)
    case .batchNormalization, .normalization, .rescaling, .layerScale, .channelAffine:
      try planChannelMap(index)
    case .layerNormalization(let norm): try planLayerNorm(index, norm)
    case .prelu: try planRectifier(index)
    case .activation(.linear), .identity: try planAlias(index)
    case .flatten, .reshape: try planReshape(index)
    case .activation(let activation): try planActivation(index, activation)
    case .maxPooling(let pooling): try planPooling(index, pooling, average: false)
    case .averagePooling(let pooling): try planPooling(index, pooling, average: true)
    case .globalAveragePooling: try planGlobalPooling(index, average: true)
    case .globalMaxPooling: try planGlobalPooling(index, average: false)
    case .zeroPadding(let edges): try planEdges(index, edges)
    case .cropping(let edges): try planEdges(index, edges.negated)
    case .merge(let merge): try planMerge(index, merge)
    case .resize(let resize): try planResize(index, resize)
    case .permute(let order): try planPermutation(index, order)
    case .concatenate: try planConcatenation(index)
    }
  }

  func layer(_ value: Int) -> String { "layer '\(graph.nodes[value].name)'" }

  var costs: CostModel { costs(threads: threads) }

  func costs(threads: Int) -> CostModel {
    CostModel(threads: threads, mr: kernels.mr, hasTiles: kernels.hasTiles)
  }

}
