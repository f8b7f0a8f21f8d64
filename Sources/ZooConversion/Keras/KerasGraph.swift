import ZooGraph
import ZooTensor
import ZooWeightFiles

/// A network as a Keras configuration describes it.
package struct KerasNetwork: Sendable {
  /// The model's name in the configuration.
  package let name: String
  /// Nested models flattened; the layers keep their names, with the container's in front only where a
  /// name would repeat.
  package let graph: Graph
  /// Every layer that became a node, in the order of `model.layers`, a nested model's in its place.
  package let layerOrder: [Placement]

  /// Where a layer stands in the configuration and in Keras 3's weight store.
  package struct Placement: Hashable, Sendable {
    /// The layer's own name in the configuration.
    package let layer: String
    /// The path of the enclosing nested models in the store (`layers/functional`); empty at the top.
    package let container: String
    /// The class in snake case (`conv2d`).
    package let className: String
    /// Counted from 0 per class among the layers of one model.
    package let ordinal: Int
    /// The index of the node in `graph.nodes`.
    package let node: Int
  }
}

/// The network that a Keras model configuration (Sequential or Functional, of Keras 2 or 3) describes.
///
/// - Parameters:
///   - configuration: what Keras stores as `model_config` or `config.json`.
///   - inputSize: height and width in pixels, for configurations that leave them open.
/// - Throws: a configuration that is malformed, or that has a layer or an attribute that would change
///   the result and is not supported; the error names the layer.
package func kerasGraph(
  configuration: JSONValue, inputSize: (Int, Int)?
) throws(ConversionError) -> KerasNetwork {
  var importer = KerasImporter(inputSize: inputSize)
  let model = try KerasModel(configuration, name: "the model")
  let outputs = try importer.add(model, inputs: nil, path: [], container: "")
  do {
    return KerasNetwork(
      name: model.name, graph: try importer.builder.build(outputs: outputs), layerOrder: importer.placements)
  } catch {
    throw ConversionError("invalid network", at: error.location, error.why)
  }
}

/// A Sequential or Functional model inside a configuration.
struct KerasModel {
  static let classNames: Set<String> = ["Sequential", "Functional", "Model"]

  let name: String
  let isSequential: Bool
  let members: [String: JSONValue]
  let layers: [KerasLayer]

  init(_ configuration: JSONValue, name fallbackName: String) throws(ConversionError) {
    guard let className = configuration["class_name"]?.string, let config = configuration["config"] else {
      throw malformed(fallbackName, "it has no class_name and config")
    }
    guard KerasModel.classNames.contains(className) else {
      throw ConversionError(
        "unsupported model", at: "\(fallbackName) (\(className))",
        "only Sequential and Functional models describe their layers",
        remedy: "rebuild it with the functional API and save it again")
    }
    isSequential = className == "Sequential"
    // Keras before 2.2.3 wrote a Sequential's configuration as a bare list of layers.
    members = config.object ?? [:]
    name = config["name"]?.string ?? configuration["name"]?.string ?? fallbackName
    guard let list = config.array ?? config["layers"]?.array else {
      throw malformed(name, "it has no list of layers")
    }
    var layers: [KerasLayer] = []
    for layer in list { layers.append(try KerasLayer(layer, in: name)) }
    self.layers = layers
  }
}

/// Something in a configuration that breaks Keras' own rules.
func malformed(_ layer: String, _ why: String) -> ConversionError {
  ConversionError("malformed Keras configuration", at: "layer '\(layer)'", why)
}

/// Adds the layers of models to one graph.
struct KerasImporter {
  /// How deep models may be nested.
  static let depthLimit = 16

  let inputSize: (Int, Int)?
  var builder = GraphBuilder()
  var placements: [KerasNetwork.Placement] = []
  private var names: Set<String> = []
  private var nodeCount = 0

  init(inputSize: (Int, Int)?) { self.inputSize = inputSize }

  /// Adds a model's layers; `inputs` are what a nested model is called with.
  mutating func add(
    _ model: KerasModel, inputs: [Value]?, path: [String], container: String
  ) throws(ConversionError) -> [Value] {
    guard path.count < KerasImporter.depthLimit else {
      throw malformed(model.name, "models are nested more than \(KerasImporter.depthLimit) deep")
    }
    return model.isSequential
      ? [try addSequential(model, inputs: inputs, path: path, container: container)]
      : try addFunctional(model, inputs: inputs, path: path, container: container)
  }

  /// Adds one layer, or the layers of a nested model.
  private mutating func add(
    _ layer: KerasLayer, _ inputs: [Value], path: [String], container: String, ordinal: Int
  ) throws(ConversionError) -> [Value] {
    if KerasModel.classNames.contains(layer.className) {
      let place = "layers/\(layer.storeName)" + (ordinal == 0 ? "" : "_\(ordinal)")
      return try add(
        KerasModel(layer.document, name: layer.name), inputs: inputs, path: path + [layer.name],
        container: container.isEmpty ? place : "\(container)/\(place)")
    }
    let operation =
      layer.className == "InputLayer"
      ? try layer.inputOperation(size: inputSize)
      : try layer.operation(inputs: inputs.map { builder.shape(of: $0) })
    return [try append(layer, operation, inputs, path: path, container: container, ordinal: ordinal)]
  }

  private mutating func append(
    _ layer: KerasLayer, _ operation: Operation, _ inputs: [Value], path: [String], container: String,
    ordinal: Int
  ) throws(ConversionError) -> Value {
    guard nodeCount < Graph.nodeLimit else {
      throw malformed(layer.name, "the model has more than \(Graph.nodeLimit) layers")
    }
    var name = layer.name
    if names.contains(name) { name = (path + [name]).joined(separator: "/") }
    guard names.insert(name).inserted else { throw malformed(layer.name, "two layers have this name") }
    placements.append(
      KerasNetwork.Placement(
        layer: layer.name, container: container, className: layer.storeName, ordinal: ordinal, node: nodeCount
      ))
    nodeCount += 1
    return builder.add(name, operation, inputs)
  }

  // MARK: Sequential

  private mutating func addSequential(
    _ model: KerasModel, inputs: [Value]?, path: [String], container: String
  ) throws(ConversionError) -> Value {
    var counts: [String: Int] = [:]
    var value: Value?
    if let inputs {
      guard inputs.count == 1 else { throw malformed(model.name, "it is called with \(inputs.count) inputs") }
      value = inputs[0]
    }
    for layer in model.layers {
      let ordinal = counts[layer.storeName, default: 0]
      counts[layer.storeName] = ordinal + 1
      if layer.className == "InputLayer", value != nil { continue }
      if value == nil, layer.className != "InputLayer", !KerasModel.classNames.contains(layer.className) {
        value = try addImplicitInput(of: model, before: layer)
      }
      let outputs = try add(
        layer, value.map { [$0] } ?? [], path: path, container: container, ordinal: ordinal)
      guard outputs.count == 1 else { throw malformed(layer.name, "it has \(outputs.count) outputs") }
      value = outputs[0]
    }
    guard let value else { throw malformed(model.name, "it has no layers") }
    return value
  }

  /// The input of a Sequential model that has no InputLayer: its shape is the first layer's or the model's.
  private mutating func addImplicitInput(
    of model: KerasModel, before layer: KerasLayer
  ) throws(ConversionError) -> Value {
    var members: [String: JSONValue] = ["name": .string("\(layer.name)_input")]
    let shape = layer.members["batch_input_shape"] ?? layer.members["batch_shape"]
    members["batch_shape"] = shape ?? model.members["build_input_shape"]
    let input = KerasLayer(className: "InputLayer", name: "\(layer.name)_input", members: members)
    let operation = try input.inputOperation(size: inputSize)
    nodeCount += 1
    names.insert(input.name)
    return builder.add(input.name, operation)
  }

  // MARK: Functional

  private mutating func addFunctional(
    _ model: KerasModel, inputs: [Value]?, path: [String], container: String
  ) throws(ConversionError) -> [Value] {
    var values: [String: [Value]] = [:]
    if let inputs {
      let names = try KerasReference.list(model.members["input_layers"], of: model.name)
      guard names.count == inputs.count else {
        throw malformed(model.name, "it has \(names.count) inputs and is called with \(inputs.count)")
      }
      for (reference, value) in zip(names, inputs) { values[reference.layer] = [value] }
    }

    var counts: [String: Int] = [:]
    var calls: [(layer: KerasLayer, references: [KerasReference], ordinal: Int)] = []
    for layer in model.layers {
      let ordinal = counts[layer.storeName, default: 0]
      counts[layer.storeName] = ordinal + 1
      calls.append((layer, try layer.references(), ordinal))
    }

    // Keras writes layers in an order in which they can run, but reads them in any. A layer whose
    // input is still to come waits under that input's name.
    var waiting: [String: [Int]] = [:]
    var done = 0
    for index in calls.indices {
      var ready = [index]
      while let next = ready.popLast() {
        let (layer, references, ordinal) = calls[next]
        if let missing = references.first(where: { values[$0.layer] == nil }) {
          waiting[missing.layer, default: []].append(next)
          continue
        }
        done += 1
        // A nested model's own InputLayer stands for what the model is called with.
        if inputs == nil || layer.className != "InputLayer" || values[layer.name] == nil {
          guard values[layer.name] == nil else { throw malformed(layer.name, "two layers have this name") }
          var arguments: [Value] = []
          for reference in references { arguments.append(try reference.resolve(values, for: layer.name)) }
          values[layer.name] = try add(
            layer, arguments, path: path, container: container, ordinal: ordinal)
        }
        ready += waiting.removeValue(forKey: layer.name)?.reversed() ?? []
      }
    }
    guard done == calls.count else {
      let name = waiting.keys.sorted().first { name in !model.layers.contains { $0.name == name } }
      throw malformed(
        model.name, name.map { "a layer reads '\($0)', which does not exist" } ?? "its layers form a cycle")
    }
    var outputs: [Value] = []
    for reference in try KerasReference.list(model.members["output_layers"], of: model.name) {
      outputs.append(try reference.resolve(values, for: model.name))
    }
    return outputs
  }
}
