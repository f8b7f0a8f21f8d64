/// Winograd's F(m, 3) in one dimension: `back` ((`filter` weights) ⊙ (`forward` input)).
struct WinogradTransforms {
  /// (m, points).
  let back: [[Double]]
  /// (points, 3).
  let filter: [[Double]]
  /// (points, m + 2).
  let forward: [[Double]]

  /// Points 0, 1, -1 and infinity.
  static let two = WinogradTransforms(
    back: [[1, 1, 1, 0], [0, 1, -1, 1]],
    filter: [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
    forward: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])

  /// Points 0, ±p, ±q with p = sqrt(1/2) and q = sqrt(2), and infinity.
  static let four = {
    let (p, q) = (0.5.squareRoot(), 2.0.squareRoot())
    return WinogradTransforms(
      back: [
        [1, 1, 1, 1, 1, 0], [0, p, -p, q, -q, 0], [0, 0.5, 0.5, 2, 2, 0],
        [0, p / 2, -p / 2, 2 * q, -2 * q, 1],
      ],
      filter: [
        [1, 0, 0], [-2.0 / 3, -2 * p / 3, -1.0 / 3], [-2.0 / 3, 2 * p / 3, -1.0 / 3],
        [1.0 / 6, q / 6, 1.0 / 3], [1.0 / 6, -q / 6, 1.0 / 3], [0, 0, 1],
      ],
      forward: [
        [1, 0, -2.5, 0, 1, 0], [0, -2 * p, -2, p, 1, 0], [0, 2 * p, -2, -p, 1, 0],
        [0, -q / 2, -0.5, q, 1, 0], [0, q / 2, -0.5, -q, 1, 0], [0, 1, 0, -2.5, 0, 1],
      ])
  }()

  /// `m` outputs from `m + 2` inputs and 3 weights.
  func apply(_ input: [Double], _ weights: [Double]) -> [Double] {
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let products = zip(forward, filter).map { dot($0, input) * dot($1, weights) }
    return back.map { dot($0, products) }
  }

  /// By how much an error in the products of independent inputs and weights exceeds one product's, in the
  /// output that suffers most: in two dimensions, the root of the sum over the points of (weight in the output
  /// x typical transformed input x typical transformed weight)².
  var growth: Double {
    func square(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
    let sizes = zip(forward, filter).map { square($0) * square($1) }
    return back.map { row in zip(row, sizes).reduce(0) { $0 + $1.0 * $1.0 * $1.1 } }.max() ?? 0
  }
}
