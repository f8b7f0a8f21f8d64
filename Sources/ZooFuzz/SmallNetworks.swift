import Foundation
import ZooCompression
import ZooConversion
import ZooFormat
import ZooGraph
import ZooKeras
import ZooTensor
import ZooWeightFiles

/// Networks that are small enough to run for every input.
enum SmallNetworks {
  /// Configurations with most layers, in the forms of Keras 2 and 3.
  static let configurations: [[UInt8]] = [
    functional([
      layer(
        "Conv2D",
        #""data_format": "channels_last", "filters": 4, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "dilation_rate": [1, 1], "groups": 1, "activation": "relu", "use_bias": true"#
      ),
      layer("BatchNormalization", #""axis": 3, "epsilon": 0.001, "center": true, "scale": true"#),
      layer("Activation", #""activation": "relu""#),
      layer("ZeroPadding2D", #""data_format": "channels_last", "padding": [[0, 1], [0, 1]]"#),
      layer(
        "DepthwiseConv2D",
        #""data_format": "channels_last", "kernel_size": [3, 3], "strides": [2, 2], "padding": "valid", "depth_multiplier": 2, "dilation_rate": [1, 1], "activation": "linear", "use_bias": false"#
      ),
      layer("ReLU", #""max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0"#),
      layer(
        "SeparableConv2D",
        #""data_format": "channels_last", "filters": 3, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "depth_multiplier": 1, "dilation_rate": [1, 1], "activation": "linear", "use_bias": true"#
      ),
      layer("GlobalAveragePooling2D", #""data_format": "channels_last", "keepdims": false"#),
      layer("Dense", #""units": 5, "activation": "softmax", "use_bias": true"#),
    ]),
    functional([
      layer(
        "MaxPooling2D",
        #""data_format": "channels_last", "pool_size": [3, 3], "strides": [2, 2], "padding": "same""#),
      layer(
        "Conv2D",
        #""data_format": "channels_last", "filters": 6, "kernel_size": [1, 1], "strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "groups": 3, "activation": "linear", "use_bias": false"#
      ),
      layer(
        "AveragePooling2D",
        #""data_format": "channels_last", "pool_size": [2, 2], "strides": [1, 1], "padding": "same""#),
      layer("Cropping2D", #""data_format": "channels_last", "cropping": [[1, 0], [0, 1]]"#),
      layer(
        "Conv2D",
        #""data_format": "channels_last", "filters": 4, "kernel_size": [5, 3], "strides": [1, 1], "padding": "same", "dilation_rate": [2, 2], "groups": 1, "activation": "tanh", "use_bias": true"#
      ),
      layer("Flatten", #""data_format": "channels_last""#),
      layer("Dense", #""units": 7, "activation": "sigmoid", "use_bias": true"#),
    ]),
  ]

  private static func layer(_ className: String, _ configuration: String) -> (String, String) {
    (className, configuration)
  }

  /// A Functional model of these layers in a row, with an Add and a Concatenate behind the first.
  private static func functional(_ layers: [(String, String)]) -> [UInt8] {
    var texts = [
      #"{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 13, 11, 3], "dtype": "float32", "name": "input"}, "name": "input", "inbound_nodes": []}"#
    ]
    var last = "input"
    func add(_ className: String, _ configuration: String, name: String, from inputs: [String]) {
      let separator = configuration.isEmpty ? "" : ", "
      let inbound = inputs.map { #"["\#($0)", 0, 0, {}]"# }.joined(separator: ", ")
      texts.append(
        #"{"class_name": "\#(className)", "config": {"name": "\#(name)"\#(separator)\#(configuration)}, "name": "\#(name)", "inbound_nodes": [[\#(inbound)]]}"#
      )
      last = name
    }
    for (index, (className, configuration)) in layers.enumerated() {
      let name = "layer\(index)"
      add(className, configuration, name: name, from: [last])
      guard index == 0 else { continue }
      add("Activation", #""activation": "relu""#, name: "side", from: [name])
      add("Add", "", name: "add", from: [name, "side"])
      add("Concatenate", #""axis": -1"#, name: "concatenate", from: ["add", name])
    }
    let text =
      #"{"class_name": "Functional", "config": {"name": "small", "layers": [\#(texts.joined(separator: ", "))], "input_layers": [["input", 0, 0]], "output_layers": [["\#(last)", 0, 0]]}, "keras_version": "2.15.0"}"#
    return Array(text.utf8)
  }

  /// Another way to store the weights for each network, so that all occur.
  private static func storagePlan(_ index: Int, _ graph: Graph) -> StoragePlan {
    func floats(_ type: ElementType) -> StoragePlan {
      StoragePlan(forms: Dictionary(uniqueKeysWithValues: graph.weightSlots.map { ($0, .values(type)) }))
    }
    func codes(_ kinds: [QuantizedForm.Kind]) -> StoragePlan {
      var forms: [WeightSlot: TensorForm] = [:]
      for node in graph.nodes {
        for slot in node.weights {
          forms[slot] = kinds.lazy.compactMap { node.operation.quantizedForm($0, of: slot) }.first
            .map(TensorForm.codes)
        }
      }
      return StoragePlan(forms: forms)
    }
    var plan =
      switch index % 7 {
      case 1: floats(.float16)
      case 2, 3: floats(.bfloat16)
      case 4: codes([.int4, .int8])
      case 5: codes([.uint4, .int8])
      case 6: codes([.int8])
      default: StoragePlan()
      }
    // Of an even number, with planes; the first file is a plain one.
    if index > 0, index % 2 == 0 { plan.frames = Zstandard.shared }
    plan.leastCodedValues = 1
    return plan
  }

  /// The same networks as `.zoo` files.
  static func zooFiles() throws -> [[UInt8]] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "zoo-fuzz-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try configurations.enumerated().map { index, configuration in
      let document = try JSONValue(parsing: configuration, location: "seed \(index)")
      let network = try kerasGraph(configuration: document, inputSize: nil)
      let graph = network.graph
      let places = graph.kerasLayerPlaces.filter { place in
        graph.nodes[place.node].sharing == nil && !graph.nodes[place.node].weights.isEmpty
      }
      let path = folder.appendingPathComponent("\(index).zoo").path
      let weights = EngineComparison.Weights()
      let zoo = ZooDocument(
        graph: graph, card: ModelCard(architecture: "small", variant: "seed \(index)", preprocessing: .tf),
        kerasPlaces: network.places.isEmpty ? places : network.places,
        labels: (0..<(graph[graph.outputs[0]].shape.dimensions.last ?? 1)).map {
          ClassLabel(id: "\($0)", name: "class \($0)")
        },
        verification: ["checked": "by nobody"], layerTraining: network.training)
      try ZooWriter(document: zoo, plan: storagePlan(index, graph))
        .write(to: path, overwrite: true, weights: weights)
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }
}
