/// A way to run a 3x3 convolution by Winograd's algorithm.
struct WinogradTiling {
  /// Pixels a side of a tile of the output.
  let outputs: Int
  /// Of all images that are computed at once.
  var tiles: Int
  /// The most tiles that go by all weights together.
  let limit: Int
  /// The panels of weights that go by a point's tiles together.
  let panelsAtOnce: Int
  let choice: CostModel.Choice

  var points: Int { (outputs + 2) * (outputs + 2) }

  /// Floats of scratch memory in which a thread holds so many tiles.
  func slot(tiles: Int, channels: Int, _ kernels: Kernels) -> Int {
    points * tiles * (channels + 16 + (2 * panelsAtOnce + 1) * kernels.vector)
  }
}

/// How a convolution on codes of 8 bits is divided for Winograd's algorithm.
struct IntegerTiling {
  /// The most tiles that go by all weights together: six register blocks.
  static let block = 36

  let tiles: Int
  let division: CostModel.Division
}
