import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

extension Planner {
  /// A matrix product from each pixel to all that it adds to the output, and the sums of that.
  mutating func planTransposed(_ index: Int, _ c: TransposedConvolution) throws(ZooError) {
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
    try append(
      FusedProduct(
        view: View(source: input), fusion: Fusion(result: index, layers: [node.name], norms: fusion.norms),
        output: parts, kernel: slot(.kernel, of: node), transposed: c,
        macs: graph.macs(of: node)),
      of: index)
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
        layers: fusion.layers, algorithm: "transposed sums", macs: 0,
        arguments: .scatter(arguments), units: output.height, inputs: [parts],
        output: output,
        weights: WeightRequest(
          layout: .bias(channels: c.filters), bias: slot(.bias, of: node), channels: c.filters,
          norms: fusion.norms)))
    finish(fusion, activation: c.activation, in: output)
  }
}
