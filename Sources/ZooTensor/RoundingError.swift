/// How far the stored values of a tensor are from its own.
package struct RoundingError: Sendable, Hashable {
  /// The largest absolute difference.
  package var largest: Double
  /// The largest absolute value.
  package var largestValue: Double
  /// The root of the mean square of the differences.
  package var rootMeanSquare: Double

  package init(largest: Double, largestValue: Double, rootMeanSquare: Double) {
    self.largest = largest
    self.largestValue = largestValue
    self.rootMeanSquare = rootMeanSquare
  }

  /// What changes nothing, of values up to this one.
  package static func none(largestValue: Double) -> RoundingError {
    RoundingError(largest: 0, largestValue: largestValue, rootMeanSquare: 0)
  }

  /// The largest difference as a part of the largest value.
  package var relative: Double { largestValue > 0 ? largest / largestValue : 0 }
}

/// Gathers the differences between values and what is stored of them, a block at a time.
///
/// Each place of a block has a sum of its own, so that the loop is one of vectors and its sums have the same
/// order on every machine.
struct RoundingErrorSum {
  /// The most values of a block.
  static let blockLength = 1024

  private var squares = [Double](repeating: 0, count: blockLength)
  /// The bits of the largest absolute differences, which order as the numbers do.
  private var largest = [Int32](repeating: 0, count: blockLength)
  private var count = 0

  /// Adds a block of finite values.
  mutating func add(
    _ values: UnsafePointer<Float>, stored: UnsafePointer<Float>, count: Int
  ) {
    squares.withUnsafeMutableBufferPointer { squares in
      largest.withUnsafeMutableBufferPointer { largest in
        guard let squares = squares.baseAddress, let largest = largest.baseAddress else { return }
        for i in 0..<count {
          let difference = values[i] - stored[i]
          squares[i] += Double(difference) * Double(difference)
          largest[i] = max(largest[i], Int32(truncatingIfNeeded: difference.bitPattern & 0x7fff_ffff))
        }
      }
    }
    self.count += count
  }

  func error(largestValue: Float) -> RoundingError {
    let sum = squares.reduce(0, +)
    return RoundingError(
      largest: Double(Float(bitPattern: UInt32(largest.max() ?? 0))), largestValue: Double(largestValue),
      rootMeanSquare: count > 0 ? (sum / Double(count)).squareRoot() : 0)
  }
}
