import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

extension Planner {
  mutating func planDepthwise(
    _ index: Int, multiplier: Int, activation: Activation, role: WeightRole, _ geometry: Geometry
  ) throws(ZooError) {
    let node = graph.nodes[index]
    let source = node.inputs[0].index
    let view = try foldedView(of: source, by: geometry, rectified: true)
    let fusion = fuse(after: index, rules: .normsAndClamp, activation: activation)
    let inner = FusedDepthwise(
      view: view, geometry: geometry, multiplier: multiplier, fusion: fusion, kernel: slot(role, of: node),
      bias: slot(.bias, of: node), shape: node.shape.image, macs: graph.macs(of: node))
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
    guard !pinned.contains(value), readers[value].count == 1, program?.layers[readers[value][0]] == nil,
      case .convolution(let c) = graph.nodes[readers[value][0]].operation,
      c.kernel == .one, c.strides == .one, c.groups == 1
    else { return nil }
    return readers[value][0]
  }

  mutating func appendDepthwise(_ inner: FusedDepthwise, output: Place) {
    append(
      Step(
        layers: inner.fusion.layers, algorithm: "depthwise", macs: inner.macs,
        arguments: .depthwise(depthwiseArguments(inner, output: output)), units: output.height,
        inputs: [inner.view.source], output: output, weights: inner.weights))
  }

  mutating func depthwiseArguments(_ inner: FusedDepthwise, output: Place) -> zoo_depthwise {
    var arguments = zoo_depthwise()
    arguments.window.setExtents(from: inner.view.source, to: output)
    arguments.window.setWindow(
      inner.geometry.kernel, strides: inner.geometry.strides, dilation: inner.geometry.dilation,
      edges: inner.view.edges)
    arguments.channels = Int32(inner.view.source.channels)
    arguments.multiplier = Int32(inner.multiplier)
    arguments.weight_stride = Int32(inner.stride)
    arguments.in_lo = inner.view.rectified ? 0 : -.infinity
    (arguments.lo, arguments.hi) = (inner.fusion.lo, inner.fusion.hi)
    memory.needZeros(inner.view.source.channels + 16)
    return arguments
  }
}
