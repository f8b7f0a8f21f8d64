import CZooKernels
import ZooGraph
import ZooTensor

extension Planner {
  /// Whether Winograd's algorithm serves a convolution better than the direct product: enough channels
  /// to pay for the transforms, enough whole 4x4 tiles to fill the register tiles.
  func prefersWinograd(_ geometry: Geometry, groups: Int, input: Place, output: Place) -> Bool {
    guard geometry.kernel == Extent2D(3), geometry.strides == .one, geometry.dilation == .one, groups == 1,
      input.channels >= 32, output.channels >= 32
    else { return false }
    let tiles = winogradTiles(output)
    return tiles >= 12 && output.pixels * 10 >= tiles * 16 * 7
  }

  private func winogradTiles(_ output: Place) -> Int { (output.height + 3) / 4 * ((output.width + 3) / 4) }

  mutating func appendWinograd(
    view: View, fusion: Fusion, output: Place, multiplications: Int, weights request: WeightRequest
  ) {
    let channels = view.source.channels
    let tiles = winogradTiles(output)
    let panels = Int(kernels.table.pointee.panels(Int32(output.channels)))
    // The transformed tiles of a block stay in the second-level cache, and fill whole register tiles.
    let floats = 36 * (channels + 16)
    let limit = min(max(2 * 1024 * 1024 / (4 * floats), kernels.tileRows), 2 * kernels.tileRows)
    let division =
      threads == 1
      ? .rows
      : CostModel.winogradDivision(
        tiles: tiles, block: limit, channels: channels, columns: output.channels, threads: threads)
    let shares = division == .rows ? threads : 1
    let blocksPerShare = (tiles + shares * limit - 1) / (shares * limit)
    let block = (tiles + shares * blocksPerShare - 1) / (shares * blocksPerShare)
    let groups = division == .rows ? 1 : min(panels, threads)
    let group = (panels + groups - 1) / groups

    var arguments = zoo_winograd()
    arguments.window.setExtents(from: view.source, to: output)
    arguments.window.setWindow(Extent2D(3), strides: .one, dilation: .one, edges: view.edges)
    arguments.residual_pixel = fusion.residual?.pixel ?? 0
    arguments.channels = Int32(channels)
    arguments.columns = Int32(output.channels)
    arguments.tile_block = Int32(block)
    arguments.panel_group = Int32(group)
    arguments.slot_floats = 36 * block * (channels + 16 + 3 * kernels.vector)
    (arguments.lo, arguments.hi) = (fusion.lo, fusion.hi)
    zeros = max(zeros, channels + 16)

    let scratch = newScratch(floats: arguments.slot_floats)
    let units = (tiles + block - 1) / block * ((panels + group - 1) / group)
    var request = request
    request.layout = .winograd(channels: channels, columns: output.channels)
    append(
      Step(
        layers: fusion.layers, algorithm: "Winograd 4x4", multiplications: multiplications,
        arguments: .winograd(arguments), units: units, inputs: [view.source],
        output: output, residual: fusion.residual, scratch: scratch, weights: request))
  }
}
