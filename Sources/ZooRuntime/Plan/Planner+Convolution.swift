import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Convolutions and dense layers as matrix products.

extension Planner {
  mutating func planConvolution(_ index: Int, _ convolution: Convolution) throws(ZooError) {
    let node = graph.nodes[index]
    if convolution.groups == graph[node.inputs[0]].shape[2] {
      // One channel a group: the kernel (…, 1, filters) is that of a depthwise convolution.
      return try planDepthwise(
        index, multiplier: convolution.filters / convolution.groups, activation: convolution.activation,
        role: .kernel, Geometry(convolution))
    }
    let source = node.inputs[0].index
    let geometry = Geometry(convolution)
    let view = try foldedView(of: source, by: geometry, rectified: false)
    var fusion = fuse(after: index, rules: .all, activation: convolution.activation)
    let (height, width, filters) = node.shape.image
    let tiling = winogradTiling(
      geometry, groups: convolution.groups, channels: view.source.channels, height: height, width: width,
      columns: filters)
    let isPooled = tiling != nil && convolution.activation.bounds != nil && fusePool(into: &fusion)
    let output = self.output(of: fusion, input: source)
    let product = FusedProduct(
      view: view, geometry: geometry, groups: convolution.groups, fusion: fusion, output: output,
      kernel: slot(.kernel, of: node), bias: slot(.bias, of: node),
      macs: graph.macs(of: node))
    if let tiling {
      appendWinograd(tiling, product, height: height, width: width, isPooled: isPooled)
    } else {
      try append(product, of: index)
    }
    finish(fusion, activation: convolution.activation, in: output)
  }

  mutating func planDense(_ index: Int, _ dense: Dense) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let input = try place(of: source)
    let fusion = fuse(after: index, rules: .all, activation: dense.activation)
    let output = self.output(of: fusion, input: source)
    try append(
      FusedProduct(
        view: View(source: input), fusion: fusion, output: output, kernel: slot(.kernel, of: node),
        bias: slot(.bias, of: node), macs: graph.macs(of: node)),
      of: index)
    finish(fusion, activation: dense.activation, in: output)
  }

  /// Appends the product of layer `index`: one step, or one for each group.
  mutating func append(_ product: FusedProduct, of index: Int) throws(ZooError) {
    guard product.taps <= Int(zoo_indirection_limit) else {
      throw ZooError(
        .cannotRun, what: "cannot run", at: layer(index),
        "a window of \(product.taps) pixels is larger than \(zoo_indirection_limit)")
    }
    if product.isOneVector { return appendDense(product) }
    let (merged, run) = mergedColumns(product)
    for group in 0..<product.groups {
      appendProduct(merged, group: group, run: run, isPointwise: product.taps == 1)
    }
  }

  private mutating func appendDense(_ product: FusedProduct) {
    let (input, output) = (product.view.source, product.output)
    var arguments = zoo_dense()
    arguments.rows = 1
    arguments.inputs = Int32(input.channels)
    arguments.columns = Int32(output.channels)
    let units = arguments.divide(threads: threads)
    (arguments.lo, arguments.hi) = (product.fusion.lo, product.fusion.hi)
    append(
      Step(
        layers: product.fusion.layers, algorithm: "dense", macs: product.macs,
        arguments: .dense(arguments), units: units, inputs: [input], output: output,
        residual: product.fusion.residual,
        weights: product.weights(.rows(inputs: input.channels, columns: output.channels))))
  }

  /// The product of one group; `run` floats of the input follow each other at each position of the window.
  private mutating func appendProduct(_ product: FusedProduct, group: Int, run: Int, isPointwise: Bool) {
    let filters = product.output.channels / product.groups
    var (input, target, residual) = (product.view.source, product.output, product.fusion.residual)
    input.channels /= product.groups
    input.offset += group * input.channels
    target.channels = filters
    target.offset += group * filters
    residual?.channels = filters
    residual?.offset += group * filters
    let geometry = product.geometry
    var arguments = zoo_convolution()
    arguments.window.setExtents(from: input, to: target)
    arguments.window.setWindow(
      geometry.kernel, strides: geometry.strides, dilation: geometry.dilation, edges: product.view.edges)
    arguments.run = Int32(run)
    arguments.columns = Int32(filters)
    arguments.residual_pixel = residual?.pixel ?? 0
    (arguments.lo, arguments.hi) = (product.fusion.lo, product.fusion.hi)
    let (units, onTiles) = divide(&arguments)
    let scratch = onTiles ? tileScratch(for: &arguments) : nil
    memory.needZeros(run)
    let layout: WeightRequest.Layout =
      if let transposed = product.transposed {
        .transposedPanels(
          taps: transposed.kernel.height * transposed.kernel.width, filters: transposed.filters, channels: run
        )
      } else {
        .panels(rows: product.taps * run, columns: filters, firstColumn: group * filters)
      }
    append(
      Step(
        layers: product.fusion.layers,
        algorithm: (isPointwise ? "matrix product" : "indirect matrix product")
          + (onTiles ? " on tiles" : ""),
        macs: product.macs / product.groups, arguments: .convolution(arguments),
        units: units, inputs: [input], output: target, residual: residual, scratch: scratch,
        weights: product.weights(layout)))
  }

  /// Where pixels have few channels, a row of the window is one contiguous run of floats of a padded image.
  private mutating func mergedColumns(_ product: FusedProduct) -> (FusedProduct, run: Int) {
    let channels = product.view.source.channels / product.groups
    guard channels <= 4, product.groups == 1, product.geometry.kernel.width > 1,
      product.geometry.dilation.width == 1
    else { return (product, channels) }
    var product = product
    let (geometry, view, output) = (product.geometry, product.view, product.output)
    let height =
      (output.height - 1) * geometry.strides.height + (geometry.kernel.height - 1) * geometry.dilation.height
      + 1
    let width = (output.width - 1) * geometry.strides.width + geometry.kernel.width
    let isInside = view.edges == .none && height <= view.source.height && width <= view.source.width
    if !isInside || !view.source.isContiguous {
      let target = newPlace(height: height, width: width, channels: channels, contiguous: true)
      appendPadding(from: view.source, edges: view.edges, to: target, layers: product.fusion.layers)
      product.view = View(source: target)
    }
    product.geometry.kernel.width = 1
    return (product, geometry.kernel.width * channels)
  }

  /// Divides a matrix product into units: blocks of rows whose input stays in the second-level cache, or
  /// groups of panels. Returns the number of units, as many for each thread, and whether they run on matrix tiles.
  private func divide(_ arguments: inout zoo_convolution) -> (units: Int, onTiles: Bool) {
    let window = arguments.window
    let choice = costs.product(
      rows: Int(window.out_height) * Int(window.out_width),
      inputs: Int(window.kernel_height) * Int(window.kernel_width) * Int(arguments.run),
      columns: Int(arguments.columns), run: Int(arguments.run))
    let units = arguments.divide(
      by: choice.division, onTiles: choice.onTiles, threads: threads, kernels: kernels)
    return (units, choice.onTiles)
  }

  /// The memory in which a product on tiles holds its blocks.
  mutating func tileScratch(for product: inout zoo_convolution, offset: Int = 0) -> Place {
    product.slot_floats = kernels.tileScratch(
      rows: Int(product.row_block),
      inputs: Int(product.window.kernel_height * product.window.kernel_width * product.run),
      columns: Int(product.columns))
    return scratch(floats: product.slot_floats, offset: offset)
  }
}

extension zoo_dense {
  /// Divides the columns into units, at least one for each thread. Returns the number of units.
  mutating func divide(threads: Int) -> Int {
    let parts = Int32(threads)
    let block = (columns + parts - 1) / parts
    column_block = min(2048, (block + 63) / 64 * 64)
    return Int((columns + column_block - 1) / column_block)
  }
}
