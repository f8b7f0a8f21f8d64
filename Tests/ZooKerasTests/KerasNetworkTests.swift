import Testing
import ZooGraph
import ZooKeras
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// A small network that Keras wrote and computed: one entry of Fixtures/layers/networks.npz or
/// operations.npz.
struct KerasNetworkGolden: CustomTestStringConvertible, Sendable {
  struct Array: Sendable {
    let shape: [Int]
    let values: [Double]

    init(_ value: JSONValue) throws {
      shape = try #require(value["shape"]?.array).compactMap(\.integer)
      values = try #require(value["values"]?.array).compactMap(\.number)
      try #require(values.count == shape.reduce(1, *))
    }

    init(shape: [Int], values: [Double]) {
      self.shape = shape
      self.values = values
    }

    /// The values with the axes in another order.
    func inOrder(_ order: [Int]?) -> [Double] {
      guard let order, order.count == shape.count else { return values }
      let strides = shape.indices.map { axis in shape[(axis + 1)...].reduce(1, *) }
      return order.reduce([0]) { places, axis in
        places.flatMap { place in (0..<shape[axis]).map { place + $0 * strides[axis] } }
      }.map { values[$0] }
    }
  }

  let name: String
  let writer: String
  let config: JSONValue
  /// Per layer in the order of its `get_weights()`.
  let weights: [String: [Array]]
  let inputs: [Array]
  let outputs: [Array]

  init(_ value: JSONValue) throws {
    name = try #require(value["name"]?.string)
    writer = try #require(value["writer"]?.string)
    config = try #require(value["config"])
    weights = try #require(value["weights"]?.object).mapValues { try #require($0.array).map(Array.init) }
    inputs = try #require(value["inputs"]?.array).map(Array.init)
    outputs = try #require(value["outputs"]?.array).map(Array.init)
  }

  var testDescription: String { name }

  static let all: [KerasNetworkGolden] = ["networks.npz", "operations.npz"].flatMap { name in
    read(name, Self.init)
  }

  /// The entries of a file in Fixtures/layers.
  static func read<Golden>(_ name: String, _ decode: (JSONValue) throws -> Golden) -> [Golden] {
    do {
      let archive = try NumPyArchive(path: fixture("layers/\(name)"))
      let bytes = try #require(try archive.array(named: "networks")).bytes.withUnsafeBytes { [UInt8]($0) }
      return try #require(try JSONValue(parsing: bytes, location: name).array).map(decode)
    } catch {
      Issue.record("\(error)")
      return []
    }
  }

  func network() throws -> (KerasNetwork, some WeightSource) {
    let network = try kerasGraph(configuration: config, inputSize: nil, writer: writer)
    let tensors = try network.values(of: weights).map { slot, values in
      (slot, StoredTensor(shape: slot.shape, values: values.map(Float.init)))
    }
    let found = Dictionary(uniqueKeysWithValues: tensors)
    return (network, ComputedWeights { slot in try #require(found[slot]) })
  }

}

extension KerasNetwork {
  /// Per weight of the graph, what belongs to it of `arrays`: for each layer as many as it has weights, in their order.
  func values(of arrays: [String: [KerasNetworkGolden.Array?]]) throws -> [WeightSlot: [Double]] {
    var result: [WeightSlot: [Double]] = [:]
    for (layer, arrays) in arrays {
      let place = try #require(layerOrder.first { $0.layer == layer })
      let slots = graph.nodes[place.node].weights
      try #require(slots.count == arrays.count, "\(layer)")
      for case (let slot, let array?) in zip(slots, arrays) {
        #expect(slot.shape.elementCount == array.values.count)
        result[slot] = array.inOrder(storedAxes[slot.layer]?[slot.role]?.order)
      }
    }
    return result
  }
}

@Suite struct KerasNetworkTests {
  @Test func goldensAreThere() { #expect(KerasNetworkGolden.all.count >= 360) }

  @Test("the reference engine computes what Keras does", arguments: KerasNetworkGolden.all)
  func reference(_ golden: KerasNetworkGolden) throws {
    let (network, weights) = try golden.network()
    let graph = network.graph
    let inputs = golden.inputs.map { ReferenceTensor(shape: Shape($0.shape), values: $0.values) }
    let results = try ReferenceEngine(graph: graph, weights: weights).run(inputs)
    #expect(graph.outputs.count == golden.outputs.count)
    for (output, expected) in zip(graph.outputs, golden.outputs) {
      let ours = try #require(results[output])
      #expect(ours.shape.dimensions == expected.shape)
      let largest = expected.values.reduce(1e-3) { max($0, abs($1)) }
      let worst = zip(ours.values, expected.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
      // Keras keeps constants and the places of pixels in 32 bits.
      #expect(worst <= (golden.isSinglePrecision ? 1e-6 : 1e-12) * largest, "off by \(worst / largest)")
    }
  }

  @Test func preprocessingInsideIsKnown() throws {
    let networks = KerasNetworkGolden.all.filter { $0.name.contains("functions, preprocessing") }
    #expect(networks.count >= 12)
    for golden in networks {
      let graph = try golden.network().0.graph
      #expect(graph.takesPictures && graph.scalesPixels, "\(golden.name)")
    }
  }

  @Test("the fast engine too, on every instruction set", arguments: KerasNetworkGolden.all)
  func fast(_ golden: KerasNetworkGolden) throws {
    let (network, weights) = try golden.network()
    let graph = network.graph
    let inputs = golden.inputs.map { Tensor(shape: Shape([1] + $0.shape), values: $0.values.map(Float.init)) }
    for kernels in Engine.availableKernels {
      let engine = try Engine(
        graph: graph, weights: weights, options: PlanOptions(threads: 2, kernels: kernels))
      let session = engine.makeSession()
      _ = try session.run(inputs)
      for (ours, expected) in zip(try session.run(inputs), golden.outputs) {
        #expect(Array(ours.shape.dimensions.dropFirst()) == expected.shape)
        let largest = expected.values.reduce(1e-3) { max($0, abs($1)) }
        let worst = zip(ours.values, expected.values).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
        #expect(worst <= 4e-6 * largest, "\(kernels): off by \(worst / largest)")
      }
    }
  }

  /// What `zoo verify` relies on: single values recomputed from what the fast engine has.
  @Test("and single values are recomputed alike", arguments: KerasNetworkGolden.all)
  func probe(_ golden: KerasNetworkGolden) throws {
    let (network, weights) = try golden.network()
    let graph = network.graph
    let inputs = golden.inputs.map { Tensor(shape: Shape([1] + $0.shape), values: $0.values.map(Float.init)) }
    let values = try Engine(graph: graph, weights: weights, options: PlanOptions()).makeSession().runAll(
      inputs)
    let probe = try ReferenceProbe(graph: graph, weights: weights, materialized: values)
    for (value, tensor) in values where !graph[value].inputs.isEmpty {
      for (index, computed) in tensor.values.enumerated() {
        let probed = probe.probe(value, at: index)
        #expect(
          abs(Double(computed) - probed.value) <= max(1e-7, probed.float32Tolerance(factor: 8)),
          "\(graph[value].name)[\(index)]: \(computed), not \(probed.value)")
      }
    }
  }
}

extension KerasNetworkGolden {
  fileprivate var isSinglePrecision: Bool {
    let names = [
      "resizing", "bilinear", "hard_", "functions", "leaky", "rescaling", "normalization", "selu", "gelu",
      "resized",
    ]
    return names.contains { name.contains($0) }
  }
}
