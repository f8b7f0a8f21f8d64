import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

/// Turns a graph into steps: drops what no output needs, folds, fuses, and decides where each value lies.
///
/// It goes through the nodes once, in order. A node is bound to a place in memory, to a view that the
/// layers reading it compute as they go, or swallowed by the step of an earlier node (``Fusion``).
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

  var bindings: [Int: Binding] = [:]
  /// Per bound value, how many of its readers are still to be planned.
  var unread: [Int: Int] = [:]
  var buffers: [Buffer] = []
  var steps: [Step] = []
  /// Nodes that an earlier node's step computes.
  var swallowed: Set<Int> = []
  /// Values that lie in memory cut off at zero.
  var rectified: Set<Int> = []
  /// Where the output of a concatenation will lie, once one of its inputs has been put there.
  var joined: [Int: Place] = [:]
  /// Zeros that convolutions may point to, in floats.
  var zeros = 16
  /// Values that are in memory before the first step: graph inputs.
  var given: [Value] = []

  init(graph: Graph, kernels: Kernels, options: PlanOptions) {
    self.graph = graph
    self.kernels = kernels
    threads = max(1, options.threads)
    pinned = Set((graph.outputs + options.taps).map(\.index))
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
      buffers.append(Buffer(floats: graph[input].shape.elementCount, input: position))
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
    switch node.operation {
    case .input: break
    case .convolution, .depthwiseConvolution, .separableConvolution, .transposedConvolution, .dense:
      try planLinear(index)
    case .batchNormalization, .normalization, .rescaling, .channelScaling: try planChannelMap(index)
    case .layerNormalization(let norm): try planLayerNorm(index, norm)
    case .parametricRectifier: try planRectifier(index)
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

  // MARK: Values and their places

  /// Says what a value is; its readers keep the buffer behind it.
  mutating func bind(_ value: Int, to binding: Binding) {
    let reads = unread[value] ?? readers[value].count
    if let old = bindings[value] { buffers[old.buffer].pendingReads -= reads }
    buffers[binding.buffer].pendingReads += reads
    unread[value] = reads
    bindings[value] = binding
  }

  /// Notes that one reader of a value has been planned.
  mutating func didRead(_ value: Int) {
    guard let binding = bindings[value] else { return }
    buffers[binding.buffer].pendingReads -= 1
    unread[value, default: 0] -= 1
  }

  /// Says that a value is in memory after the last step so far.
  mutating func didProduce(_ value: Int) {
    guard let binding = bindings[value] else { return }
    guard buffers[binding.buffer].input == nil, let last = steps.indices.last else {
      given.append(Value(index: value))
      return
    }
    buffers[binding.buffer].touch(last)
    steps[last].produced.append(Value(index: value))
  }

  /// The place of a value that is read; a view is put into memory first.
  mutating func place(of value: Int) throws(ZooError) -> Place {
    switch bindings[value] {
    case .place(let place): return place
    case .view(let view):
      let place = try materialize(view, as: value)
      bind(value, to: .place(place))
      didProduce(value)
      return place
    case nil:
      throw ZooError(.cannotRun, what: "cannot plan", at: layer(value), "it is read before it is computed")
    }
  }

  /// A view of a value, trivial where it is in memory.
  func view(of value: Int) throws(ZooError) -> View {
    switch bindings[value] {
    case .place(let place): return View(source: place)
    case .view(let view): return view
    case nil:
      throw ZooError(.cannotRun, what: "cannot plan", at: layer(value), "it is read before it is computed")
    }
  }

  func layer(_ value: Int) -> String { "layer '\(graph.nodes[value].name)'" }

  /// A new buffer for an image.
  mutating func newPlace(height: Int, width: Int, channels: Int, contiguous: Bool) -> Place {
    let pixel = contiguous || height * width == 1 ? channels : Place.pixel(channels)
    buffers.append(Buffer(floats: height * width * pixel + 16))
    return Place(
      buffer: buffers.count - 1, offset: 0, pixel: pixel, height: height, width: width, channels: channels)
  }

  /// Memory that each thread has for itself while a step runs.
  mutating func newScratch(floats: Int) -> Place {
    buffers.append(Buffer(floats: threads * floats))
    return Place(
      buffer: buffers.count - 1, offset: 0, pixel: threads * floats, height: 1, width: 1,
      channels: threads * floats)
  }

  /// Where to write a value: into the concatenation that reads it, over `reusable` if nothing else
  /// reads that any more, or into a new buffer.
  mutating func outputPlace(for value: Int, over reusable: Place? = nil) -> Place {
    let (height, width, channels) = graph.nodes[value].shape.image
    if let slice = concatenationSlice(for: value) { return slice }
    if let reusable, reusable.height == height, reusable.width == width, reusable.channels == channels,
      reusable.offset == 0, reusable.pixel < channels + 32, buffers[reusable.buffer].input == nil,
      buffers[reusable.buffer].pendingReads == 0,
      !needsContiguous(value) || reusable.isContiguous
    {
      return reusable
    }
    return newPlace(height: height, width: width, channels: channels, contiguous: needsContiguous(value))
  }

  private func needsContiguous(_ value: Int) -> Bool {
    readers[value].contains {
      switch graph.nodes[$0].operation {
      case .flatten, .reshape: true
      case .identity, .activation(.linear): needsContiguous($0)
      case .activation(.relu): isReadRectified(value) && needsContiguous($0)
      default: false
      }
    }
  }

  private mutating func concatenationSlice(for value: Int) -> Place? {
    let node = graph.nodes[value]
    if needsContiguous(value) && node.shape.image.height * node.shape.image.width > 1 { return nil }
    let joins = readers[value].filter { graph.nodes[$0].operation == .concatenate }
    guard let join = joins.first, graph.nodes[join].inputs.count(where: { $0.index == value }) == 1 else {
      return nil
    }
    // Others read the value as it is.
    if isReadRectified(join) && readers[value].count > 1 { return nil }
    var place = joined[join] ?? outputPlace(for: join)
    joined[join] = place
    for input in graph.nodes[join].inputs {
      if input.index == value { break }
      place.offset += graph[input].shape.image.channels
    }
    place.channels = node.shape.image.channels
    return place
  }

  mutating func append(_ step: Step) {
    var step = step
    let others = [step.residual, step.scratch, step.productScratch].compactMap(\.self)
    for place in step.inputs + [step.output] + others {
      buffers[place.buffer].touch(steps.count)
    }
    // What takes a microsecond is done before another thread has heard of it.
    step.isShared = step.operations >= Planner.sharedWork
    steps.append(step)
  }

  // MARK: Layers that move or rename values

  private mutating func planAlias(_ index: Int) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    if pinned.contains(index) { _ = try place(of: source) }
    if let binding = bindings[source] { bind(index, to: binding) }
    didRead(source)
    if case .place = bindings[index] { didProduce(index) }
  }

  private mutating func planReshape(_ index: Int) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    let (height, width, channels) = graph.nodes[index].shape.image
    var place = try contiguousPlace(of: source, layers: [graph.nodes[index].name])
    place.height = height
    place.width = width
    place.channels = channels
    place.pixel = channels
    bind(index, to: .place(place))
    didRead(source)
    didProduce(index)
  }

  /// The place of a value, or a copy of it, with nothing between its pixels.
  mutating func contiguousPlace(of value: Int, layers: [String]) throws(ZooError) -> Place {
    let place = try place(of: value)
    if place.isContiguous { return place }
    let packed = newPlace(
      height: place.height, width: place.width, channels: place.channels, contiguous: true)
    append(copyStep(from: place, to: packed, layers: layers))
    return packed
  }

  private mutating func planConcatenation(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    let whole = joined[index] ?? outputPlace(for: index)
    let isReadRectified = isReadRectified(index)
    var slice = whole
    for input in node.inputs {
      let source = try place(of: input.index)
      slice.channels = graph[input].shape.image.channels
      let cutsOff = isReadRectified && !rectified.contains(input.index)
      if source != slice || cutsOff {
        append(
          copyStep(from: source, to: slice, layers: [node.name], lo: cutsOff ? 0 : -.infinity))
      }
      slice.offset += slice.channels
    }
    bind(index, to: .place(whole))
    for input in node.inputs { didRead(input.index) }
    if isReadRectified {
      rectified.insert(index)
    } else {
      didProduce(index)
    }
  }

  func copyStep(
    from source: Place, to target: Place, layers: [String], lo: Float = -.infinity, hi: Float = .infinity
  ) -> Step {
    var arguments = zoo_elementwise()
    arguments.a_pixel = source.pixel
    arguments.out_pixel = target.pixel
    arguments.channels = Int32(source.channels)
    (arguments.lo, arguments.hi) = (lo, hi)
    return Step(
      layers: layers, algorithm: lo == -.infinity && hi == .infinity ? "copy" : "clamp", multiplications: 0,
      arguments: .clamp(arguments), units: source.pixels, inputs: [source],
      output: target)
  }

  private mutating func planEdges(_ index: Int, _ edges: Edges) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    var view = try view(of: source)
    // Padding around what was cropped would show the cropped pixels again.
    if view.isCropped && max(edges.top, edges.bottom, edges.left, edges.right) > 0 {
      view = View(source: try place(of: source))
    }
    view.edges = view.edges + edges
    let folds = !pinned.contains(index) && readers[index].allSatisfy(readsViews)
    bind(index, to: .view(view))
    didRead(source)
    if !folds { _ = try place(of: index) }
  }

  /// Whether a layer can read its input through padding.
  private func readsViews(_ reader: Int) -> Bool {
    switch graph.nodes[reader].operation {
    case .convolution, .depthwiseConvolution, .separableConvolution, .maxPooling, .averagePooling,
      .zeroPadding, .cropping:
      true
    default: false
    }
  }

  /// Whether a layer can cut off its input at zero while it reads.
  func readsRectified(_ reader: Int) -> Bool {
    switch graph.nodes[reader].operation {
    case .depthwiseConvolution, .separableConvolution: true
    case .zeroPadding: !pinned.contains(reader) && readers[reader].allSatisfy(readsRectified)
    default: false
    }
  }

  private mutating func materialize(_ view: View, as value: Int) throws(ZooError) -> Place {
    let name = graph.nodes[value].name
    var source = view.source
    if view.rectified {
      let trivial = view.edges == .none
      let target =
        trivial
        ? outputPlace(for: value)
        : newPlace(height: source.height, width: source.width, channels: source.channels, contiguous: false)
      append(copyStep(from: source, to: target, layers: [name], lo: 0))
      if trivial { return target }
      source = target
    }
    let target = outputPlace(for: value)
    appendPadding(from: source, edges: view.edges, to: target, layers: [name])
    return target
  }

  mutating func appendPadding(from source: Place, edges: Edges, to target: Place, layers: [String]) {
    var arguments = zoo_padding()
    arguments.window.setExtents(from: source, to: target)
    arguments.window.pad_top = Int32(edges.top)
    arguments.window.pad_left = Int32(edges.left)
    arguments.channels = Int32(source.channels)
    append(
      Step(
        layers: layers, algorithm: "pad", multiplications: 0, arguments: .padding(arguments),
        units: target.height, inputs: [source], output: target))
  }
}

extension Binding {
  var buffer: Int {
    switch self {
    case .place(let place): place.buffer
    case .view(let view): view.source.buffer
    }
  }
}
