import CZooKernels

// How the kernels of products are called for several images.

extension zoo_convolution {
  /// Divides the product into units: blocks of rows, or groups of panels where there are few rows. Returns the
  /// number of units.
  mutating func divide(_ run: TrainingRun) -> Int {
    let rows = Int(window.out_height) * Int(window.out_width)
    return divide(
      by: rows >= run.threads * run.kernels.mr ? .rows : .columns, onTiles: false, threads: run.threads,
      kernels: run.kernels)
  }

  /// Runs one product for all images where they are one, else one for each.
  func runImages(_ run: TrainingRun, from input: TrainingPlace, to output: TrainingPlace) {
    var product = self
    let isPointwise = window.isPointwise
    if isPointwise {
      product.window.in_height *= Int32(run.count)
      product.window.out_height *= Int32(run.count)
    }
    let units = product.divide(run)
    for _ in 0..<(isPointwise ? 1 : run.count) {
      run.call(.convolution, product, units: units)
      product.input += input.floats
      product.output += output.floats
      product.residual = product.residual.map { $0 + output.floats }
      product.mask.values = product.mask.values.map { $0 + output.floats }
    }
  }
}

extension zoo_weight_gradient {
  /// Tiles whose packed input stays in the second-level cache.
  static let tileGroup = 48

  /// Divides the gradient into units and takes the scratch memory that they need. Returns the number of units.
  mutating func divide(_ run: TrainingRun) -> Int {
    let table = run.kernels.table
    let tiles = Int(table.pointee.gradient_tiles(&window, channels))
    let panels = Int(table.pointee.gradient_panels(columns))
    let group = min(
      tiles, panels >= run.threads ? zoo_weight_gradient.tileGroup : (tiles + run.threads - 1) / run.threads)
    let size = min(group, zoo_weight_gradient.tileGroup)
    tile_group = Int32(size)
    slot_floats = Int(table.pointee.gradient_scratch(Int32(size)))
    scratch = run.scratch
    return panels * ((tiles + size - 1) / size)
  }
}

extension zoo_scatter {
  /// From (taps, channels) for each pixel of a convolution's output to its input `place`, by its window.
  static func back(through window: zoo_window, columns: Int, to place: TrainingPlace) -> zoo_scatter {
    var scatter = zoo_scatter()
    scatter.window = window
    (scatter.window.in_height, scatter.window.out_height) = (window.out_height, window.in_height)
    (scatter.window.in_width, scatter.window.out_width) = (window.out_width, window.in_width)
    scatter.window.in_pixel = columns
    scatter.window.in_row = Int(window.out_width) * columns
    scatter.window.out_pixel = place.channels
    return scatter
  }
}
