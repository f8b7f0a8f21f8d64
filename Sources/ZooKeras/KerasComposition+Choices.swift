import ZooGraph
import ZooSystem

// Comparisons and tables, of operations that every engine has.
extension KerasComposition {
  /// The largest bound that values are compared with.
  static let boundLimit = 0x1p26

  /// The most values that each value is compared with.
  static let choiceLimit = 4096

  /// 1 where a value is below its bound, else 0.
  ///
  /// `bounds` has one number, or one for each place of the last axis; a place without one is 0. The slope is so
  /// steep that 2^-100 makes the whole difference, which is less than two numbers of single precision differ by
  /// unless both are as small.
  mutating func isBelow(_ value: Value, _ bounds: [Double?]) throws(ZooError) -> Value {
    let steepness = 0x1p100
    guard bounds.allSatisfy({ abs($0 ?? 0) <= KerasComposition.boundLimit }) else {
      throw unsupported("it compares with more than \(Int(KerasComposition.boundLimit))")
    }
    let difference = Rescaling(
      scale: bounds.map { $0 == nil ? 0 : -steepness }, offset: bounds.map { ($0 ?? 0) * steepness })
    return clip(add(.rescaling(difference), value), 0, 1)
  }

  /// 1 where a value is above `bound`, else 0.
  mutating func isAbove(_ value: Value, _ bound: Double) throws(ZooError) -> Value {
    try isBelow(scale(value, by: -1), [-bound])
  }

  /// A value `count` times along a new last axis.
  mutating func repeated(_ value: Value, _ count: Int) throws(ZooError) -> Value {
    guard (1...KerasComposition.choiceLimit).contains(count) else {
      throw unsupported("it compares each value with \(count) others")
    }
    let extents = try shape(value).dimensions
    var result = try reshape(value, extents + [1])
    var size = 1
    while size < count {
      let more = min(size, count - size)
      let part = try slice(result, axis: extents.count, start: 0, count: more)
      result = add(.concatenate, result, part)
      size += more
    }
    return result
  }

  /// The sum over the last axis, without rounding where the values are whole numbers.
  mutating func total(_ value: Value) throws(ZooError) -> Value {
    let extents = try shape(value).dimensions
    guard let count = extents.last else { return value }
    var padded = value
    let size = KerasComposition.powerOfTwo(count)
    if size > count {
      let part = try slice(value, axis: extents.count - 1, start: 0, count: size - count)
      padded = add(.concatenate, value, constant([0], like: part))
    }
    return try sum(padded, axes: [extents.count - 1], keepDimensions: false)
  }

  private static func powerOfTwo(_ count: Int) -> Int {
    var size = 1
    while size < count { size *= 2 }
    return size
  }

  /// For each value, along a new last axis: 1 at the places whose whole number it is (as a whole number, without
  /// what is behind the point), else 0.
  mutating func isEqual(_ value: Value, to numbers: [Double]) throws(ZooError) -> Value {
    let copies = try repeated(value, numbers.count)
    let isBelowNext = try isBelow(copies, numbers.map { $0 + 1 })
    return add(.merge(.subtract), isBelowNext, try isBelow(copies, numbers))
  }

  /// How many of the ascending `bounds` are not above each value.
  mutating func bucket(_ value: Value, _ bounds: [Double]) throws(ZooError) -> Value {
    let above = try total(isBelow(repeated(value, bounds.count), bounds))
    return scale(above, by: -1, plus: Double(bounds.count))
  }

  /// The number that a table has for each value; `absent` for one that is none of its keys.
  mutating func lookUp(
    _ value: Value, in table: [(key: Double, number: Double)], absent: Double
  ) throws(ZooError) -> Value {
    let matches = try isEqual(value, to: table.map(\.key))
    let numbers = Rescaling(scale: table.map { $0.number - absent }, offset: [0])
    return scale(try total(add(.rescaling(numbers), matches)), by: 1, plus: absent)
  }

  /// The most values of a vector of which each is compared with each.
  private static let pairLimit = 256

  /// Keras' sparsemax: a vector less a threshold, cut off at 0.
  ///
  /// With the values z in descending order and their sums S up to each, those with k · z > S - 1 at place k are the
  /// support. The threshold of Martins and Astudillo (2016) is (S - 1) / k at its end; Keras 3 takes the sum of all
  /// S in the support for S.
  mutating func sparsemax(_ value: Value, axis: Int) throws(ZooError) -> Value {
    let extents = try shape(value).dimensions
    let count = extents[axis]
    guard count <= KerasComposition.pairLimit else { throw unsupported("its vectors have \(count) values") }
    let order = KerasLayer.order(movingToEnd: [axis], rank: extents.count)
    let vectors = permute(value, order)
    let inner = try shape(vectors).dimensions
    let outer = Array(inner.dropLast())
    // For value i, whether each value j is no later in the order: larger, or equal and not behind it.
    let others = try reshape(vectors, outer + [1, count])
    let differences = add(.merge(.subtract), others, try repeated(vectors, count))
    let signs = (0..<count * count).map { $0 % count <= $0 / count ? -1.0 : 1 }
    let signed = add(
      .rescaling(Rescaling(scale: signs, offset: [0])),
      try reshape(differences, outer + [count * count]))
    let isLarger = try isAbove(signed, 0)
    let isNoLater = add(
      .rescaling(Rescaling(scale: signs, offset: signs.map { $0 < 0 ? 1 : 0 })), isLarger)
    let pairs = try reshape(isNoLater, inner + [count])
    let places = try total(pairs)
    let sums = try sum(multiply(pairs, others), axes: [inner.count], keepDimensions: false)
    let support = try isAbove(add(.merge(.subtract), multiply(places, vectors), sums), -1)
    let last = inner.count - 1
    let whole = try sum(multiply(support, sums), axes: [last], keepDimensions: true)
    let size = try reshape(total(support), outer + [1])
    let threshold = multiply(scale(whole, by: 1, plus: -1), add(.activation(.reciprocal), size))
    let result = add(.activation(.relu), add(.merge(.subtract), vectors, threshold))
    return permute(result, KerasLayer.inverse(order))
  }

  private func unsupported(_ why: String) -> ZooError {
    ZooError(
      .unsupported, what: KerasLayer.unsupportedLayer, at: "layer '\(layer)'", why,
      remedy: "Change or remove the layer in Keras, and save the model again.")
  }
}
