import CZooKernels
import ZooGraph

/// What a step takes, in the time of one multiplication and addition of a core at its peak: enough to choose
/// between algorithms and between ways to divide a step among threads.
///
/// A thread computes while it waits for memory, so that a step takes the longer of the two. The constants are
/// ratios between what a core does, which differ less from one processor to another than times would;
/// `zoo bench --layers` prints what a step really took.
package struct CostModel {
  /// Multiplications in the time that a core waits for a byte of weights: it has few cache lines on their way at a
  /// time, whatever the memory could deliver.
  static let perWeightByte = 6
  /// Multiplications in the time of a byte that another core wrote last.
  static let perRemoteByte = 8
  /// Multiplications in the time that transforming one value of a tile takes.
  static let perTransformedValue = 16
  /// Multiplications of codes in the time of one value of a transformed weight.
  static let perTransformedWeight = 4
  /// Multiplications in the time that cutting a value into parts for matrix tiles takes.
  static let perCutValue = 8

  var threads: Int
  /// Rows of the usual register block (MR).
  let mr: Int
  /// Whether products can run on matrix tiles, too.
  let hasTiles: Bool

  /// How a product is divided among threads: by rows of the output every thread reads all weights, by columns
  /// every thread reads what all others wrote before.
  package enum Division {
    case rows
    case columns
  }

  typealias Choice = (cost: Int, division: Division, onTiles: Bool)

  /// A product of `rows` x `inputs` by `inputs` x `columns`; a row's inputs lie in runs of `run` floats.
  func product(rows: Int, inputs: Int, columns: Int, run: Int) -> Choice {
    usesTiles(rows: rows, inputs: inputs, columns: columns, run: run)
      ? tileProduct(rows: rows, inputs: inputs, columns: columns)
      : vectorProduct(rows: rows, inputs: inputs, columns: columns)
  }

  /// Whether a product runs on matrix tiles: by what it takes on one thread, so that the choice, and with it the
  /// result, doesn't depend on threads.
  private func usesTiles(rows: Int, inputs: Int, columns: Int, run: Int) -> Bool {
    // Short runs take longer to gather than to multiply.
    guard hasTiles, run == inputs || run % 16 == 0 else { return false }
    var single = self
    single.threads = 1
    // Threads each cut what they need, so that little gained by one is lost by two.
    return 20 * single.tileProduct(rows: rows, inputs: inputs, columns: columns).cost
      < 17 * single.vectorProduct(rows: rows, inputs: inputs, columns: columns).cost
  }

  /// The time of `weights` that all threads read: each waits a quarter longer than if it alone read them.
  func shared(_ weights: Int) -> Int { threads > 1 ? weights * 5 / 4 : weights }

  /// The time of a thread that multiplies for `share` while `weights` are on their way. Where several threads wait
  /// for memory, half of the wait is added to what they compute.
  private func time(_ share: Int, weights: Int) -> Int {
    max(share, weights) + (threads > 1 ? weights / 2 : 0)
  }

  private func vectorProduct(rows: Int, inputs: Int, columns: Int) -> Choice {
    let weights = 4 * inputs * columns * CostModel.perWeightByte
    let share = rows * inputs * ((columns + 15) / 16 * 16) / threads
    let remote = 4 * rows * inputs * (threads - 1) / threads * CostModel.perRemoteByte
    let byColumns = time(share, weights: weights / threads) + remote
    let byRows = time(share, weights: shared(weights))
    if threads > 1, rows < threads * mr / 2 || byColumns < byRows {
      return (byColumns, .columns, false)
    }
    return (byRows, .rows, false)
  }

  /// On tiles of 16 columns and sums of 32 values, in 9/16 of the time: a tile multiplies 16 times as many values in
  /// a cycle as vectors do, six products of parts are needed (amx_product.h), and what is done beside them takes half
  /// as much again. By columns every thread cuts all rows into parts, by rows all weights.
  private func tileProduct(rows: Int, inputs: Int, columns: Int) -> Choice {
    let weights = 4 * inputs * columns * CostModel.perWeightByte
    let whole = rows * ((inputs + 31) / 32 * 32) * ((columns + 15) / 16 * 16) * 9 / 16
    let share = (whole + rows * columns * CostModel.perCutValue) / threads
    // What is cut beside the product takes less than what is cut before it: rows where there are few weights,
    // weights where there are many. Few weights are cut by each thread.
    let hasFewWeights = inputs <= zoo_tile_few_inputs && inputs * columns <= zoo_tile_few_weights
    let cutRows = (hasFewWeights ? 1 : 3) * rows * inputs * CostModel.perCutValue
    let cutWeights = (hasFewWeights ? 2 : 1) * inputs * columns * CostModel.perCutValue
    let remote = 4 * rows * inputs * (threads - 1) / threads * CostModel.perRemoteByte
    let byColumns = max(share + cutWeights / threads, weights / threads) + cutRows + remote
    let byRows = max(share + cutWeights, weights) + cutRows / threads
    return byColumns < byRows ? (byColumns, .columns, true) : (byRows, .rows, true)
  }

  /// Winograd's algorithm on tiles of `outputs` x `outputs` pixels, in blocks of at most `block` tiles that go by
  /// all weights together; by columns every thread transforms all tiles.
  func winograd(outputs: Int, tiles: Int, block: Int, channels: Int, columns: Int) -> Choice {
    let points = (outputs + 2) * (outputs + 2)
    func blocks(_ tiles: Int) -> Int { (tiles + block - 1) / block }
    let weights = 4 * points * channels * columns * CostModel.perWeightByte
    let share = points * tiles * channels * columns / threads
    let back = points * tiles * columns / threads * CostModel.perTransformedValue
    let there = points * tiles * channels * CostModel.perTransformedValue
    let remote =
      4 * tiles * outputs * outputs * channels * (threads - 1) / threads * CostModel.perRemoteByte
    let byRows =
      max(share, blocks((tiles + threads - 1) / threads) * shared(weights)) + there / threads + back
    let byColumns = max(share, blocks(tiles) * weights / threads) + there + back + remote
    return threads > 1 && byColumns < byRows ? (byColumns, .columns, false) : (byRows, .rows, false)
  }

  /// The same on codes of 8 bits, where each block of tiles transforms the weights anew.
  func integerWinograd(tiles: Int, block: Int, channels: Int, columns: Int) -> Choice {
    let points = 36
    func blocks(_ tiles: Int) -> Int { (tiles + block - 1) / block }
    let weights = points * channels * columns * CostModel.perTransformedWeight
    let share = points * tiles * channels * columns / threads
    let back = points * tiles * columns / threads * CostModel.perTransformedValue
    let there = points * tiles * channels * CostModel.perTransformedValue
    let byRows = share + blocks((tiles + threads - 1) / threads) * weights + there / threads + back
    let byColumns = share + blocks(tiles) * weights / threads + there + back
    return threads > 1 && byColumns < byRows ? (byColumns, .columns, false) : (byRows, .rows, false)
  }
}
