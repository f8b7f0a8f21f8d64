import CZooKernels

/// How a product is divided into units of work: blocks of rows, or of Winograd's tiles, by groups of panels of its
/// weights.
package struct WorkDivision {
  /// The length of a block.
  package let block: Int
  /// The panels of a group.
  package let group: Int
  package let units: Int

  /// - Parameters:
  ///   - count: how many rows or tiles there are.
  ///   - limit: the most of a block.
  ///   - division: what threads share.
  ///   - share: the least units of a thread's share, of which other threads do some where it falls behind. More than
  ///     one by rows only where a block's groups follow each other, so that it costs nothing. With one, panels are not
  ///     divided by rows.
  package init(
    _ count: Int, limit: Int, panels: Int, by division: CostModel.Division, threads: Int, share: Int = 1
  ) {
    let block = Self.blockLength(count, limit: limit, shares: division == .rows ? threads : 1)
    let blocks = (count + block - 1) / block
    let shared = division == .rows ? blocks : 1
    let groups = threads > 1 ? min(panels, (threads * share + shared - 1) / shared) : 1
    self.init(count, block: block, panels: panels, group: (panels + groups - 1) / groups)
    guard division == .columns, share > 1 else { return }
    // Panels that threads can't share evenly are divided by rows, too: a panel's blocks follow each other.
    for blocks in blocks..<blocks + threads {
      let finer = Self(count, block: (count + blocks - 1) / blocks, panels: panels, group: 1)
      if 32 * finer.cost(threads: threads) < 31 * cost(threads: threads) { self = finer }
    }
  }

  private init(_ count: Int, block: Int, panels: Int, group: Int) {
    (self.block, self.group) = (block, group)
    units = (count + block - 1) / block * ((panels + group - 1) / group)
  }

  /// Rows times panels of the thread with most to do; the beginning and the end of a block count as one more row.
  private func cost(threads: Int) -> Int { (units + threads - 1) / threads * group * (block + 1) }

  /// The length of blocks of at most `limit`, as even as can be, of which each of `shares` threads gets as many.
  static func blockLength(_ count: Int, limit: Int, shares: Int) -> Int {
    let blocks = shares * ((count + shares * limit - 1) / (shares * limit))
    return (count + blocks - 1) / blocks
  }
}

extension Kernels {
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
      rows = 4 * mr
    } else {
      rows = max(512 * 1024 / (4 * inputs), 4 * mr)
    }
    return min(rows, Int(zoo_indirection_limit) / taps)
  }
}

extension zoo_convolution {
  /// Divides the product, whose window, run and columns are set. Returns the number of units.
  mutating func divide(by division: CostModel.Division, onTiles: Bool, threads: Int, kernels: Kernels) -> Int
  {
    let taps = Int(window.kernel_height) * Int(window.kernel_width)
    let work = WorkDivision(
      Int(window.out_height) * Int(window.out_width),
      limit: kernels.rowBlock(taps: taps, inputs: taps * Int(run), columns: Int(columns), onTiles: onTiles),
      panels: Int(kernels.table.pointee.panels(columns)), by: division, threads: threads,
      // On tiles, each unit cuts its rows into parts.
      share: onTiles ? 1 : 4)
    (row_block, panel_group) = (Int32(work.block), Int32(work.group))
    by_rows = division == .rows ? 1 : 0
    return work.units
  }
}

extension zoo_integer_winograd {
  /// Divides the tiles of the product, whose channels and columns are set. Returns the number of units.
  mutating func divide(_ tiling: IntegerTiling, threads: Int) -> Int {
    let work = WorkDivision(
      tiling.tiles, limit: IntegerTiling.block, panels: Int(zoo_integer_panels(product.columns)),
      by: tiling.division, threads: threads)
    (product.row_block, product.panel_group) = (Int32(work.block), Int32(work.group))
    slot_bytes = (Int(zoo_winograd_slot(product.row_block, product.panel_group)) + 63) / 64 * 64
    return work.units
  }
}

extension zoo_winograd {
  /// Sets the channels and the columns, and divides the tiles. Returns the number of units.
  mutating func divide(
    _ tiling: WinogradTiling, channels: Int, columns: Int, threads: Int, kernels: Kernels
  ) -> Int {
    let work = WorkDivision(
      tiling.tiles, limit: tiling.limit, panels: Int(kernels.table.pointee.panels(Int32(columns))),
      by: tiling.choice.division, threads: threads)
    (self.channels, self.columns) = (Int32(channels), Int32(columns))
    outputs = Int32(tiling.outputs)
    (wg_tile_block, panel_group) = (Int32(work.block), Int32(work.group))
    panels_at_once = Int32(tiling.panelsAtOnce)
    slot_floats = tiling.slot(tiles: work.block, channels: channels, kernels)
    return work.units
  }
}
