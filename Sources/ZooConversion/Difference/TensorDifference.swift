import ZooSystem
import ZooTensor

/// How far the values of two tensors of one shape are apart.
package struct TensorDifference: Sendable, Equatable {
  /// The largest absolute difference; infinite where one value is not a number and the other is.
  package let largest: Double
  /// The mean of the absolute differences.
  package let mean: Double
  /// The cosine of the angle between both as vectors; 1 for equal ones, 0 where one alone is all zeros.
  package let cosine: Double

  /// The elements that are compared at a time.
  private static let partLength = 1 << 16

  /// Compares `a` and `b`, which have as many elements, as 64-bit floats. Equal values of any two types are
  /// equal, and so are two that are not numbers.
  package init(_ a: StoredTensor, _ b: StoredTensor) {
    guard !Self.areSameBytes(a, b) else {
      (largest, mean, cosine) = (0, 0, 1)
      return
    }
    var (largest, sum, dot, squareA, squareB) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (part, other) in Self.parts(of: a, b) {
      for (x, y) in zip(part.doubles(), other.doubles()) {
        dot += x * y
        squareA += x * x
        squareB += y * y
        guard x != y, !(x.isNaN && y.isNaN) else { continue }
        let difference = abs(x - y)
        largest = max(largest, difference.isNaN ? .infinity : difference)
        sum += difference.isNaN ? .infinity : difference
      }
      part.bytes.letGo()
      other.bytes.letGo()
    }
    self.largest = largest
    mean = a.shape.elementCount > 0 ? sum / Double(a.shape.elementCount) : 0
    let length = squareA.squareRoot() * squareB.squareRoot()
    cosine = largest == 0 ? 1 : length > 0 ? min(1, max(-1, dot / length)) : 0
  }

  private static func areSameBytes(_ a: StoredTensor, _ b: StoredTensor) -> Bool {
    guard a.elementType == b.elementType else { return false }
    return parts(of: a, b).allSatisfy { part, other in
      defer {
        part.bytes.letGo()
        other.bytes.letGo()
      }
      return part.bytes.withUnsafeBytes { first in
        other.bytes.withUnsafeBytes { second in
          guard let p = first.baseAddress, let q = second.baseAddress else { return true }
          return memcmp(p, q, min(first.count, second.count)) == 0
        }
      }
    }
  }

  private static func parts(of a: StoredTensor, _ b: StoredTensor) -> [(StoredTensor, StoredTensor)] {
    var first: [StoredTensor] = []
    var second: [StoredTensor] = []
    a.forEachPart(length: partLength) { first.append($0) }
    b.forEachPart(length: partLength) { second.append($0) }
    return Array(zip(first, second))
  }
}
