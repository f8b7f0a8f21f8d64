import ZooGraph

/// What a step takes, in the time of one multiplication and addition of a core at its peak: enough to choose
/// between algorithms and between ways to divide a step among threads.
///
/// A thread computes while it waits for memory, so that a step takes the longer of the two. The constants are
/// ratios that hold within a factor of 1.5 on the processors measured; `zoo bench --layers` prints what a step
/// really took.
enum CostModel {
  /// Multiplications in the time that a core waits for a byte of weights: a core has some 16 cache lines on
  /// their way at a time, whatever the memory could deliver.
  static let perWeightByte = 6
  /// Multiplications in the time of a byte that another core wrote last.
  static let perRemoteByte = 8

  /// Multiplications in the time that transforming one value takes.
  static let perTransformedValue = 8

  /// How a matrix product of `rows` is divided among threads.
  enum Division {
    case rows
    case columns
  }

  /// By rows every thread reads all weights; by columns every thread reads what all others wrote before.
  static func division(rows: Int, inputs: Int, columns: Int, tileRows: Int, threads: Int) -> Division {
    guard rows >= threads * tileRows / 2 else { return .columns }
    let weights = 4 * inputs * columns
    let share = rows * inputs * columns / threads
    let byRows = max(share, weights * perWeightByte)
    let remote = 4 * rows * inputs * (threads - 1) / threads
    let byColumns = max(share, weights / threads * perWeightByte) + remote * perRemoteByte
    return byRows <= byColumns ? .rows : .columns
  }

  /// The same for F(4x4, 3x3) in blocks of tiles, whose weights are read once a block; by columns every thread
  /// transforms all tiles.
  static func winogradDivision(
    tiles: Int, block: Int, channels: Int, columns: Int, threads: Int
  ) -> Division {
    func blocks(_ tiles: Int) -> Int { (tiles + block - 1) / block }
    let weights = 4 * 36 * channels * columns
    let share = 36 * tiles * channels * columns / threads
    let byRows = max(share, blocks((tiles + threads - 1) / threads) * weights * perWeightByte)
    let transform = tiles * 16 * channels * (threads - 1) / threads
    let byColumns =
      max(share, blocks(tiles) * weights / threads * perWeightByte)
      + transform * (perTransformedValue + 4 * perRemoteByte)
    return byRows <= byColumns ? .rows : .columns
  }
}
