import Testing
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// How far each algorithm's results are from the truth, on layers of the networks.
///
/// Inputs and weights are random and spread evenly around zero. The sum of n such terms, on its way, is rarely
/// larger than the root R of the sum of their squares, so that each rounding is off by at most u R, with u the
/// relative error of one rounding; these are independent, so that all together are off by at most λ sqrt(n) u R
/// but with the probability 2 exp(-λ²/2) (Higham and Mary, 2020). With λ = 7 not one of a billion values may
/// be outside.
@Suite struct AccuracyTests {
  private static let unit = Double(Float.ulpOfOne) / 2
  private static let deviations = 7.0

  struct Layer: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let operation: ZooGraph.Operation
    let input: [Int]

    init(_ name: String, _ operation: ZooGraph.Operation, on input: [Int]) {
      (testDescription, self.operation, self.input) = (name, operation, input)
    }
  }

  static let layers = [
    convolution(filters: 64, 3, on: [28, 28, 64]), convolution(filters: 32, 3, on: [14, 14, 256]),
    convolution(filters: 48, 3, on: [7, 7, 512]), convolution(filters: 256, 3, on: [7, 7, 256]),
    convolution(filters: 64, 3, stride: 2, on: [28, 28, 64]),
    convolution(filters: 64, 3, on: [56, 56, 3]), convolution(filters: 64, 7, stride: 2, on: [57, 57, 3]),
    convolution(filters: 64, 1, on: [14, 14, 1024]), convolution(filters: 256, 1, on: [28, 28, 64]),
    Layer("dense 25088 to 64", .dense(Dense(units: 64, useBias: true)), on: [25088]),
    Layer("dense 1024 to 1000", .dense(Dense(units: 1000, useBias: true)), on: [1024]),
    depthwise(3, on: [28, 28, 64]), depthwise(3, stride: 2, on: [28, 28, 64]),
    depthwise(5, on: [28, 28, 44]),
    depthwise(5, stride: 2, on: [28, 28, 44]), depthwise(7, on: [14, 14, 88]),
    depthwise(7, stride: 2, on: [28, 28, 44]), depthwise(4, on: [14, 14, 33]),
  ]

  private static func convolution(filters: Int, _ kernel: Int, stride: Int = 1, on input: [Int]) -> Layer {
    Layer(
      "\(kernel)x\(kernel) convolution of \(Shape(input)) to \(filters), stride \(stride)",
      .convolution(
        Convolution(
          filters: filters, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: .same, useBias: true
        )),
      on: input)
  }

  private static func depthwise(_ kernel: Int, stride: Int = 1, on input: [Int]) -> Layer {
    Layer(
      "depthwise \(kernel)x\(kernel) convolution of \(Shape(input)), stride \(stride)",
      .depthwiseConvolution(
        DepthwiseConvolution(
          multiplier: 1, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: .same, useBias: true)),
      on: input)
  }

  /// The largest error that rounding explains for an output whose terms' squares have a sum with the root
  /// `magnitude`, `largest` in the output where that is most; nil for an algorithm without a bound here.
  private func bound(
    _ algorithm: String, _ operation: ZooGraph.Operation, channels: Int, magnitude: Double, largest: Double
  ) -> Double? {
    let taps =
      switch operation {
      case .convolution(let c): c.kernel.height * c.kernel.width * channels
      case .depthwiseConvolution(let c): c.kernel.height * c.kernel.width
      default: channels
      }
    switch algorithm {
    case "matrix product", "indirect matrix product", "depthwise", "dense":
      // A rounding for each product, sum and folded factor.
      return Self.deviations * Double(2 * taps + 2).squareRoot() * Self.unit * magnitude
    case "matrix product on tiles", "indirect matrix product on tiles":
      // Six products of parts for each term, and what is left out: at most 8 units of each, which has its own sign.
      return Self.deviations * (Double(6 * taps + 2).squareRoot() + 8) * Self.unit * magnitude
    case "Winograd 2x2", "Winograd 4x4":
      let transforms = algorithm.hasSuffix("2x2") ? WinogradTransforms.two : .four
      // A channel has nine terms in the convolution itself. Besides a channel's product and sum there are four
      // passes of transforms with three sums and three factors.
      return Self.deviations * Double(2 * channels + 4 * 6 + 2).squareRoot() * Self.unit
        * max(transforms.growth / 3, 1) * largest
    default: return nil
    }
  }

  @Test(arguments: layers) func isWithinRounding(layer: Layer) throws {
    let graph = try Graph(layer.operation, on: layer.input)
    let weights = DictionaryWeights(randomFor: graph, seed: 51)
    let input = randomInputs(graph, seed: 52)
    let truth = try reference(graph, weights, input)
    func squares(_ values: [Float]) -> [Float] { values.map { $0 * $0 } }
    let magnitudes = try reference(
      graph,
      DictionaryWeights(
        weights.tensors.mapValues { StoredTensor(shape: $0.shape, values: squares($0.floats())) }),
      input.map { Tensor(shape: $0.shape, values: squares($0.values)) }
    ).map { $0.squareRoot() }
    let largest = magnitudes.max() ?? 0
    for kernels in Engine.availableKernels {
      let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(kernels: kernels))
      let algorithm = try #require(engine.steps.last { $0.macs > 0 }?.kernel)
      let output = try engine.makeSession().run(input)[0].values
      try #require(output.count == truth.count)
      var worst = 0.0
      for (index, value) in output.enumerated() {
        let limit = bound(
          algorithm, layer.operation, channels: layer.input.last ?? 1, magnitude: magnitudes[index],
          largest: largest)
        let share = try abs(Double(value) - truth[index]) / #require(limit, "no bound for '\(algorithm)'")
        worst = share.isNaN ? .infinity : max(worst, share)
      }
      #expect(worst <= 1, "\(kernels), \(algorithm): \(worst) times what rounding explains")
    }
  }

  private func reference(_ graph: Graph, _ weights: DictionaryWeights, _ input: [Tensor]) throws -> [Double] {
    let results = try ReferenceEngine(graph: graph, weights: weights)
      .run(input.map { ReferenceTensor($0, example: 0) })
    return try #require(results[graph.outputs[0]]).values
  }

  /// The matrices are those of the convolution, whatever the numbers.
  @Test func transformsAreExact() {
    for transforms in [WinogradTransforms.two, .four] {
      let input = transforms.forward[0].indices.map { Double($0 * $0) - 3.5 }
      let weights = [0.25, -2, 3]
      for (index, value) in transforms.apply(input, weights).enumerated() {
        let direct = (0..<3).reduce(0) { $0 + input[index + $1] * weights[$1] }
        #expect(abs(value - direct) < 1e-12)
      }
    }
  }
}
