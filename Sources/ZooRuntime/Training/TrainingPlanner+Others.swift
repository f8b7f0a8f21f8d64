import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Layers of several inputs, and those that few networks have.

extension TrainingPlanner {
  // MARK: Several inputs

  mutating func planMerge(_ index: Int, _ merge: Merge) throws(ZooError) {
    let node = graph.nodes[index]
    var inputs: [TrainingPlace] = []
    var repeats: [Bool] = []
    for input in node.inputs {
      let shape = graph[input].shape
      var place = try place(input.index)
      let isWhole = shape.elementCount == node.shape.elementCount
      let isVector =
        shape.elementCount == place.channels && place.channels == node.shape.dimensions.last && !isWhole
      if !isWhole, !isVector {
        place = try strided(index, AxisMap(repeating: shape, to: node.shape), from: place)
      }
      inputs.append(place)
      repeats.append(isVector)
    }
    let chain = chain(after: index, takesNorm: false)
    let output = try newPlace(for: index)
    let deferred =
      merge == .add && inputs.count == 2 && !repeats.contains(true)
      ? deferNorm(of: node.inputs.map(\.index)) : nil
    append(
      MergeLayer(
        name: node.name, links: TrainingLinks(inputs, output), merge: merge, repeats: repeats,
        lo: chain.bounds.lo, hi: chain.bounds.hi, sums: sizes.reserveSums(2 * output.channels),
        deferred: deferred),
      of: chain.result, limit: chain.limit)
  }

  /// The norm by itself that comes last of those that a sum alone reads, and which leaves its output to the sum.
  private mutating func deferNorm(of inputs: [Int]) -> NormLayer? {
    let names = inputs.filter { reader(of: $0) != nil }.map { graph.nodes[$0].name }
    for index in layers.indices.reversed() where names.contains(layers[index].name) {
      guard var norm = layers[index] as? NormLayer, norm.lo == -.infinity, norm.hi == .infinity
      else { continue }
      norm.isDeferred = true
      layers[index] = norm
      return norm
    }
    return nil
  }

  mutating func planConcatenation(_ index: Int) throws(ZooError) {
    var inputs: [TrainingPlace] = []
    for input in graph.nodes[index].inputs { inputs.append(try place(input.index)) }
    append(
      ConcatenationLayer(
        name: graph.nodes[index].name, links: TrainingLinks(inputs, try newPlace(for: index))),
      of: index)
  }

  // MARK: Other places

  mutating func planStrided(_ index: Int, _ map: AxisMap, from source: Int) throws(ZooError) {
    places[index] = try strided(index, map, from: try place(source))
  }

  /// Copies a value to other places in the shape of a node; returns where they are.
  private mutating func strided(
    _ index: Int, _ map: AxisMap, from input: TrainingPlace
  ) throws(ZooError) -> TrainingPlace {
    guard map.extents.count <= Int(zoo_axes_limit) + 1 else {
      throw unsupported(index, "it has \(map.extents.count) axes")
    }
    sizes.needScratch(part * input.floats + 16)
    let output = try newPlace(for: index)
    append(
      StridedLayer(name: graph.nodes[index].name, links: TrainingLinks([input], output), map: map), of: nil)
    return output
  }

  mutating func planResize(_ index: Int, _ resize: Resize) throws(ZooError) {
    let input = try place(graph.nodes[index].inputs[0].index)
    sizes.needScratch(part * input.floats + 16)
    append(
      ResizeLayer(
        name: graph.nodes[index].name, links: TrainingLinks([input], try newPlace(for: index)),
        resize: resize),
      of: index)
  }

  // MARK: Norms and functions

  mutating func planScaling(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    let source: ScalingLayer.Source
    switch node.operation {
    case .rescaling(let r): source = .constants(r)
    case .normalization(let n):
      guard let mean = weight(.mean, of: index), let variance = weight(.variance, of: index) else {
        throw unsupported(index, "it has no statistics")
      }
      source = .statistics(n, mean: mean, variance: variance)
    default: throw unsupported(index, "it scales nothing")
    }
    let chain = chain(after: index, takesNorm: false)
    let input = try place(node.inputs[0].index)
    sizes.needScratch(part * input.floats + 16)
    sizes.needZeros(input.channels)
    append(
      ScalingLayer(
        name: node.name, links: TrainingLinks([input], try newPlace(for: index)), source: source,
        lo: chain.bounds.lo, hi: chain.bounds.hi, coefficients: sizes.reservePacked(2 * input.channels)),
      of: chain.result, limit: chain.limit)
  }

  mutating func planLayerNorm(_ index: Int, _ norm: LayerNormalization) throws(ZooError) {
    let node = graph.nodes[index]
    let input = try place(node.inputs[0].index)
    let length = node.shape.dimensions.suffix(norm.axes).reduce(1, *)
    sizes.needScratch(LayerNormLayer.scratch(input, part: part))
    append(
      LayerNormLayer(
        name: node.name, links: TrainingLinks([input], try newPlace(for: index)), length: length,
        gamma: weight(.gamma, of: index), beta: weight(.beta, of: index), epsilon: norm.epsilon,
        coefficients: sizes.reservePacked(2 * length), sums: sizes.reserveSums(2 * length)),
      of: index)
  }

  mutating func planParametricRectifier(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    guard let slot = node.weights.first, let alpha = weights[slot] else {
      throw unsupported(index, "it has no slopes")
    }
    let input = try place(node.inputs[0].index)
    let sharing: ParametricRectifierLayer.Sharing
    if slot.shape.elementCount == input.channels, slot.shape.dimensions.last == input.channels {
      sharing = .pixels
    } else if slot.shape.elementCount == input.floats {
      sharing = .none
    } else {
      sharing = .some(AxisMap(repeating: slot.shape, to: node.shape))
    }
    var repeated = 0
    if case .some = sharing { repeated = sizes.reservePacked(input.floats) }
    sizes.needScratch(part * input.floats + 16)
    append(
      ParametricRectifierLayer(
        name: node.name, links: TrainingLinks([input], try newPlace(for: index)), alpha: alpha,
        sharing: sharing, repeated: repeated, sums: sizes.reserveSums(2 * alpha.count)),
      of: index)
  }

  // MARK: Transposed convolutions

  mutating func planTransposed(_ index: Int, _ c: TransposedConvolution) throws(ZooError) {
    let chain = chain(after: index, takesNorm: false, activation: c.activation)
    let input = try place(graph.nodes[index].inputs[0].index)
    let output = try newPlace(for: index)
    let taps = c.kernel.height * c.kernel.width
    guard let kernel = weight(.kernel, of: index) else { throw unsupported(index, "it has no kernel") }
    guard taps <= Int(zoo_indirection_limit), input.pixels * taps * c.filters <= Planner.elementLimit else {
      throw unsupported(index, "its sums are too large")
    }
    let window = window(
      Geometry(kernel: c.kernel, strides: c.strides, padding: .valid, dilation: c.dilation),
      Edges(top: c.offset.height, bottom: 0, left: c.offset.width, right: 0), from: output, to: input)
    func packed(_ columns: Int) -> Int { Int(kernels.table.pointee.packed_columns(Int32(columns))) }
    sizes.needZeros(max(c.filters, input.channels, packed(taps * c.filters), packed(input.channels)))
    sizes.needScratch(
      TransposedLayer.scratch(
        kernels, window, input: input, filters: c.filters, threads: options.threads))
    let layer = TransposedLayer(
      name: graph.nodes[index].name, links: TrainingLinks([input], output), window: window, kernel: kernel,
      bias: weight(.bias, of: index), lo: chain.bounds.lo, hi: chain.bounds.hi,
      forwardPanels: sizes.reservePacked(input.channels * packed(taps * c.filters)),
      backwardPanels: learns.contains(input.buffer)
        ? sizes.reservePacked(taps * c.filters * packed(input.channels)) : 0,
      packedBias: sizes.reservePacked(c.filters), sums: sizes.reserveSums(2 * c.filters))
    try append(layer, chain, of: index, activation: c.activation)
  }
}
