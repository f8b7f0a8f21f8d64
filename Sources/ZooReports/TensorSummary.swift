import ZooTensor

/// The values of a tensor in a few numbers and a histogram.
package struct TensorSummary: Sendable, Encodable {
  /// The number of a histogram's classes.
  package static let classCount = 32

  package let name: String
  package let shape: [Int]
  /// Its element type, for example `f32`.
  package let dtype: String
  package let count: Int
  /// The least and the largest of the values that are numbers; 0 where there is none.
  package let least: Double
  package let largest: Double
  package let mean: Double
  package let deviation: Double
  /// How many are exactly 0.
  package let zeros: Int
  /// How many are infinite or not a number.
  package let faults: Int
  /// How many fall into each of ``classCount`` classes of equal width from ``least`` to ``largest``.
  package let counts: [Int]

  enum CodingKeys: String, CodingKey {
    case name = "n"
    case shape = "s"
    case dtype = "t"
    case count = "c"
    case least = "l"
    case largest = "u"
    case mean = "m"
    case deviation = "d"
    case zeros = "z"
    case faults = "f"
    case counts = "h"
  }

  /// Reads the values twice, a part at a time.
  package init(name: String, tensor: StoredTensor) {
    self.name = name
    shape = tensor.shape.dimensions
    dtype = tensor.elementType.rawValue
    count = tensor.shape.elementCount
    var (least, largest, zeros, finite) = (Float.infinity, -Float.infinity, 0, 0)
    var sum = 0.0
    tensor.forEachPart(length: Self.partLength) { part in
      for value in part.floats() where value.isFinite {
        least = min(least, value)
        largest = max(largest, value)
        if value == 0 { zeros += 1 }
        sum += Double(value)
        finite += 1
      }
    }
    let mean = finite > 0 ? sum / Double(finite) : 0
    self.mean = mean
    self.zeros = zeros
    faults = count - finite
    self.least = finite > 0 ? Double(least) : 0
    self.largest = finite > 0 ? Double(largest) : 0
    var counts = [Int](repeating: 0, count: Self.classCount)
    var squares = 0.0
    let (first, width) = (self.least, (self.largest - self.least) / Double(Self.classCount))
    let factor = width > 0 ? 1 / width : 0
    let offset = width > 0 ? 0 : Double(Self.classCount / 2)
    guard finite > 0, factor.isFinite else {
      (self.counts, deviation) = ([], 0)
      return
    }
    tensor.forEachPart(length: Self.partLength) { part in
      for value in part.floats() where value.isFinite {
        let distance = Double(value) - mean
        squares += distance * distance
        let place = Int((Double(value) - first) * factor + offset)
        counts[min(max(place, 0), Self.classCount - 1)] += 1
      }
    }
    deviation = (squares / Double(finite)).squareRoot()
    self.counts = counts
  }

  private static let partLength = 1 << 18
}
