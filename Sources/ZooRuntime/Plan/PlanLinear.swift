import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Layers with weights: convolutions of all kinds and dense layers.

extension Planner {
  mutating func planLinear(_ index: Int) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    switch node.operation {
    case .convolution(let c) where c.groups == graph[node.inputs[0]].shape[2]:
      // One channel a group: the kernel (…, 1, filters) is that of a depthwise convolution.
      try planDepthwise(
        index, multiplier: c.filters / c.groups, activation: c.activation, role: .kernel,
        Geometry(kernel: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation))
    case .convolution(let c):
      let geometry = Geometry(
        kernel: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
      let view = try foldedView(of: source, by: geometry, rectified: false)
      var fusion = fuse(after: index, rules: .all, activation: c.activation)
      let (height, width, filters) = node.shape.image
      let tiling = winogradTiling(
        geometry, groups: c.groups, input: view.source, height: height, width: width, columns: filters)
      if let tiling {
        let isPooled = c.activation.bounds != nil && fusePool(into: &fusion)
        let output = self.output(of: fusion, input: source)
        appendWinograd(
          tiling, view: view, fusion: fusion, output: output, height: height, width: width,
          isPooled: isPooled, multiplications: graph.multiplications(of: node),
          weights: WeightRequest(
            layout: .winograd(outputs: tiling.outputs, channels: view.source.channels, columns: filters),
            kernel: slot(.kernel, of: node), bias: slot(.bias, of: node), channels: filters,
            norms: fusion.norms))
        finish(fusion, activation: c.activation, in: output)
        return
      }
      let output = self.output(of: fusion, input: source)
      try appendConvolution(
        index, view: view, geometry: geometry, groups: c.groups, fusion: fusion, output: output,
        kernel: slot(.kernel, of: node), bias: slot(.bias, of: node))
      finish(fusion, activation: c.activation, in: output)
    case .depthwiseConvolution(let c):
      try planDepthwise(
        index, multiplier: c.multiplier, activation: c.activation, role: .depthwiseKernel,
        Geometry(kernel: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation))
    case .transposedConvolution(let c):
      try planTransposed(index, c)
    case .separableConvolution(let c):
      try planSeparable(index, c)
    case .dense(let d):
      let input = try place(of: source)
      let fusion = fuse(after: index, rules: .all, activation: d.activation)
      let output = self.output(of: fusion, input: source)
      try appendConvolution(
        index, view: View(source: input), geometry: .pointwise, groups: 1, fusion: fusion, output: output,
        kernel: slot(.kernel, of: node), bias: slot(.bias, of: node))
      finish(fusion, activation: d.activation, in: output)
    default: break
    }
  }

  private mutating func planDepthwise(
    _ index: Int, multiplier: Int, activation: Activation, role: WeightRole, _ geometry: Geometry
  ) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let view = try foldedView(of: source, by: geometry, rectified: true)
    let fusion = fuse(after: index, rules: .normsAndClamp, activation: activation)
    let inner = FusedDepthwise(
      view: view, geometry: geometry, multiplier: multiplier, fusion: fusion, kernel: slot(role, of: node),
      bias: slot(.bias, of: node), shape: node.shape.image, multiplications: graph.multiplications(of: node))
    if activation.bounds != nil, let reader = pointwiseReader(of: fusion.result),
      case .convolution(let c) = graph.nodes[reader].operation,
      fusesPointwise(inner, filters: c.filters)
    {
      swallowed.insert(reader)
      appendSeparable(inner, input: source, pointwise: reader, activation: c.activation, kernel: .kernel)
      return
    }
    let output = self.output(of: fusion, input: source)
    appendDepthwise(inner, output: output)
    finish(fusion, activation: activation, in: output)
  }

  /// The only reader of a value, if it is a 1x1 convolution.
  private func pointwiseReader(of value: Int) -> Int? {
    guard !pinned.contains(value), readers[value].count == 1,
      case .convolution(let c) = graph.nodes[readers[value][0]].operation,
      c.kernel == .one, c.strides == .one, c.groups == 1
    else { return nil }
    return readers[value][0]
  }

  /// A matrix product from each pixel to all that it adds to the output, and the sums of that.
  private mutating func planTransposed(_ index: Int, _ c: TransposedConvolution) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let input = try place(of: source)
    let taps = c.kernel.height * c.kernel.width
    guard input.pixels * taps * c.filters <= Planner.elementLimit else {
      throw ZooError(.cannotRun, what: "cannot run", at: layer(index), "its sums are too large")
    }
    let parts = newPlace(
      height: input.height, width: input.width, channels: taps * c.filters, contiguous: false)
    let fusion = fuse(after: index, rules: .normsAndClamp, activation: c.activation)
    try appendConvolution(
      index, view: View(source: input), geometry: .pointwise, groups: 1,
      fusion: Fusion(result: index, layers: [node.name], norms: fusion.norms), output: parts,
      kernel: slot(.kernel, of: node), bias: nil, transposed: c)
    let output = self.output(of: fusion, input: source)
    var arguments = zoo_scatter()
    arguments.window.setExtents(from: parts, to: output)
    arguments.window.setWindow(
      c.kernel, strides: c.strides, dilation: c.dilation,
      edges: Edges(top: c.offset.height, bottom: 0, left: c.offset.width, right: 0))
    arguments.channels = Int32(c.filters)
    (arguments.lo, arguments.hi) = (fusion.lo, fusion.hi)
    append(
      Step(
        layers: fusion.layers, algorithm: "transposed sums", multiplications: 0,
        arguments: .scatter(arguments), units: output.height, inputs: [parts],
        output: output,
        weights: WeightRequest(
          layout: .bias(channels: c.filters), bias: slot(.bias, of: node), channels: c.filters,
          norms: fusion.norms)))
    finish(fusion, activation: c.activation, in: output)
  }

  private mutating func planSeparable(_ index: Int, _ c: SeparableConvolution) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let geometry = Geometry(kernel: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
    let view = try foldedView(of: source, by: geometry, rectified: true)
    let (height, width, _) = node.shape.image
    let channels = view.source.channels * c.multiplier
    let inner = FusedDepthwise(
      view: view, geometry: geometry, multiplier: c.multiplier,
      fusion: Fusion(result: index, layers: [node.name]), kernel: slot(.depthwiseKernel, of: node), bias: nil,
      shape: (height, width, channels),
      multiplications: height * width * channels * c.kernel.height * c.kernel.width)
    if fusesPointwise(inner, filters: node.shape.image.channels) {
      appendSeparable(
        inner, input: source, pointwise: index, activation: c.activation, kernel: .pointwiseKernel)
      return
    }
    let between = newPlace(height: height, width: width, channels: channels, contiguous: false)
    appendDepthwise(inner, output: between)
    let fusion = fuse(after: index, rules: .all, activation: c.activation)
    let output = self.output(of: fusion, input: source)
    try appendConvolution(
      index, view: View(source: between), geometry: .pointwise, groups: 1, fusion: fusion, output: output,
      kernel: slot(.pointwiseKernel, of: node), bias: slot(.bias, of: node))
    finish(fusion, activation: c.activation, in: output)
  }

  func slot(_ role: WeightRole, of node: Node) -> WeightSlot? {
    node.weights.first { $0.role == role }
  }

  /// Where a fused step writes: over the other input of its sum if that is read no more.
  mutating func output(of fusion: Fusion, input: Int) -> Place {
    // The input is still being read, so that the sum can't be written over it.
    let output = outputPlace(for: fusion.result, over: fusion.residual)
    didRead(input)
    return output
  }

  /// Adds the layer's own activation where no kernel takes it in, and binds the result.
  mutating func finish(_ fusion: Fusion, activation: Activation, in output: Place) {
    if activation.bounds == nil {
      appendActivation(activation, from: output, to: output, layers: fusion.layers)
    }
    finish(fusion, in: output)
  }

  /// The input seen through padding as far as the kernel can do that; otherwise put into memory.
  private mutating func foldedView(
    of source: Int, by geometry: Geometry, rectified: Bool
  ) throws(ZooError) -> View {
    var view = try view(of: source)
    let (height, width, _) = graph.nodes[source].shape.image
    let own = geometry.edges(height: height, width: width)
    // Cropped pixels must not show through the layer's own padding.
    if (view.isCropped && own != .none) || (view.rectified && !rectified) {
      view = View(source: try place(of: source))
    }
    view.edges = view.edges + own
    return view
  }

  private mutating func appendDepthwise(_ inner: FusedDepthwise, output: Place) {
    append(
      Step(
        layers: inner.fusion.layers, algorithm: "depthwise", multiplications: inner.multiplications,
        arguments: .depthwise(depthwiseArguments(inner, output: output)), units: output.height,
        inputs: [inner.view.source], output: output, weights: inner.weights))
  }

  private mutating func appendConvolution(
    _ index: Int, view: View, geometry: Geometry, groups: Int, fusion: Fusion, output: Place,
    kernel: WeightSlot?, bias: WeightSlot?, transposed: TransposedConvolution? = nil
  ) throws(ZooError) {
    let multiplications = graph.multiplications(of: graph.nodes[index])
    let taps = geometry.kernel.height * geometry.kernel.width
    guard taps <= Int(zoo_indirection_limit) else {
      throw ZooError(
        .cannotRun, what: "cannot run", at: layer(index),
        "a window of \(taps) pixels is larger than \(zoo_indirection_limit)")
    }
    var request = WeightRequest(
      layout: .rows(inputs: view.source.channels, columns: output.channels), kernel: kernel, bias: bias,
      channels: transposed?.filters ?? output.channels, norms: fusion.norms)
    if transposed == nil, output.pixels == 1, view.source.pixels == 1, taps == 1, groups == 1,
      view.edges == .none
    {
      var arguments = zoo_dense()
      arguments.rows = 1
      arguments.inputs = Int32(view.source.channels)
      arguments.columns = Int32(output.channels)
      let units = arguments.divide(threads: threads)
      (arguments.lo, arguments.hi) = (fusion.lo, fusion.hi)
      append(
        Step(
          layers: fusion.layers, algorithm: "dense", multiplications: multiplications,
          arguments: .dense(arguments), units: units, inputs: [view.source], output: output,
          residual: fusion.residual, weights: request))
      return
    }
    let (view, geometry, run) = mergedColumns(view, geometry, groups, output, layers: fusion.layers)
    let filters = output.channels / groups
    for group in 0..<groups {
      var (input, target, residual) = (view.source, output, fusion.residual)
      input.channels /= groups
      input.offset += group * input.channels
      target.channels = filters
      target.offset += group * filters
      residual?.channels = filters
      residual?.offset += group * filters
      var arguments = zoo_convolution()
      arguments.window.setExtents(from: input, to: target)
      arguments.window.setWindow(
        geometry.kernel, strides: geometry.strides, dilation: geometry.dilation, edges: view.edges)
      arguments.run = Int32(run)
      arguments.columns = Int32(filters)
      arguments.residual_pixel = residual?.pixel ?? 0
      (arguments.lo, arguments.hi) = (fusion.lo, fusion.hi)
      let (units, onTiles) = divide(&arguments)
      let scratch = onTiles ? newTileScratch(for: &arguments) : nil
      zeros = max(zeros, run)
      request.layout = .panels(
        rows: geometry.kernel.height * geometry.kernel.width * run, columns: filters,
        firstColumn: group * filters)
      if let transposed {
        request.layout = .transposedPanels(
          taps: transposed.kernel.height * transposed.kernel.width, filters: transposed.filters, channels: run
        )
      }
      append(
        Step(
          layers: fusion.layers,
          algorithm: (taps == 1 ? "matrix product" : "indirect matrix product")
            + (onTiles ? " on tiles" : ""),
          multiplications: multiplications / groups, arguments: .convolution(arguments), units: units,
          inputs: [input], output: target, residual: residual, scratch: scratch,
          weights: request))
    }
  }

  /// Where pixels have few channels, a row of the window is one contiguous run of floats of a padded image.
  private mutating func mergedColumns(
    _ view: View, _ geometry: Geometry, _ groups: Int, _ output: Place, layers: [String]
  ) -> (View, Geometry, run: Int) {
    let channels = view.source.channels / groups
    guard channels <= 4, groups == 1, geometry.kernel.width > 1, geometry.dilation.width == 1 else {
      return (view, geometry, channels)
    }
    var (view, geometry) = (view, geometry)
    let height =
      (output.height - 1) * geometry.strides.height + (geometry.kernel.height - 1) * geometry.dilation.height
      + 1
    let width = (output.width - 1) * geometry.strides.width + geometry.kernel.width
    let isInside = view.edges == .none && height <= view.source.height && width <= view.source.width
    if !isInside || !view.source.isContiguous {
      let target = newPlace(height: height, width: width, channels: channels, contiguous: true)
      appendPadding(from: view.source, edges: view.edges, to: target, layers: layers)
      view = View(source: target)
    }
    let run = geometry.kernel.width * channels
    geometry.kernel.width = 1
    return (view, geometry, run)
  }

  /// Divides a matrix product into units: blocks of rows whose input stays in the second-level cache, or
  /// groups of panels. Returns the number of units, as many for each thread, and whether they run on matrix tiles.
  private func divide(_ arguments: inout zoo_convolution) -> (units: Int, onTiles: Bool) {
    let window = arguments.window
    let rows = Int(window.out_height) * Int(window.out_width)
    let taps = Int(window.kernel_height) * Int(window.kernel_width)
    let panels = Int(kernels.table.pointee.panels(arguments.columns))
    let inputs = taps * Int(arguments.run)
    let columns = Int(arguments.columns)
    let choice = costs.product(rows: rows, inputs: inputs, columns: columns, run: Int(arguments.run))
    let limit = rowBlock(taps: taps, inputs: inputs, columns: columns, onTiles: choice.onTiles)
    let block = blockLength(rows, limit: limit, shares: choice.division == .rows ? threads : 1)
    let groups = choice.division == .rows ? 1 : min(panels, threads)
    let group = (panels + groups - 1) / groups
    arguments.row_block = Int32(block)
    arguments.panel_group = Int32(group)
    return ((rows + block - 1) / block * ((panels + group - 1) / group), choice.onTiles)
  }
}

extension Planner {
  /// The length of blocks of at most `limit`, as even as can be, of which each of `shares` threads gets as many.
  func blockLength(_ count: Int, limit: Int, shares: Int) -> Int {
    let blocks = shares * ((count + shares * limit - 1) / (shares * limit))
    return (count + blocks - 1) / blocks
  }

  /// The rows of a matrix product that go by all of its weights together: few where the weights stay in the
  /// second-level cache anyway, so that the output is written pixel by pixel; else as many as that cache holds.
  /// On matrix tiles always as many, because weights are cut into parts for each block anew; a slice of 256 values
  /// of a row then takes 6 bytes for each.
  func rowBlock(taps: Int, inputs: Int, columns: Int, onTiles: Bool) -> Int {
    let rows: Int
    if onTiles {
      let bytes = 6 * min(inputs, 256) + (inputs > 256 ? 4 * columns : 0)
      rows = max(1024 * 1024 / bytes, 64)
    } else if 4 * inputs * columns <= 512 * 1024 {
      rows = 4 * kernels.mr
    } else {
      rows = max(512 * 1024 / (4 * inputs), 4 * kernels.mr)
    }
    return min(rows, Int(zoo_indirection_limit) / taps)
  }

  /// The memory in which a product on tiles holds its blocks.
  mutating func newTileScratch(for product: inout zoo_convolution) -> Place {
    product.slot_floats = kernels.tileScratch(
      rows: Int(product.row_block),
      inputs: Int(product.window.kernel_height * product.window.kernel_width * product.run),
      columns: Int(product.columns))
    return newScratch(floats: product.slot_floats)
  }
}

/// How a convolution's window moves.
struct Geometry {
  var kernel: Extent2D
  var strides: Extent2D
  var padding: Padding
  var dilation: Extent2D

  static let pointwise = Geometry(kernel: .one, strides: .one, padding: .valid, dilation: .one)

  func edges(height: Int, width: Int) -> Edges {
    padding.edges(height: height, width: width, window: kernel, strides: strides, dilation: dilation)
  }
}
