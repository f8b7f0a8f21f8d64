import Foundation
import Testing
import ZooGraph
import ZooKeras
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// `Fixtures/layers/training.json`: what Keras makes of what its configurations say for training.
@Suite struct TrainingSettingsTests {
  private struct Layer: Decodable {
    let frozen: Bool
    let momentum: Double?
    let noise: String?
    let amount: Double?
    let regularizers: [String: [Double]]
    let initializers: [String: InitializerTruth]
  }

  /// A class, its numbers and further words.
  private struct InitializerTruth: Decodable {
    let name: String
    let numbers: [Double]
    let words: [String]

    init(from decoder: any Decoder) throws {
      var items = try decoder.unkeyedContainer()
      name = try items.decode(String.self)
      numbers = try items.decode([Double].self)
      words = try items.decode([String].self)
    }

    /// nil for classes that are left out.
    var made: Initializer? {
      switch name {
      case "Zeros": .zeros
      case "Ones": .ones
      case "Constant": .constant(numbers[0])
      case "RandomUniform": .uniform(low: numbers[0], high: numbers[1])
      case "RandomNormal": .normal(mean: numbers[0], deviation: numbers[1])
      case "TruncatedNormal": .truncatedNormal(mean: numbers[0], deviation: numbers[1])
      case "GlorotUniform": .glorotUniform
      case "GlorotNormal": .glorotNormal
      case "HeUniform": .heUniform
      case "HeNormal": .heNormal
      case "LecunUniform": .lecunUniform
      case "LecunNormal": .lecunNormal
      case "VarianceScaling":
        Initializer.VarianceScaling.Mode(rawValue: words[0]).flatMap { mode in
          Initializer.VarianceScaling.Distribution(rawValue: words[1]).map {
            .varianceScaling(.init(numbers[0], mode, $0))
          }
        }
      case "Orthogonal": .orthogonal(gain: numbers[0])
      default: nil
      }
    }
  }

  private struct Truth: Decodable {
    let truth: [String: [String: Layer]]
  }

  private func read() throws -> (configurations: JSONValue, truth: Truth) {
    let path = fixture("layers/training.json")
    let data = try Data(contentsOf: URL(filePath: path))
    let document = try JSONValue(parsing: Array(data), location: path)
    return (try #require(document["configurations"]), try JSONDecoder().decode(Truth.self, from: data))
  }

  private func network(_ name: String) throws -> KerasNetwork {
    try kerasGraph(configuration: try #require(try read().configurations[name]), inputSize: nil)
  }

  @Test(arguments: [("keras3", "keras3"), ("keras3 in HDF5", "keras3"), ("keras2", "keras2")])
  func settingsAreThoseOfKeras(name: String, version: String) throws {
    let network = try network(name)
    let layers = try #require(try read().truth.truth[version])
    #expect(network.graph.fault(of: network.training) == nil)
    // Layers with an activation of their own are two nodes.
    var seen: Set<String> = []
    for (layer, truth) in layers {
      let node = try #require(network.graph.node(named: layer))
      var expected = LayerTraining()
      expected.isFrozen = truth.frozen
      if truth.momentum != LayerTraining.usualMomentum { expected.momentum = truth.momentum }
      if let kind = truth.noise, let amount = truth.amount, amount > 0 {
        // Masks of a shape of their own.
        let name = ["depth": "stochastic_depth", "channels": "spatial_dropout"][layer] ?? kind
        expected.noise = TrainingNoise(try #require(TrainingNoise.Kind(rawValue: name)), amount)
      }
      for role in node.weights.map(\.role) {
        if let penalty = truth.regularizers[role.rawValue] {
          expected.regularizers[role] = Regularizer(l1: penalty[0], l2: penalty[1])
        }
        if let initializer = truth.initializers[role.rawValue]?.made, initializer != .usual(for: role) {
          expected.initializers[role] = initializer
        }
      }
      #expect(network.training[layer] ?? LayerTraining() == expected, "\(layer)")
      if network.training[layer] != nil { seen.insert(layer) }
    }
    #expect(Set(network.training.keys) == seen)
    #expect(seen.count == 16)
    #expect(network.training["nothing"] == nil && network.training["plain"] == nil)
  }

  @Test func keras1HasNamesOfItsOwn() throws {
    let training = try network("keras1").training
    var conv = LayerTraining()
    conv.regularizers = [.kernel: Regularizer(l1: 0.25, l2: 0.5), .bias: Regularizer(l2: 0.125)]
    conv.initializers = [.kernel: .heNormal]
    var norm = LayerTraining()
    norm.momentum = 0.75
    norm.regularizers = [.gamma: Regularizer(l2: 0.25)]
    norm.initializers = [.beta: .ones]
    var (drop, noise, dense) = (LayerTraining(), LayerTraining(), LayerTraining())
    drop.noise = TrainingNoise(.dropout, 0.25)
    noise.noise = TrainingNoise(.gaussianNoise, 0.5)
    dense.isFrozen = true
    #expect(training == ["conv": conv, "bn": norm, "drop": drop, "noise": noise, "dense": dense])
  }

  @Test func genuineNetworksSayWhatTheyAreTrainedWith() throws {
    func training(_ name: String) throws -> [String: LayerTraining] {
      let data = try Data(contentsOf: URL(filePath: fixture("architectures/\(name).config.json")))
      return try kerasGraph(
        configuration: JSONValue(parsing: Array(data), location: name), inputSize: nil
      ).training
    }
    var dropout = LayerTraining()
    dropout.noise = TrainingNoise(.dropout, 0.001)
    #expect(try training("mobilenet") == ["dropout": dropout])
    #expect(try training("vgg16").isEmpty)
    let nasnet = try training("nasnet-narrow-skipping")
    #expect(nasnet.values.allSatisfy { $0.momentum == 0.9997 || $0.initializers[.kernel] == .heNormal })
    #expect(nasnet.values.contains { $0.momentum == 0.9997 })
  }

  @Test func whatMakesNoSenseIsLeftOut() throws {
    func training(_ class: String, _ config: String) throws -> LayerTraining? {
      let text = """
        {"class_name":"Sequential","config":{"name":"m","layers":[
        {"class_name":"InputLayer","config":{"name":"x","batch_shape":[null,4,4,3]}},
        {"class_name":"\(`class`)","config":{"name":"l",\(config)}}]}}
        """
      return try kerasGraph(configuration: jsonValue(text), inputSize: nil).training["l"]
    }
    for config in [#""rate":1.5"#, #""rate":"half""#, #""rate":null"#, #""seed":1"#, #""rate":-1"#] {
      #expect(try training("Dropout", config) == nil)
    }
    #expect(try training("Dropout", #""rate":0.5,"noise_shape":[null,4,1,3]"#)?.noise?.kind == .dropout)
    let conv = """
      "filters":2,"kernel_size":[1,1],"strides":[1,1],"padding":"valid","data_format":"channels_last",
      "dilation_rate":[1,1],"activation":"linear","use_bias":true
      """
    for extra in [
      #""kernel_regularizer":{"class_name":"OrthogonalRegularizer","config":{"factor":0.01}}"#,
      #""kernel_regularizer":{"class_name":"L2","config":{"l2":-1}}"#,
      #""kernel_regularizer":{"class_name":"L2","config":{"l2":"much"}}"#,
      #""kernel_initializer":{"class_name":"Identity","config":{"gain":1.0}}"#,
      #""kernel_initializer":{"class_name":"RandomUniform","config":{"minval":1,"maxval":0}}"#,
      #""kernel_initializer":{"class_name":"VarianceScaling","config":{"scale":0,"mode":"fan_in"}}"#,
      #""kernel_initializer":{"class_name":"VarianceScaling","config":{"scale":1,"mode":"fan_up"}}"#,
      #""kernel_initializer":17"#, #""gamma_regularizer":"l2""#,
    ] { #expect(try training("Conv2D", "\(conv),\(extra)") == nil, "\(extra)") }
    let short = try training("Conv2D", #"\#(conv),"kernel_regularizer":"l1_l2","trainable":false"#)
    #expect(short?.regularizers == [.kernel: Regularizer(l1: 0.01, l2: 0.01)])
    #expect(short?.isFrozen == true)
    let wrapped = #"{"class_name":"L2","config":{"l2":{"class_name":"__numpy__","config":{"value":0.5}}}}"#
    #expect(
      try training("Conv2D", #"\#(conv),"kernel_regularizer":\#(wrapped)"#)?.regularizers[.kernel]
        == Regularizer(l2: 0.5))
  }
}
