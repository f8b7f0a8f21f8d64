import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// A layer of the plan for each kind of operation.

extension TrainingPlanner {
  // MARK: Products

  /// The value that a window moves over, through padding, and the edges of the whole.
  func seen(_ source: Int, by geometry: Geometry) throws(ZooError) -> (TrainingPlace, Edges) {
    let (height, width, _) = shape(source)
    let own = geometry.edges(height: height, width: width)
    guard let view = views[source] else { return (try place(source), own) }
    return (try place(view.source), own + view.edges)
  }

  func window(
    _ geometry: Geometry, _ edges: Edges, from input: TrainingPlace, to output: TrainingPlace
  ) -> zoo_window {
    var window = zoo_window.pixels(from: input, to: output)
    window.setWindow(
      geometry.kernel, strides: geometry.strides, dilation: geometry.dilation, edges: edges)
    return window
  }

  private func folded(_ chain: Chain, bias: WeightPlace?, channels: Int) throws(ZooError) -> FoldedScale {
    var folded = FoldedScale(channels: channels, bias: bias)
    guard let norm = chain.norm, case .batchNormalization(let b) = graph.nodes[norm].operation else {
      return folded
    }
    guard let mean = weight(.movingMean, of: norm), let variance = weight(.movingVariance, of: norm) else {
      throw unsupported(norm, "it has no statistics")
    }
    folded.norm = FoldedScale.Norm(
      gamma: weight(.gamma, of: norm), beta: weight(.beta, of: norm), mean: mean, variance: variance,
      epsilon: b.epsilon)
    return folded
  }

  /// The kernel of a layer with the norm that follows it in `chain`.
  ///
  /// - Parameter biasFloats: that the packed bias takes.
  private mutating func foldedKernel(
    _ role: WeightRole, of index: Int, _ chain: Chain, bias: WeightPlace?, channels: Int, biasFloats: Int
  ) throws(ZooError) -> FoldedKernel {
    guard let kernel = weight(role, of: index) else { throw unsupported(index, "it has no kernel") }
    let folded = try folded(chain, bias: bias, channels: channels)
    return FoldedKernel(
      kernel: kernel, folded: folded,
      spare: folded.learns && !kernel.learns ? sizes.reserveSpare(kernel.count) : nil,
      packedBias: sizes.reservePacked(biasFloats), sums: sizes.reserveSums(channels))
  }

  /// Whether a layer packs its weights each time that it reads them, so that memory has those of one layer only: where
  /// a batch has one part, and where a part has so many pixels that packing them for the others too takes next to none
  /// of the time.
  private func packsOnUse(_ output: TrainingPlace) -> Bool {
    let parts = (options.batch + part - 1) / part
    return part * output.pixels >= TrainingPlanner.manyPixels * (parts - 1)
  }

  mutating func planProduct(
    _ index: Int, groups: Int, role: WeightRole, _ geometry: Geometry,
    from source: (place: TrainingPlace, edges: Edges), activation: Activation
  ) throws(ZooError) {
    if geometry.kernel == .one, geometry.strides != .one, source.edges == .none {
      let sampled = try sampled(source.place, geometry.strides, for: index)
      return try planProduct(
        index, groups: groups, role: role, .pointwise, from: (sampled, .none), activation: activation)
    }
    let chain = chain(after: index, takesNorm: true, activation: activation)
    let output = try newPlace(for: index)
    let window = window(geometry, source.edges, from: source.place, to: output)
    let taps = geometry.kernel.height * geometry.kernel.width
    guard taps <= Int(zoo_indirection_limit) else {
      throw unsupported(index, "a window of \(taps) pixels is larger than \(zoo_indirection_limit)")
    }
    let (channels, filters) = (source.place.channels / groups, output.channels / groups)
    let table = kernels.table
    func packed(_ columns: Int) -> Int { Int(table.pointee.packed_columns(Int32(columns))) }
    let kernel = try foldedKernel(
      role, of: index, chain, bias: weight(.bias, of: index), channels: output.channels,
      biasFloats: groups * filters + packed(filters))
    if let layer = winograd(index, geometry, groups, window, kernel, chain, source.place, output) {
      return try append(layer, chain, of: index, activation: activation)
    }
    let isScattered = geometry.strides != .one
    let back =
      isScattered
      ? filters * packed(taps * channels) : taps * filters * packed(channels)
    sizes.needZeros(max(channels, filters, packed(isScattered ? taps * channels : channels)))
    sizes.needScratch(
      ProductLayer.scratch(
        kernels, window, channels: source.place.channels, groups: groups, threads: options.threads))
    let hasGradient = learns.contains(source.place.buffer)
    let layer = ProductLayer(
      name: graph.nodes[index].name, links: TrainingLinks([source.place], output), window: window,
      groups: groups, kernel: kernel, lo: chain.bounds.lo, hi: chain.bounds.hi,
      forwardPanels: sizes.reservePanels(
        groups * ProductLayer.packedForward(kernels, rows: taps * channels, filters: filters),
        isTransient: packsOnUse(output)),
      backwardPanels: sizes.reservePanels(hasGradient ? groups * back : 0, isTransient: packsOnUse(output)))
    try append(layer, chain, of: index, activation: activation)
  }

  /// The pixels of a value that a 1x1 window with strides goes over, once for all such layers: what these compute
  /// then is one product for all images.
  private mutating func sampled(
    _ source: TrainingPlace, _ strides: Extent2D, for index: Int
  ) throws(ZooError) -> TrainingPlace {
    let key = Sampling(buffer: source.buffer, strides: strides)
    if let known = samples[key] { return known }
    let (height, width, _) = shape(index)
    let place = TrainingPlace(
      buffer: try newBuffer(floats: height * width * source.channels), height: height, width: width,
      channels: source.channels)
    append(
      SamplingLayer(name: graph.nodes[index].name, links: TrainingLinks([source], place), strides: strides),
      of: nil, limit: limits[source.buffer])
    samples[key] = place
    return place
  }

  /// The convolution by Winograd's algorithm, where that serves both ways.
  private mutating func winograd(
    _ index: Int, _ geometry: Geometry, _ groups: Int, _ window: zoo_window, _ kernel: FoldedKernel,
    _ chain: Chain, _ input: TrainingPlace, _ output: TrainingPlace
  ) -> WinogradLayer? {
    let planner = Planner(
      graph: graph, kernels: kernels, options: PlanOptions(threads: options.threads))
    func tiling(_ source: TrainingPlace, _ target: TrainingPlace) -> WinogradTiling? {
      planner.winogradTiling(
        geometry, groups: groups, channels: source.channels, height: target.height, width: target.width,
        columns: target.channels, images: part)
    }
    guard window.pad_top <= 2, window.pad_left <= 2, let forward = tiling(input, output),
      let backward = tiling(output, input)
    else { return nil }
    let (channels, filters) = (input.channels, output.channels)
    sizes.needZeros(max(channels, filters, Int(kernels.table.pointee.packed_columns(Int32(channels)))) + 16)
    let slots = [
      forward.slot(tiles: forward.limit, channels: channels, kernels),
      backward.slot(tiles: backward.limit, channels: filters, kernels),
      WinogradLayer.gradientGroups(
        forward, channels: channels, columns: filters, threads: options.threads
      ).slot,
    ]
    sizes.needScratch(options.threads * (slots.max() ?? 0))
    return WinogradLayer(
      name: graph.nodes[index].name, links: TrainingLinks([input], output), window: window, kernel: kernel,
      lo: chain.bounds.lo, hi: chain.bounds.hi, forwardTiling: forward, backwardTiling: backward,
      forwardPanels: sizes.reservePanels(
        WinogradLayer.packedFloats(kernels, forward, rows: channels, columns: filters),
        isTransient: packsOnUse(output)),
      backwardPanels: sizes.reservePanels(
        learns.contains(input.buffer)
          ? WinogradLayer.packedFloats(kernels, backward, rows: filters, columns: channels) : 0,
        isTransient: packsOnUse(output)))
  }

  /// Appends a layer, and the function that it ends in where no kernel takes that in.
  mutating func append(
    _ layer: some TrainingLayer, _ chain: Chain, of index: Int, activation: Activation
  ) throws(ZooError) {
    append(layer, of: chain.result, limit: chain.limit)
    guard activation.bounds == nil, !isCutOff(index) else { return }
    try planActivation(index, activation, from: layer.links.output)
  }

  mutating func planDepthwise(
    _ index: Int, multiplier: Int, role: WeightRole, _ geometry: Geometry, activation: Activation
  ) throws(ZooError) {
    let chain = chain(after: index, takesNorm: true, activation: activation)
    let output = try newPlace(for: index)
    let layer = try depthwise(
      index, multiplier: multiplier, role: role, geometry, to: output, chain,
      bias: weight(.bias, of: index))
    try append(layer, chain, of: index, activation: activation)
  }

  private mutating func depthwise(
    _ index: Int, multiplier: Int, role: WeightRole, _ geometry: Geometry, to output: TrainingPlace,
    _ chain: Chain, bias: WeightPlace?
  ) throws(ZooError) -> DepthwiseLayer {
    let (input, edges) = try seen(graph.nodes[index].inputs[0].index, by: geometry)
    let window = window(geometry, edges, from: input, to: output)
    let stride = DepthwiseLayer.stride(output.channels)
    let kernel = try foldedKernel(
      role, of: index, chain, bias: bias, channels: output.channels, biasFloats: stride)
    sizes.needZeros(stride)
    sizes.needScratch(
      DepthwiseLayer.scratch(
        window, input: input, filters: output.channels, threads: options.threads, part: part))
    return DepthwiseLayer(
      name: graph.nodes[index].name, links: TrainingLinks([input], output), window: window,
      multiplier: multiplier, kernel: kernel, lo: chain.bounds.lo, hi: chain.bounds.hi,
      packedKernel: sizes.reservePacked(geometry.kernel.height * geometry.kernel.width * stride))
  }

  mutating func planSeparable(_ index: Int, _ c: SeparableConvolution) throws(ZooError) {
    let (height, width, _) = shape(index)
    let channels = shape(graph.nodes[index].inputs[0].index).channels * c.multiplier
    let inner = TrainingPlace(
      buffer: try newBuffer(floats: height * width * channels), height: height, width: width,
      channels: channels)
    let layer = try depthwise(
      index, multiplier: c.multiplier, role: .depthwiseKernel, Geometry(c), to: inner, Chain(result: index),
      bias: nil)
    append(layer, of: index)
    try planProduct(
      index, groups: 1, role: .pointwiseKernel, .pointwise, from: (inner, .none), activation: c.activation)
  }

  // MARK: Norms and functions

  mutating func planNorm(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    let chain = chain(after: index, takesNorm: false)
    let input = try place(node.inputs[0].index)
    let output = try newPlace(for: index)
    var epsilon = 0.0
    if case .batchNormalization(let b) = node.operation { epsilon = b.epsilon }
    append(
      NormLayer(
        name: node.name, links: TrainingLinks([input], output), gamma: weight(.gamma, of: index),
        beta: weight(.beta, of: index), mean: weight(.movingMean, of: index),
        variance: weight(.movingVariance, of: index), epsilon: epsilon,
        momentum: options.momentum(of: index, in: graph), lo: chain.bounds.lo, hi: chain.bounds.hi,
        coefficients: sizes.reservePacked(NormLayer.coefficientRows * input.channels),
        sums: sizes.reserveSums(NormLayer.sumRows * input.channels)),
      of: chain.result, limit: chain.limit)
  }

  mutating func planActivation(
    _ index: Int, _ activation: Activation, from source: TrainingPlace? = nil
  ) throws(ZooError) {
    let input: TrainingPlace
    if let source { input = source } else { input = try place(graph.nodes[index].inputs[0].index) }
    guard let bounds = activation.bounds, bounds.lo == 0 else {
      sizes.needScratch(part * input.floats + 16)
      let output = try newPlace(for: index)
      return append(
        ActivationLayer(
          name: graph.nodes[index].name, links: TrainingLinks([input], output), activation: activation),
        of: index)
    }
    append(
      RectifierLayer(
        name: graph.nodes[index].name, links: TrainingLinks([input], try newPlace(for: index)),
        hi: bounds.hi),
      of: index, limit: bounds.hi)
  }

  mutating func planNoise(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    guard let noise = options.noise[node.name] else { return }
    let output = try newPlace(for: index)
    sizes.needScratch(part * output.floats + 16)
    append(
      NoiseLayer(
        name: node.name, links: TrainingLinks([try place(node.inputs[0].index)], output), noise: noise,
        seed: options.seed, shape: node.shape),
      of: index)
  }

  // MARK: Pooling and shaping

  mutating func planPooling(_ index: Int, _ pooling: Pooling, isAverage: Bool) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    let geometry = Geometry(
      kernel: pooling.window, strides: pooling.strides, padding: pooling.padding, dilation: .one)
    let (input, edges) = try seen(source, by: geometry)
    let output = try newPlace(for: index)
    var links = TrainingLinks([input], output)
    if !isAverage {
      let positions = pooling.window.height * pooling.window.width
      guard positions <= WindowPoolingLayer.windowLimit else {
        throw unsupported(
          index, "a window of \(positions) pixels is larger than \(WindowPoolingLayer.windowLimit)")
      }
      links.notes = try newBuffer(floats: WindowPoolingLayer.placeFloats(output.floats))
    }
    append(
      WindowPoolingLayer(
        name: graph.nodes[index].name, links: links,
        window: window(geometry, edges, from: input, to: output), isAverage: isAverage,
        zeros: views[source] != nil),
      of: index)
  }

  mutating func planGlobalPooling(_ index: Int, isAverage: Bool) throws(ZooError) {
    let input = try place(graph.nodes[index].inputs[0].index)
    append(
      GlobalPoolingLayer(
        name: graph.nodes[index].name, links: TrainingLinks([input], try newPlace(for: index)),
        isAverage: isAverage),
      of: index)
  }

  mutating func planEdges(_ index: Int, _ edges: Edges) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    let isPadding = min(edges.top, edges.bottom, edges.left, edges.right) >= 0
    if isPadding, index != route.target, views[source] == nil, route.readers[index].allSatisfy(readsViews) {
      views[index] = (source, edges)
      return
    }
    let input = try place(source)
    sizes.needScratch(part * input.floats + 16)
    append(
      EdgesLayer(
        name: graph.nodes[index].name, links: TrainingLinks([input], try newPlace(for: index)), edges: edges),
      of: index)
  }

  /// Whether a layer can read its input through padding.
  private func readsViews(_ reader: Int) -> Bool {
    switch graph.nodes[reader].operation {
    case .convolution, .depthwiseConvolution, .separableConvolution: true
    // Positions outside are zeros for all, or do not count for all.
    case .maxPooling(let p), .averagePooling(let p): p.padding == .valid
    default: false
    }
  }
}
