import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// What becomes of a network whose weights are 16-bit floats, on some pictures.
struct HalfPrecisionTrial {
  /// How far any output moves, of its largest value.
  let error: Double
  /// What was tried, in words.
  let text: String

  private static let count = 2
  /// The largest number of 16-bit floats.
  private static let limit: Float = 65504

  /// - Parameters:
  ///   - folded: the network as it is exported.
  ///   - weights: of that network.
  /// - Throws: `ZooError` of the code `unsupported` where a weight, or a value between layers, is beyond the range of 16-bit
  ///   floats, and what the engine and the weights throw.
  init(of recipe: Recipe, folded: Graph, weights: some WeightSource, threads: Int) throws {
    let location = recipe.file.path
    let examples = try (0..<Self.count).map {
      try TestInput.make(for: recipe.graph, preprocessing: recipe.card.preprocessing, seed: UInt64(60 + $0))
    }
    let inputs = recipe.graph.inputs.indices.map { input in
      Tensor(
        shape: Shape([examples.count] + examples[0][input].shape.dimensions.dropFirst()),
        values: examples.flatMap { $0[input].values })
    }
    text = "\(Self.count) synthetic \(recipe.graph.takesPictures ? "pictures" : "inputs")"
    // The weights of a step are prepared when it runs: they are needed once.
    let expected = try Engine(
      graph: recipe.graph, weights: recipe.weights, options: PlanOptions(threads: threads, packing: .streamed)
    ).makeSession().run(inputs)
    try Cancellation.check()
    let halves = HalvedWeights(source: weights)
    let taps = folded.nodes.indices.map(Value.init(index:))
    let found: [Value: Tensor]
    do {
      found = try Engine(
        graph: folded, weights: halves, options: PlanOptions(threads: threads, taps: taps, packing: .streamed)
      ).makeSession().runAll(inputs)
    } catch let fault as HalvedWeights.Overflow {
      throw Self.overflow(
        "\(location), '\(fault.name)'", "its value \(significant(Double(fault.value)))")
    }
    for (value, tensor) in found.sorted(by: { $0.key.index < $1.key.index }) {
      guard let largest = tensor.values.max(by: { abs($0) < abs($1) }), abs(largest) > Self.limit else {
        continue
      }
      throw Self.overflow(
        "\(location), '\(folded[value].name)'",
        "one of its results on \(text), \(significant(Double(largest))),")
    }
    var error = 0.0
    for (output, tensor) in zip(folded.outputs, expected) {
      guard let moved = found[output] else { continue }
      let largest = tensor.values.reduce(0) { max($0, abs($1)) }
      guard largest > 0 else { continue }
      for (a, b) in zip(tensor.values, moved.values) {
        error = max(error, Double(abs(a - b)) / Double(largest))
      }
    }
    self.error = error
  }

  private static func overflow(_ location: String, _ what: String) -> ZooError {
    ZooError(
      .unsupported, what: "cannot export", at: location, "\(what) is beyond the range of 16-bit floats",
      remedy: "Use --dtype f32.")
  }
}

/// Weights rounded to 16-bit floats.
private struct HalvedWeights: WeightSource {
  struct Overflow: Error {
    let name: String
    let value: Float
  }

  let source: any WeightSource

  private static let partLength = 1 << 20

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    let tensor = try source.tensor(for: slot)
    // A variance is written as the deviation.
    let isVariance = slot.role == .variance
    var halves: [UInt16] = []
    halves.reserveCapacity(slot.shape.elementCount)
    try tensor.forEachPart(length: Self.partLength) { part throws in
      let values = isVariance ? part.floats().map { $0.squareRoot() } : part.floats()
      part.bytes.letGo()
      let rounded = Float.float16Bits(of: values)
      for (value, half) in zip(values, rounded)
      where UInt16(littleEndian: half) & 0x7fff == 0x7c00 && value.isFinite {
        throw Overflow(name: slot.name, value: value)
      }
      halves += rounded
    }
    if isVariance {
      let values = halves.map { Float(float16Bits: UInt16(littleEndian: $0)) }
      return StoredTensor(shape: slot.shape, values: values.map { $0 * $0 })
    }
    guard
      let result = StoredTensor(
        shape: slot.shape, elementType: .float16, bytes: ByteSlice(HeapBytes(halves)))
    else {
      throw ZooError(
        .malformed, what: "malformed weight", at: slot.name,
        "it has \(halves.count) values, expected \(slot.shape.elementCount)")
    }
    return result
  }
}
