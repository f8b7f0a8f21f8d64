import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

/// Turns the part of a graph that is trained into the layers of a ``TrainingPlan``.
struct TrainingPlanner {
  let graph: Graph
  let kernels: Kernels
  let options: TrainingOptions
  let route: TrainingRoute
  let part: Int
  let slots: [WeightSlot]
  let weights: [WeightSlot: WeightPlace]
  let learningCount: Int

  var layers: [any TrainingLayer] = []
  var buffers: [Buffer] = []
  var sizes = TrainingSizes()
  /// Where the values of nodes lie.
  var places: [Int: TrainingPlace] = [:]
  /// Values that are seen through a padding layer by those that read them.
  var views: [Int: (source: Int, edges: Edges)] = [:]
  /// Every few pixels of a buffer.
  var samples: [Sampling: TrainingPlace] = [:]
  /// The maximum of the rectifier that made a buffer's values.
  var limits: [Int: Float] = [:]
  /// Buffers whose values depend on what learns.
  var learns: Set<Int> = []
  /// Nodes that the layer of an earlier one computes.
  var swallowed: Set<Int> = []
  /// Nodes whose weights others use too.
  private let shared: Set<Int>
  /// Dense layers whose weights are used where they lie.
  private let inRows: Set<Int>

  init(
    graph: Graph, learning: Set<WeightSlot>, output: Value, kernels: Kernels, options: TrainingOptions
  ) throws(ZooError) {
    self.graph = graph
    self.kernels = kernels
    self.options = options
    let route = try TrainingRoute(graph, learning: learning, output: output, options: options)
    self.route = route
    let isWhole = route.nodes.contains { options.momentum(of: $0, in: graph) != nil }
    part = isWhole ? options.batch : min(options.part, options.batch)
    let used = Set(route.nodes.flatMap { graph.nodes[$0].weights })
    let all = graph.weightSlots.filter(used.contains)
    slots = all.filter(learning.contains) + all.filter { !learning.contains($0) }
    learningCount = learning.count
    let shared = Set(
      graph.nodes.indices.flatMap { index in
        graph.nodes[index].sharing.map { [index, $0.index] } ?? []
      })
    self.shared = shared
    inRows = Set(
      route.nodes.filter {
        TrainingPlanner.usesRows($0, in: graph, batch: options.batch, shared: shared)
      })
    let dense = Set(
      inRows.flatMap { index in graph.nodes[index].weights.filter { $0.role == .kernel } })
    var weights: [WeightSlot: WeightPlace] = [:]
    var offset = 0
    for slot in slots {
      let count = slot.shape.elementCount
      var place = WeightPlace(offset: offset, count: count, learns: learning.contains(slot))
      if place.learns {
        if dense.contains(slot) {
          place.factors = sizes.reserveFactors(of: slot, batch: options.batch)
        } else {
          place.gradient = sizes.reserveGradient(count)
        }
      }
      weights[slot] = place
      offset += count
    }
    self.weights = weights
  }

  func layer(_ index: Int) -> String { "layer '\(graph.nodes[index].name)'" }

  func unsupported(_ index: Int, _ why: String) -> ZooError {
    ZooError(.cannotRun, what: "cannot train", at: layer(index), why)
  }

  /// The pixels for which packing a layer's weights once more takes next to none of its time.
  static let manyPixels = 512

  // MARK: Values

  func shape(_ index: Int) -> (height: Int, width: Int, channels: Int) { graph.nodes[index].shape.image }

  mutating func newBuffer(floats: Int) throws(ZooError) -> Int {
    let (size, overflow) = floats.multipliedReportingOverflow(by: part)
    guard !overflow, size <= Planner.elementLimit else {
      throw ZooError(
        .tooLarge, what: "batch too large", at: "the activations", "\(part) examples of \(floats) values")
    }
    buffers.append(Buffer(floats: size + 16))
    return buffers.count - 1
  }

  mutating func newPlace(for index: Int) throws(ZooError) -> TrainingPlace {
    let (height, width, channels) = shape(index)
    return TrainingPlace(
      buffer: try newBuffer(floats: height * width * channels), height: height, width: width,
      channels: channels)
  }

  struct Sampling: Hashable {
    let buffer: Int
    let strides: Extent2D
  }

  /// The place of a value that a node reads.
  func place(_ index: Int) throws(ZooError) -> TrainingPlace {
    guard let place = places[index] else { throw unsupported(index, "it is read before it is computed") }
    return place
  }

  /// The only node that reads a value.
  func reader(of index: Int) -> Int? {
    index != route.target && route.readers[index].count == 1 ? route.readers[index][0] : nil
  }

  /// - Parameter result: the node whose value it computes; nil: something that only layers know of.
  mutating func append(_ layer: some TrainingLayer, of result: Int?, limit: Float? = nil) {
    let output = layer.links.output
    layers.append(layer)
    if let result { places[result] = output }
    if let limit { limits[output.buffer] = limit }
    if layer.learns || layer.links.inputs.contains(where: { learns.contains($0.buffer) }) {
      learns.insert(output.buffer)
    }
  }

  func weight(_ role: WeightRole, of index: Int) -> WeightPlace? {
    graph.nodes[index].weights.first { $0.role == role }.flatMap { weights[$0] }
  }

  // MARK: Fusing

  /// What follows a layer and is computed with it.
  struct Chain {
    /// The node whose value the layer computes.
    var result: Int
    var norm: Int?
    var bounds: (lo: Float, hi: Float) = (-.infinity, .infinity)

    /// The rectifier's maximum.
    var limit: Float? { bounds.lo == 0 ? bounds.hi : nil }
  }

  /// Takes in the norm and the rectifier that alone read a node's value, one after the other.
  mutating func chain(after index: Int, takesNorm: Bool, activation: Activation = .linear) -> Chain {
    var chain = Chain(result: index)
    if let bounds = activation.bounds, bounds.lo == 0 {
      chain.bounds = bounds
      return chain
    }
    guard activation == .linear || isCutOff(index) else { return chain }
    if takesNorm, !shared.contains(index), let next = reader(of: chain.result), !shared.contains(next),
      case .batchNormalization = graph.nodes[next].operation,
      options.momentum(of: next, in: graph) == nil
    {
      chain.norm = next
      chain.result = next
      swallowed.insert(next)
    }
    if let next = reader(of: chain.result), case .activation(let activation) = graph.nodes[next].operation,
      let bounds = activation.bounds, bounds.lo == 0
    {
      chain.bounds = bounds
      chain.result = next
      swallowed.insert(next)
    }
    return chain
  }

  /// Whether the softmax in a layer is left out.
  func isCutOff(_ index: Int) -> Bool {
    guard index == route.target else { return false }
    let activation: Activation? =
      switch graph.nodes[index].operation {
      case .dense(let d): d.activation
      case .convolution(let c): c.activation
      case .depthwiseConvolution(let c): c.activation
      case .separableConvolution(let c): c.activation
      case .transposedConvolution(let c): c.activation
      default: nil
      }
    return activation == .softmax
  }

  // MARK: All nodes

  mutating func plan() throws(ZooError) {
    for (position, index) in route.boundary.enumerated() {
      let (height, width, channels) = shape(index)
      buffers.append(Buffer(floats: height * width * channels, input: position))
      places[index] = TrainingPlace(
        buffer: buffers.count - 1, height: height, width: width, channels: channels)
    }
    for index in route.nodes where !swallowed.contains(index) { try plan(index) }
  }

  private mutating func plan(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs.first?.index ?? 0
    switch node.operation {
    case .convolution(let c):
      if c.groups > 1, c.groups == shape(source).channels {
        try planDepthwise(
          index, multiplier: c.filters / c.groups, role: .kernel, Geometry(c), activation: c.activation)
      } else {
        try planProduct(
          index, groups: c.groups, role: .kernel, Geometry(c), from: try seen(source, by: Geometry(c)),
          activation: c.activation)
      }
    case .depthwiseConvolution(let c):
      try planDepthwise(
        index, multiplier: c.multiplier, role: .depthwiseKernel, Geometry(c), activation: c.activation)
    case .separableConvolution(let c): try planSeparable(index, c)
    case .dense(let d) where inRows.contains(index): try planDense(index, activation: d.activation)
    case .dense(let d):
      try planProduct(
        index, groups: 1, role: .kernel, .pointwise, from: (try place(source), .none),
        activation: d.activation)
    case .batchNormalization, .layerScale, .channelAffine: try planNorm(index)
    case .identity where options.noise[node.name] != nil: try planNoise(index)
    case .identity, .activation(.linear): places[index] = try place(source)
    case .flatten, .reshape:
      let (height, width, channels) = shape(index)
      places[index] = TrainingPlace(
        buffer: try place(source).buffer, height: height, width: width, channels: channels)
    case .activation(let activation): try planActivation(index, activation)
    case .maxPooling(let p): try planPooling(index, p, isAverage: false)
    case .averagePooling(let p): try planPooling(index, p, isAverage: true)
    case .globalAveragePooling: try planGlobalPooling(index, isAverage: true)
    case .globalMaxPooling: try planGlobalPooling(index, isAverage: false)
    case .zeroPadding(let edges): try planEdges(index, edges)
    case .cropping(let edges): try planEdges(index, edges.negated)
    case .merge(let merge): try planMerge(index, merge)
    case .concatenate: try planConcatenation(index)
    case .transposedConvolution(let c): try planTransposed(index, c)
    case .layerNormalization(let n): try planLayerNorm(index, n)
    case .normalization, .rescaling: try planScaling(index)
    case .prelu: try planParametricRectifier(index)
    case .resize(let r): try planResize(index, r)
    case .permute(let order):
      try planStrided(index, AxisMap(permuting: graph.nodes[source].shape, order: order), from: source)
    case .input: throw unsupported(index, "training has no gradient of an input")
    }
  }

  // MARK: The finished plan

  /// Decides where gradients go, from the last layer to the first, and lays out the memory.
  consuming func finish() throws(ZooError) -> TrainingPlan {
    let logits = try place(route.target)
    let last = 2 * layers.count
    var gradients: [Int: Int] = [:]
    let logitsGradient = try newBuffer(floats: logits.floats)
    gradients[logits.buffer] = logitsGradient
    buffers[logitsGradient].touch(layers.count)
    buffers[logits.buffer].touch(layers.count)
    var readers: [Int: Int] = [logits.buffer: 1]
    for (step, layer) in layers.enumerated() {
      if layer.writesOutput { buffers[layer.links.output.buffer].touch(step) }
      if let notes = layer.links.notes { buffers[notes].touch(step) }
      for buffer in layer.forwardReads { buffers[buffer].touch(step) }
      for input in layer.links.inputs { readers[input.buffer, default: 0] += 1 }
    }
    // The steps backward in which values are read.
    var reads: [Int: ClosedRange<Int>] = [:]
    func read(_ buffer: Int, in step: Int) {
      reads[buffer] = reads[buffer].map { $0.lowerBound...step } ?? step...step
    }
    // Gradients that are those of several buffers, which therefore stay as they are.
    var shared: Set<Int> = []
    for index in layers.indices.reversed() {
      let step = last - index
      var passed: Set<Int> = []
      var links = layers[index].links
      guard let gradient = gradients[links.output.buffer], learns.contains(links.output.buffer) else {
        continue
      }
      links.outputGradient = gradient
      buffers[gradient].touch(step)
      if let notes = links.notes { buffers[notes].touch(step) }
      if layers[index].keepsOutput { read(links.output.buffer, in: step) }
      for (position, input) in links.inputs.enumerated() {
        if layers[index].keepsInputs { read(input.buffer, in: step) }
        guard learns.contains(input.buffer) else { continue }
        let isFree = readers[input.buffer] == 1 && limits[input.buffer] == nil
        if layers[index].passesGradient, input.floats == links.output.floats, isFree {
          if !passed.insert(gradient).inserted { shared.insert(gradient) }
          gradients[input.buffer] = gradient
          continue
        }
        if gradients[input.buffer] == nil, canAddTo(gradient, for: input, at: index, readers) {
          shared.insert(gradient)
          gradients[input.buffer] = gradient
          continue
        }
        if layers[index].replacesGradient, isFree, !shared.contains(gradient) {
          gradients[input.buffer] = gradient
          links.inputGradients[position] = GradientTarget(
            buffer: gradient, accumulates: false, rectified: nil, limit: .infinity)
          continue
        }
        let known = gradients[input.buffer]
        let target: Int
        if let known { target = known } else { target = try newBuffer(floats: input.floats) }
        gradients[input.buffer] = target
        buffers[target].touch(step)
        let limit = limits[input.buffer]
        if limit != nil { read(input.buffer, in: step) }
        links.inputGradients[position] = GradientTarget(
          buffer: target, accumulates: known != nil, rectified: limit == nil ? nil : input.buffer,
          limit: limit ?? .infinity)
      }
      layers[index].links = links
      sizes.needScratch(layers[index].backwardScratch(part: part))
    }
    let (arena, repeats) = layOut(reads, keeping: logits.buffer)
    return TrainingPlan(
      layers: layers, buffers: buffers, arenaFloats: arena, repeats: repeats, part: part,
      boundary: route.boundary.map(Value.init(index:)),
      boundaryPlaces: try route.boundary.map { (index) throws(ZooError) in try place(index) },
      target: Value(index: route.target), logits: logits, logitsGradient: logitsGradient,
      logitsLimit: limits[logits.buffer], slots: slots, learningCount: learningCount, weights: weights,
      sizes: sizes)
  }

  /// Whether what other layers contribute to the gradient of an input can be added to the output's, of which a
  /// sum makes it the first part: where all others that read this have done so before. As the last of them
  /// knows what passes a rectifier, there has to be one.
  private func canAddTo(
    _ gradient: Int, for input: TrainingPlace, at index: Int, _ readers: [Int: Int]
  ) -> Bool {
    let links = layers[index].links
    guard layers[index].passesGradient, links.inputs.count > 1,
      links.inputs.count(where: { $0.buffer == input.buffer }) == 1, input.floats == links.output.floats,
      let next = layers[..<index].lastIndex(where: { $0.links.inputs.contains { $0.buffer == input.buffer } })
    else { return false }
    return links.inputs.allSatisfy { other in
      guard other.buffer != input.buffer else { return true }
      guard readers[other.buffer] == 1, limits[other.buffer] == nil, other.floats == links.output.floats,
        let producer = layers[..<index].lastIndex(where: { $0.links.output.buffer == other.buffer })
      else { return false }
      return producer > next && !layers[producer].passesGradient
    }
  }
}
