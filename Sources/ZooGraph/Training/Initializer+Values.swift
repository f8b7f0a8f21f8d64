import ZooTensor

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Initializer {
  /// The first values of a weight, row-major in its shape.
  ///
  /// They follow from the seed and the weight's name alone.
  package func values(for slot: WeightSlot, seed: UInt64) -> [Float] {
    values(of: slot.shape, Self.random(for: slot.name, seed: seed)).map(Float.init)
  }

  /// Values of a shape, row-major, in double precision.
  package func values(of shape: Shape, _ random: CounterRandom) -> [Double] {
    let count = shape.elementCount
    switch self {
    case .constant(let value): return [Double](repeating: value, count: count)
    case .uniform(let low, let high): return (0..<count).map { low + (high - low) * random.unit($0) }
    case .normal(let mean, let deviation):
      return (0..<count).map { mean + deviation * random.normal($0) }
    case .truncatedNormal(let mean, let deviation):
      return (0..<count).map { mean + deviation * random.truncatedNormal($0, of: count) }
    case .varianceScaling(let own):
      let deviation = (own.scale / max(1, own.mode.count(of: shape))).squareRoot()
      switch own.distribution {
      case .uniform:
        let limit = 3.0.squareRoot() * deviation
        return (0..<count).map { limit * random.signed($0) }
      case .truncatedNormal:
        return (0..<count).map { deviation / truncatedDeviation * random.truncatedNormal($0, of: count) }
      case .normal: return (0..<count).map { deviation * random.normal($0) }
      }
    }
  }

  /// The random numbers for a weight.
  private static func random(for name: String, seed: UInt64) -> CounterRandom {
    // Sets this use of a seed apart from others.
    let purpose: UInt64 = 0x696E_6974_6961_6C73
    return CounterRandom(
      seed: name.utf8.reduce(splitMix64(seed ^ purpose)) { splitMix64($0 &+ UInt64($1) &+ 1) })
  }
}

/// The deviation of a standard normal number without what is beyond ±2.
private let truncatedDeviation = 0.87962566103423978

extension Initializer.VarianceScaling.Mode {
  /// The inputs or outputs of a unit of weights with this shape: (window…, inputs, outputs).
  fileprivate func count(of shape: Shape) -> Double {
    let (inputs, outputs): (Int, Int)
    switch shape.rank {
    case 0: (inputs, outputs) = (1, 1)
    case 1: (inputs, outputs) = (shape[0], shape[0])
    default:
      let window = shape.dimensions.dropLast(2).reduce(1, *)
      (inputs, outputs) = (window * shape[shape.rank - 2], window * shape[shape.rank - 1])
    }
    return switch self {
    case .fanIn: Double(inputs)
    case .fanOut: Double(outputs)
    case .fanAverage: (Double(inputs) + Double(outputs)) / 2
    }
  }
}

extension CounterRandom {
  /// The `index`-th number of a standard normal distribution (Box and Muller, 1958).
  package func normal(_ index: Int) -> Double {
    // The logarithm is never of 0.
    (-2 * log(1 - unit(2 * index))).squareRoot() * cos(2 * .pi * unit(2 * index + 1))
  }

  /// The `index`-th of `count` numbers of a standard normal distribution without what is beyond ±2.
  func truncatedNormal(_ index: Int, of count: Int) -> Double {
    // One in 22 is beyond; so many in a row never are.
    for attempt in 0..<64 {
      let number = normal(index + attempt * count)
      if abs(number) <= 2 { return number }
    }
    return 0
  }
}
