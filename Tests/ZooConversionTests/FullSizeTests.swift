import Foundation
import Testing
import ZooGraph
import ZooModels
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// The five networks at their published size, with generated weights, against what Keras computes in
/// double precision (`Fixtures/full_size`). One at a time: VGG's weights take half a gigabyte.
@Suite(.serialized) struct FullSizeTests {
  private struct Golden: Decodable {
    struct Array: Decodable {
      let layer: String
      let shape: [Int]
      let largest: Double
      let float32Error: Double
      let float32ErrorSampled: Double
      let values: [Double]

      enum CodingKeys: String, CodingKey {
        case layer, shape, largest, values
        case float32Error = "float32_error"
        case float32ErrorSampled = "float32_error_sampled"
      }
    }
    let parameters: Int
    let inputShape: [Int]
    let exponents: [String: Int]
    let arrays: [Array]

    enum CodingKeys: String, CodingKey {
      case parameters, exponents, arrays
      case inputShape = "input_shape"
    }
  }

  @Test(arguments: ["mobilenet", "nasnetmobile", "resnet50", "vgg16", "vgg19"])
  func agreesWithKeras(name: String) throws {
    let golden = try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: URL(filePath: fixture("full_size/\(name).json"))))
    let architecture = try #require(Catalog.architecture(named: name))
    let shape = golden.inputShape
    let graph = try Variant(
      architecture: architecture.name, definition: architecture.definition,
      input: InputShape(shape[0], shape[1]),
      head: .imageNet
    ).graph()
    #expect(graph.parameterCount == golden.parameters)

    let weights = ComputedWeights { slot in
      let values = CounterGenerator.weight(
        layer: slot.layer, role: slot.role.rawValue, shape: slot.shape.dimensions,
        exponent: golden.exponents[slot.layer] ?? 0)
      return StoredTensor(shape: slot.shape, values: try #require(values))
    }
    let taps = try golden.arrays.map { try #require(graph.value(named: $0.layer), "\($0.layer)") }
    let engine = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 2, taps: taps))
    let input = Tensor(
      shape: Shape([1] + shape), values: CounterGenerator(name: "input").values(count: shape.reduce(1, *)))
    let kept = try engine.makeSession().run([input], keeping: taps).kept

    var logRatios: [Double] = []
    for (array, tap) in zip(golden.arrays, taps) {
      let values = try #require(kept[tap]).values
      #expect(graph[tap].shape.dimensions == array.shape)
      let positions = CounterGenerator(name: "sample/\(array.layer)").positions(
        count: array.values.count, size: values.count)
      let error = zip(positions, array.values).reduce(0) { max($0, abs(Double(values[$1.0]) - $1.1)) }
      let tolerance = max(4 * array.float32Error, 2e-5 * array.largest)
      #expect(error <= tolerance, "\(array.layer): \(error), Keras itself \(array.float32Error)")
      logRatios.append(log(error / array.float32ErrorSampled))
    }
    let ratio = exp(logRatios.reduce(0, +) / Double(logRatios.count))
    #expect(ratio < 1.5, "geometric mean of our error over that of Keras' own float32")
  }
}
