import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Depthwise convolutions in one step with the 1x1 convolution that follows, and with the one before.

extension Planner {
  mutating func planSeparable(_ index: Int, _ c: SeparableConvolution) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let geometry = Geometry(c)
    let view = try foldedView(of: source, by: geometry, rectified: true)
    let (height, width, _) = node.shape.image
    let channels = view.source.channels * c.multiplier
    let inner = FusedDepthwise(
      view: view, geometry: geometry, multiplier: c.multiplier,
      fusion: Fusion(result: index, layers: [node.name]), kernel: slot(.depthwiseKernel, of: node), bias: nil,
      shape: (height, width, channels),
      macs: height * width * channels * c.kernel.height * c.kernel.width)
    if fusesPointwise(inner, filters: node.shape.image.channels) {
      appendSeparable(
        inner, input: source, pointwise: index, activation: c.activation, kernel: .pointwiseKernel)
      return
    }
    let between = newPlace(height: height, width: width, channels: channels, contiguous: false)
    appendDepthwise(inner, output: between)
    let fusion = fuse(after: index, rules: .all, activation: c.activation)
    let output = self.output(of: fusion, input: source)
    try append(
      FusedProduct(
        view: View(source: between), fusion: fusion, output: output, kernel: slot(.pointwiseKernel, of: node),
        bias: slot(.bias, of: node), macs: graph.macs(of: node)),
      of: index)
    finish(fusion, activation: c.activation, in: output)
  }

  /// Whether the 1x1 convolution after `inner` is computed in the same step: not where its weights are so large
  /// that each thread should read a part of them only, nor at a single pixel, where a dense layer takes its place
  /// whose sums have another order: whichever number of threads there is, the result is the same.
  func fusesPointwise(_ inner: FusedDepthwise, filters: Int) -> Bool {
    inner.shape.height * inner.shape.width > 1
      && pointwiseCosts(inner, filters: filters).division == .rows
  }

  private func pointwiseCosts(_ inner: FusedDepthwise, filters: Int) -> CostModel.Choice {
    costs.product(
      rows: inner.shape.height * inner.shape.width, inputs: inner.shape.channels, columns: filters,
      run: inner.shape.channels)
  }

  /// Appends `inner` and the layer `pointwise`, which has the 1x1 kernel in the role `kernel`.
  mutating func appendSeparable(
    _ inner: FusedDepthwise, input: Int, pointwise: Int, activation: Activation, kernel: WeightRole
  ) {
    let node = graph.nodes[pointwise]
    var fusion = fuse(after: pointwise, rules: .all, activation: activation)
    if inner.fusion.result != pointwise { fusion.layers = inner.fusion.layers + fusion.layers }
    let output = self.output(of: fusion, input: input)
    let (height, width, channels) = inner.shape
    let pixel = Place.pixel(channels)
    let pixels = height * width
    let onTiles = pointwiseCosts(inner, filters: output.channels).onTiles
    let rowLimit = kernels.rowBlock(taps: 1, inputs: channels, columns: output.channels, onTiles: onTiles)
    // The block that lies between the convolutions leaves room for weights in the second-level cache.
    let cached = max(kernels.cachedBlock / (4 * channels), 2 * kernels.mr)
    let limit = onTiles ? max(cached, min(rowLimit, 512 * 1024 / (4 * channels))) : cached
    let division = SeparableDivision(
      height: height, width: width, channels: channels, taps: inner.taps, columns: output.channels,
      mr: kernels.mr, threads: threads)
    let expansion = onTiles ? nil : takeExpansion(of: inner, output: output)
    // On tiles, weights are cut into parts for each block.
    let block =
      onTiles
      ? WorkDivision.blockLength(pixels, limit: limit, shares: threads)
      : division.block(limit: expansion.map { min(limit, $0.rows * width) } ?? limit)
    let rows = block % width == 0 ? block / width : min(height, (block - 1) / width + 2)

    var arguments = zoo_separable()
    arguments.pixel_block = Int32(block)
    // A kernel's vector may reach past the last value.
    arguments.slot_floats = Place.wholeLines(rows * width * pixel + 16)
    if let expansion {
      arguments.expands = 1
      arguments.expansion = expansion.product
      arguments.expansion_offset = arguments.slot_floats
      arguments.slot_floats += Place.wholeLines(inner.inputRows(for: rows) * inner.view.source.row + 16)
    }
    let scratch = scratch(floats: arguments.slot_floats)
    var between = scratch
    (between.height, between.width, between.channels, between.pixel) = (height, width, channels, pixel)
    arguments.depthwise = depthwiseArguments(inner, output: between)
    if inner.multiplier == 1, channels >= 8, memory.buffers[inner.view.source.buffer].input == nil {
      // Whole vectors: behind the last channel something lies in every buffer, and what becomes of it goes to
      // the gap behind the channels of a pixel, which nothing reads.
      arguments.depthwise.channels = Int32(inner.stride)
    }
    arguments.product.window.setExtents(from: between, to: output)
    arguments.product.run = Int32(channels)
    arguments.product.columns = Int32(output.channels)
    arguments.product.row_block = Int32(min(block, rowLimit))
    let productScratch =
      onTiles ? tileScratch(for: &arguments.product, offset: arguments.slot_floats) : nil
    arguments.product.panel_group = kernels.table.pointee.panels(Int32(output.channels))
    arguments.product.residual_pixel = fusion.residual?.pixel ?? 0
    (arguments.product.lo, arguments.product.hi) = (fusion.lo, fusion.hi)
    append(
      Step(
        layers: (expansion?.step.layers ?? []) + fusion.layers,
        algorithm: (expansion == nil ? "" : "matrix product + ") + "depthwise + matrix product"
          + (onTiles ? " on tiles" : ""),
        macs: (expansion?.step.macs ?? 0) + inner.macs + pixels * channels * output.channels,
        arguments: .separable(arguments), units: (pixels + block - 1) / block,
        inputs: expansion?.step.inputs ?? [inner.view.source],
        output: output, residual: fusion.residual, scratch: scratch, productScratch: productScratch,
        weights: inner.weights,
        pointwiseWeights: WeightRequest(
          layout: .panels(rows: channels, columns: output.channels, firstColumn: 0),
          kernel: slot(kernel, of: node), bias: slot(.bias, of: node), channels: output.channels,
          norms: fusion.norms),
        expansionWeights: expansion?.step.weights))
    finish(fusion, activation: activation, in: output)
  }

  /// A 1x1 convolution that widens an image for the depthwise convolution after it.
  private struct Expansion {
    let step: Step
    let product: zoo_convolution
    /// The most rows of the depthwise convolution's output in a block.
    let rows: Int
  }

  /// Takes the last step back if it is a 1x1 convolution that nothing but `inner` reads and whose result is larger
  /// than the second-level cache: to write and read that takes longer than to compute a few rows twice.
  private mutating func takeExpansion(of inner: FusedDepthwise, output: Place) -> Expansion? {
    let (place, geometry) = (inner.view.source, inner.geometry)
    guard let step = steps.last, case .convolution(var product) = step.arguments, step.output == place,
      product.window.isPointwise, product.slot_floats == 0, step.residual == nil,
      4 * place.height * place.row > 1024 * 1024,
      // Two blocks share few rows.
      (geometry.kernel.height - 1) * geometry.dilation.height < 2 * geometry.strides.height,
      memory.buffers[place.buffer].steps == steps.count - 1...steps.count - 1,
      memory.buffers[place.buffer].pendingReads == 0,
      step.produced.allSatisfy({ !pinned.contains($0.index) }),
      // What is written must not be read after that.
      step.inputs[0].buffer != output.buffer
    else { return nil }
    // The input's rows of a block leave room for weights in the second-level cache.
    let rows = (1...inner.shape.height).last {
      4 * inner.inputRows(for: $0) * place.row <= kernels.cachedBlock * 5 / 4
    }
    guard let rows else { return nil }
    steps.removeLast()
    memory.buffers[place.buffer].steps = nil
    product.panel_group = kernels.table.pointee.panels(product.columns)
    return Expansion(step: step, product: product, rows: rows)
  }
}
