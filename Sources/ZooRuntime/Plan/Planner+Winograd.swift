import CZooKernels
import ZooGraph
import ZooTensor

extension Planner {
  /// The best tiling, where Winograd's algorithm serves a convolution better than the direct product.
  ///
  /// - Parameter images: whose tiles go by the weights together.
  func winogradTiling(
    _ geometry: Geometry, groups: Int, channels: Int, height: Int, width: Int, columns: Int, images: Int = 1
  ) -> WinogradTiling? {
    guard geometry.kernel == Extent2D(3), geometry.strides == .one, geometry.dilation == .one, groups == 1,
      channels >= 16, columns >= 16
    else { return nil }
    // By what they take on one thread, so that the choice, and with it the result, doesn't depend on threads.
    let single = costs(threads: 1)
    let tilings = [4, 2].map { outputs in
      let tiles = images * ((height + outputs - 1) / outputs) * ((width + outputs - 1) / outputs)
      let points = (outputs + 2) * (outputs + 2)
      // The transformed tiles of a block stay in the second-level cache, here taken as 2 MiB, and fill whole
      // register blocks. Where those of two register blocks don't fit, four spare half of the passes over the
      // weights.
      let cache = 2 * 1024 * 1024
      let bytes = 4 * points * (channels + 16)
      let rows = kernels.mr
      let limit =
        outputs == 2
        ? min(max(cache / 2 / bytes, rows), 4 * rows) : 2 * rows * bytes < cache ? 2 * rows : 4 * rows
      // Many tiles go by four panels for each time that they are read.
      let panelsAtOnce = limit * bytes > cache / 2 ? 4 : 1
      func choice(_ costs: CostModel) -> CostModel.Choice {
        costs.winograd(
          outputs: outputs, tiles: tiles, block: limit, channels: channels, columns: columns)
      }
      let tiling = WinogradTiling(
        outputs: outputs, tiles: tiles, limit: limit, panelsAtOnce: panelsAtOnce, choice: choice(costs))
      return (tiling, cost: choice(single).cost)
    }
    let direct = single.product(
      rows: height * width, inputs: 9 * channels, columns: columns, run: channels)
    guard let best = tilings.min(by: { $0.cost < $1.cost }), best.cost < images * direct.cost else {
      return nil
    }
    return best.0
  }

  /// The same for a convolution on codes of 8 bits, where an instruction set has it. The result is that of the direct
  /// product, whatever threads there are.
  func integerTiling(
    _ geometry: Geometry, groups: Int, channels: Int, height: Int, width: Int, columns: Int
  ) -> IntegerTiling? {
    guard kernels.table.pointee.integer_winograd != nil, geometry.kernel == Extent2D(3),
      geometry.strides == .one, geometry.dilation == .one, groups == 1, channels >= 16, columns >= 16
    else { return nil }
    let tiles = ((height + 3) / 4) * ((width + 3) / 4)
    let choice = costs.integerWinograd(
      tiles: tiles, block: IntegerTiling.block, channels: channels, columns: columns)
    guard choice.cost < height * width * 9 * channels * columns / threads else { return nil }
    return IntegerTiling(tiles: tiles, division: choice.division)
  }

  /// Lets the step take in a max pool of each 2x2 pixels that alone reads the result; whether there is one.
  mutating func fusePool(into fusion: inout Fusion) -> Bool {
    guard fusion.residual == nil, !fusion.isRectified, !pinned.contains(fusion.result),
      readers[fusion.result].count == 1, program?.layers[readers[fusion.result][0]] == nil,
      case .maxPooling(let pooling) = graph.nodes[readers[fusion.result][0]].operation,
      pooling.window == Extent2D(2), pooling.strides == Extent2D(2)
    else { return false }
    let (height, width, _) = graph.nodes[fusion.result].shape.image
    let edges = pooling.padding.edges(
      height: height, width: width, window: pooling.window, strides: pooling.strides, dilation: .one)
    guard edges == .none else { return false }
    let pool = readers[fusion.result][0]
    fusion.layers.append(graph.nodes[pool].name)
    fusion.result = pool
    swallowed.insert(pool)
    return true
  }

  /// - Parameters:
  ///   - height: of the convolution's own output; where it is pooled, the product's is half as high.
  ///   - width: as `height`.
  mutating func appendWinograd(
    _ tiling: WinogradTiling, _ product: FusedProduct, height: Int, width: Int, isPooled: Bool
  ) {
    let (view, fusion, output) = (product.view, product.fusion, product.output)
    let channels = view.source.channels
    var arguments = zoo_winograd()
    arguments.window.setExtents(from: view.source, to: output)
    arguments.window.out_height = Int32(height)
    arguments.window.out_width = Int32(width)
    arguments.window.setWindow(Extent2D(3), strides: .one, dilation: .one, edges: view.edges)
    arguments.residual_pixel = fusion.residual?.pixel ?? 0
    arguments.pooled = isPooled ? 1 : 0
    let units = arguments.divide(
      tiling, channels: channels, columns: output.channels, threads: threads, kernels: kernels)
    (arguments.lo, arguments.hi) = (fusion.lo, fusion.hi)
    memory.needZeros(channels + 16)

    let scratch = scratch(floats: arguments.slot_floats)
    let name = "Winograd \(tiling.outputs)x\(tiling.outputs)" + (isPooled ? " + max pool" : "")
    append(
      Step(
        layers: fusion.layers, algorithm: name, macs: product.macs,
        arguments: .winograd(arguments), units: units, inputs: [view.source], output: output,
        residual: fusion.residual, scratch: scratch,
        weights: product.weights(
          .winograd(outputs: tiling.outputs, channels: channels, columns: output.channels))))
  }
}
