import CZooKernels
import ZooGraph
import ZooTensor

/// A depthwise convolution with what is fused to it.
struct FusedDepthwise {
  var view: View
  var geometry: Geometry
  var multiplier: Int
  var fusion: Fusion
  var kernel: WeightSlot?
  var bias: WeightSlot?
  /// Of its output.
  var shape: (height: Int, width: Int, channels: Int)
  var multiplications: Int

  var stride: Int { Place.wholeLines(shape.channels) }

  var weights: WeightRequest {
    WeightRequest(
      layout: .depthwise(
        taps: geometry.kernel.height * geometry.kernel.width, channels: shape.channels, stride: stride),
      kernel: kernel, bias: bias, channels: shape.channels, norms: fusion.norms)
  }
}

// Depthwise convolutions, alone or in one step with the 1x1 convolution that follows.

extension Planner {
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
    zeros = max(zeros, inner.view.source.channels + 16)
    return arguments
  }

  /// Whether the 1x1 convolution after `inner` is computed in the same step: not where its weights are so large
  /// that each thread should read a part of them only.
  func fusesPointwise(_ inner: FusedDepthwise, filters: Int) -> Bool {
    pointwiseCosts(inner, filters: filters).division == .rows
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
    let rowLimit = rowBlock(taps: 1, inputs: channels, columns: output.channels, onTiles: onTiles)
    // The block that lies between the convolutions leaves room for weights in the second-level cache.
    let cached = max(256 * 1024 / (4 * channels), 2 * kernels.mr)
    let limit = onTiles ? max(cached, min(rowLimit, 512 * 1024 / (4 * channels))) : cached
    let block = blockLength(pixels, limit: limit, shares: threads)
    let rows = min(height, (block - 1) / width + 2)

    var arguments = zoo_separable()
    arguments.pixel_block = Int32(block)
    // A kernel's vector may reach past the last value.
    arguments.slot_floats = Place.wholeLines(rows * width * pixel + 16)
    let scratch = newScratch(floats: arguments.slot_floats)
    var between = scratch
    (between.height, between.width, between.channels, between.pixel) = (height, width, channels, pixel)
    arguments.depthwise = depthwiseArguments(inner, output: between)
    if inner.multiplier == 1, channels >= 8, buffers[inner.view.source.buffer].input == nil {
      // Whole vectors: behind the last channel something lies in every buffer, and what becomes of it goes to
      // the gap behind the channels of a pixel, which nothing reads.
      arguments.depthwise.channels = Int32(inner.stride)
    }
    arguments.product.window.setExtents(from: between, to: output)
    arguments.product.run = Int32(channels)
    arguments.product.columns = Int32(output.channels)
    arguments.product.row_block = Int32(min(block, rowLimit))
    let productScratch = onTiles ? newTileScratch(for: &arguments.product) : nil
    arguments.product.panel_group = kernels.table.pointee.panels(Int32(output.channels))
    arguments.product.residual_pixel = fusion.residual?.pixel ?? 0
    (arguments.product.lo, arguments.product.hi) = (fusion.lo, fusion.hi)
    append(
      Step(
        layers: fusion.layers, algorithm: "depthwise + matrix product" + (onTiles ? " on tiles" : ""),
        multiplications: inner.multiplications + pixels * channels * output.channels,
        arguments: .separable(arguments), units: (pixels + block - 1) / block, inputs: [inner.view.source],
        output: output, residual: fusion.residual, scratch: scratch, productScratch: productScratch,
        weights: inner.weights,
        pointwiseWeights: WeightRequest(
          layout: .panels(rows: channels, columns: output.channels, firstColumn: 0),
          kernel: slot(kernel, of: node), bias: slot(.bias, of: node), channels: output.channels,
          norms: fusion.norms)))
    finish(fusion, activation: activation, in: output)
  }
}
