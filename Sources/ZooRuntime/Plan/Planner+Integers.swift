import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Layers that are computed on codes of 8 bits, as an `IntegerProgram` says.

extension Planner {
  mutating func planInteger(_ layer: IntegerLayer) throws(ZooError) {
    switch layer.kind {
    case .product: try planProduct(layer)
    case .depthwise(let role): try planDepthwise(layer, role)
    case .maxPooling(let pooling): try planPooling(layer, pooling, average: false)
    case .averagePooling(let pooling): try planPooling(layer, pooling, average: true)
    case .mean: try planMean(layer)
    case .sum, .rescaling: try planSum(layer)
    case .concatenation: try planJoin(layer)
    case .padding(let edges):
      var view = try codedView(of: layer.source)
      view.edges = view.edges + edges
      values.coded[layer.result] = CodedValue(codes: view)
    case .copy: try planCopy(layer)
    }
    if layer.kind == .concatenation {
      for part in layer.parts { didRead(part) }
    } else {
      didRead(layer.source)
    }
    if let other = layer.other { didRead(other) }
    if layer.code != nil, pinned.contains(layer.result) { _ = try place(of: layer.result) }
  }

  /// Where a layer writes its codes, floats or only wide codes; and beside codes wide ones.
  mutating func outputs(
    of layer: IntegerLayer
  ) throws(ZooError) -> (output: Place, wide: Place?, writes: Int32) {
    let (height, width, channels) = graph.nodes[layer.result].shape.image
    guard layer.code != nil else {
      let place = outputPlace(for: layer.result)
      bind(layer.result, to: .place(place))
      return (place, nil, Int32(zoo_write_floats))
    }
    var writes: Int32 = 0
    var coded = CodedValue()
    if layer.writesCodes {
      writes |= Int32(zoo_write_codes)
      let slice = try joinedSlice(for: layer.result)
      coded.codes = View(source: slice ?? newCodes(height: height, width: width, channels: channels))
    }
    if layer.writesWide {
      writes |= Int32(zoo_write_wide)
      coded.wide = newCodes(height: height, width: width, channels: channels, bytes: 2)
    }
    values.coded[layer.result] = coded
    let wide = coded.wide
    if let codes = coded.codes?.source { return (codes, wide, writes) }
    return (wide ?? newCodes(height: height, width: width, channels: channels), nil, writes)
  }

  /// Says that a layer's floats, if it writes any, are there.
  mutating func finish(_ layer: IntegerLayer, in output: Place) {
    guard layer.code == nil else { return }
    let node = graph.nodes[layer.node]
    if let activation = node.operation.endActivation, activation.bounds == nil {
      appendActivation(activation, from: output, to: output, layers: layer.layers)
    }
    didProduce(layer.result)
  }

  /// The other term of a sum.
  mutating func otherTerm(of layer: IntegerLayer) throws(ZooError) -> Place? {
    guard let other = layer.other else { return nil }
    return try term(other, isWide: layer.otherIsWide)
  }

  mutating func term(_ value: Int, isWide: Bool) throws(ZooError) -> Place {
    if isWide, let wide = values.coded[value]?.wide { return wide }
    return try codedPlace(of: value)
  }

  func request(
    _ form: IntegerRequest.Form, _ layer: IntegerLayer, kernel: WeightRole? = nil, zeros: Int
  ) throws(ZooError) -> WeightRequest {
    guard let integers else {
      throw ZooError(.cannotRun, what: "cannot plan", at: self.layer(layer.node), "there is no integer form")
    }
    let node = graph.nodes[layer.node]
    let zero = layer.sourceCode
    return WeightRequest(
      IntegerRequest(
        form: form, integers: integers, layer: layer, kernel: kernel.flatMap { slot($0, of: node) },
        bias: kernel == nil ? nil : slot(.bias, of: node),
        channels: graph.nodes[layer.result].shape.image.channels,
        zeros: zero.zeros(zeros)))
  }

  // MARK: Products

  private mutating func planProduct(_ layer: IntegerLayer) throws(ZooError) {
    let node = graph.nodes[layer.node]
    var geometry = Geometry.pointwise
    var groups = 1
    var view: View
    if case .convolution(let c) = node.operation {
      (geometry, groups) = (Geometry(c), c.groups)
      view = try codedView(of: layer.source)
      let (height, width, _) = graph.nodes[layer.source].shape.image
      view.edges = view.edges + geometry.edges(height: height, width: width)
    } else {
      view = View(source: try codedPlace(of: layer.source))
    }
    let residual = try otherTerm(of: layer)
    var run = view.source.channels / groups
    let shape = graph.nodes[layer.result].shape.image
    if run <= 8, groups == 1, geometry.kernel.width > 1, geometry.dilation.width == 1 {
      // Where pixels have few channels, a row of the window is one contiguous run of a padded image.
      let height =
        (shape.height - 1) * geometry.strides.height + (geometry.kernel.height - 1) * geometry.dilation.height
        + 1
      let width = (shape.width - 1) * geometry.strides.width + geometry.kernel.width
      let isInside = view.edges == .none && height <= view.source.height && width <= view.source.width
      if !isInside || !view.source.isContiguous {
        let target = newCodes(height: height, width: width, channels: run, contiguous: true)
        appendPadding(from: view, to: target, code: layer.sourceCode, layers: layer.layers)
        view = View(source: target)
      }
      run *= geometry.kernel.width
      geometry.kernel.width = 1
    }
    let outputs = try outputs(of: layer)
    let tiling = integerTiling(
      geometry, groups: groups, channels: run, height: shape.height, width: shape.width,
      columns: shape.channels)
    for group in 0..<groups {
      try appendProduct(
        layer, view, geometry, group: group, of: groups, run: run, outputs: outputs, residual: residual,
        tiling: tiling)
    }
    finish(layer, in: outputs.output)
  }

  private mutating func appendProduct(
    _ layer: IntegerLayer, _ view: View, _ geometry: Geometry, group: Int, of groups: Int, run: Int,
    outputs: (output: Place, wide: Place?, writes: Int32), residual: Place?, tiling: IntegerTiling?
  ) throws(ZooError) {
    var (input, output, wide, residual) = (view.source, outputs.output, outputs.wide, residual)
    let columns = output.channels / groups
    input.channels /= groups
    input.offset += group * input.channels
    output.channels = columns
    output.offset += group * columns
    wide?.offset += group * columns
    residual?.offset += group * columns
    var a = zoo_integer_product()
    a.window.setExtents(from: input, to: output)
    a.window.setWindow(
      geometry.kernel, strides: geometry.strides, dilation: geometry.dilation, edges: view.edges)
    (a.run, a.columns, a.writes) = (Int32(run), Int32(columns), outputs.writes)
    a.wide_pixel = outputs.writes == Int32(zoo_write_wide) ? output.pixel : wide?.pixel ?? 0
    a.residual_pixel = residual?.pixel ?? 0
    a.residual_factor = layer.otherFactor
    a.residual_is_wide = layer.otherIsWide ? 1 : 0
    (a.lo, a.hi) = (layer.lo, layer.hi)
    let taps = geometry.kernel.height * geometry.kernel.width
    var step = Step(
      layers: layer.layers,
      algorithm: "8-bit " + (taps == 1 ? "matrix product" : "indirect matrix product"),
      macs: graph.macs(of: graph.nodes[layer.node]) / groups, arguments: .integerProduct(a), units: 0,
      inputs: [input], output: output, residual: residual, wide: wide)
    if let tiling {
      var arguments = zoo_integer_winograd()
      arguments.product = a
      step.units = arguments.divide(tiling, threads: threads)
      step.scratch = scratch(floats: arguments.slot_bytes / MemoryLayout<Float>.size)
      step.algorithm = "8-bit Winograd 4x4"
      step.arguments = .integerWinograd(arguments)
    } else {
      step.units = a.divide(costs: costs, threads: threads)
      step.arguments = .integerProduct(a)
    }
    step.weights = try request(
      .panels(taps: taps, run: run, columns: columns, firstColumn: group * columns), layer, kernel: .kernel,
      zeros: run + 3)
    append(step)
  }

  private mutating func planDepthwise(_ layer: IntegerLayer, _ role: WeightRole) throws(ZooError) {
    let geometry: Geometry
    switch graph.nodes[layer.node].operation {
    case .convolution(let c): geometry = Geometry(c)
    case .depthwiseConvolution(let c): geometry = Geometry(c)
    default: return
    }
    var view = try codedView(of: layer.source)
    let (height, width, channels) = graph.nodes[layer.source].shape.image
    view.edges = view.edges + geometry.edges(height: height, width: width)
    let outputs = try outputs(of: layer)
    var a = zoo_integer_depthwise()
    a.window.setExtents(from: view.source, to: outputs.output)
    a.window.setWindow(
      geometry.kernel, strides: geometry.strides, dilation: geometry.dilation, edges: view.edges)
    a.channels = Int32(channels)
    let isPlain = !geometry.isUsual
    a.is_plain = isPlain ? 1 : 0
    append(
      Step(
        layers: layer.layers, algorithm: "8-bit depthwise", macs: graph.macs(of: graph.nodes[layer.node]),
        arguments: .integerDepthwise(a), units: outputs.output.height, inputs: [view.source],
        output: outputs.output,
        weights: try request(
          .depthwise(window: geometry.kernel, isPlain: isPlain), layer, kernel: role, zeros: channels)))
    finish(layer, in: outputs.output)
  }
}

extension Geometry {
  /// Whether the kernel for depthwise convolutions has loops for it.
  fileprivate var isUsual: Bool {
    kernel.height == kernel.width && [3, 5, 7].contains(kernel.width) && dilation == .one
      && strides.height == strides.width && strides.width <= 2
  }
}

extension zoo_integer_product {
  /// Divides the product, whose window, run and columns are set. Returns the number of units.
  mutating func divide(costs: CostModel, threads: Int) -> Int {
    let taps = Int(window.kernel_height) * Int(window.kernel_width)
    let (rows, inputs) = (Int(window.out_height) * Int(window.out_width), taps * Int(run))
    let columns = Int(self.columns)
    let division = costs.integerProduct(rows: rows, inputs: inputs, columns: columns)
    let few = 4 * 14
    let limit = inputs * columns <= 512 * 1024 ? few : max(512 * 1024 / inputs, few)
    let work = WorkDivision(
      rows, limit: min(limit, Int(zoo_indirection_limit) / taps),
      panels: Int(zoo_integer_panels(self.columns)), by: division, threads: threads, share: 4)
    (row_block, panel_group) = (Int32(work.block), Int32(work.group))
    by_rows = division == .rows ? 1 : 0
    return work.units
  }
}

extension CostModel {
  /// How a product on codes of 8 bits is divided: as one on floats, four times as many at a time and a byte each.
  func integerProduct(rows: Int, inputs: Int, columns: Int) -> Division {
    guard threads > 1 else { return .rows }
    let weights = inputs * columns * CostModel.perWeightByte
    let share = rows * inputs * ((columns + 15) / 16 * 16) / 4 / threads
    let remote = rows * inputs * (threads - 1) / threads * CostModel.perRemoteByte
    let byColumns = max(share, weights / threads) + remote
    let byRows = max(share, shared(weights))
    return rows < threads * 7 || byColumns < byRows ? .columns : .rows
  }
}
