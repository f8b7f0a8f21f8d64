/// A way to run a 3x3 convolution by Winograd's algorithm.
struct WinogradTiling {
  /// Pixels a side of a wg_tile of the output.
  let outputs: Int
  let tiles: Int
  /// The most tiles that go by all weights together.
  let limit: Int
  /// The panels of weights that go by a point's tiles together.
  let panelsAtOnce: Int
  let choice: CostModel.Choice

  var points: Int { (outputs + 2) * (outputs + 2) }
}
