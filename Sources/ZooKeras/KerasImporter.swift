import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// The network that a Keras model configuration (Sequential or Functional, of Keras 1, 2 or 3) describes.
///
/// - Parameters:
///   - configuration: what Keras stores as `model_config` or `config.json`.
///   - inputSize: height and width in pixels, for configurations that leave them open.
///   - writer: what wrote the file, `keras 2.3.1`, where the file says it.
///   - lambdas: by the name of a layer with Python code, what a person states that it computes.
///   - file: the file, for the command that an error proposes.
/// - Throws: a configuration that is malformed, or that has layers or attributes that would change
///   the result and are not supported; one error names them all.
package func kerasGraph(
  configuration: JSONValue, inputSize: (Int, Int)?, writer: String? = nil, lambdas: [String: String] = [:],
  file: String = "FILE"
) throws(ZooError) -> KerasNetwork {
  let dialect = KerasDialect(writer: writer) ?? KerasDialect(of: configuration)
  var importer = KerasImporter(
    inputSize: inputSize, dialect: dialect, lambdas: try LambdaStatements(lambdas), file: file)
  do throws(ZooError) {
    let model = try KerasModel(configuration, name: "the model", dialect: dialect)
    importer.reserve(model)
    let outputs = try importer.add(model, inputs: nil, path: [], container: "")
    try importer.checkUnsupported()
    try importer.lambdas.checkIsUsed()
    let graph = try importer.builder.build(outputs: outputs)
    return KerasNetwork(
      name: model.name, graph: graph, layerOrder: importer.placements,
      updateFactors: importer.updateFactors, training: importer.training(of: graph),
      storedAxes: importer.storedAxes)
  } catch {
    // What is wrong further on may follow from a layer that could not be read, or that was not meant.
    try importer.checkUnsupported()
    try importer.lambdas.checkIsUnique()
    throw error
  }
}

/// Adds the layers of models to one graph.
struct KerasImporter {
  /// How deep models may be nested.
  static let depthLimit = 16

  let inputSize: (Int, Int)?
  let dialect: KerasDialect
  var builder = GraphBuilder()
  var placements: [KerasPlace] = []
  var storedAxes: [String: [WeightRole: StoredAxes]] = [:]
  /// By the name of a node with weights, Keras' `lora_alpha` / `lora_rank` of its layer.
  private(set) var updateFactors: [String: Double] = [:]
  /// What layers say for training, by the index of the node that it is about.
  private var trainings: [Int: LayerTraining] = [:]
  private var names: Set<String> = []
  private var reserved: Set<String> = []
  private var nodeCount = 0
  /// Whether a nested model around the layers that are being added is frozen.
  private var isFrozen = false
  /// By path: the layers that have been called, with the name of their first call's node.
  private var called: [[String]: (name: String, times: Int)] = [:]
  /// By path: the nodes that have a layer's weights.
  private var owners: [[String]: Value] = [:]
  /// The values that only are others with their axes in another order.
  private var permuted: [Value: (source: Value, order: [Int])] = [:]
  private var unsupported: [(layer: KerasLayer, error: ZooError)] = []
  /// What is stated of layers with Python code.
  private(set) var lambdas: LambdaStatements
  /// What has to be stated of layers with Python code, as options of the command, and by how many calls.
  private var missing: (options: [String], calls: Int) = ([], 0)
  private let file: String

  init(inputSize: (Int, Int)?, dialect: KerasDialect, lambdas: LambdaStatements, file: String) {
    self.inputSize = inputSize
    self.dialect = dialect
    self.lambdas = lambdas
    self.file = file
  }

  /// Keeps the names of the outermost model's layers for them.
  mutating func reserve(_ model: KerasModel) { reserved = Set(model.layers.map(\.name)) }

  /// Throws what has been found unsupported so far, as one error.
  func checkUnsupported() throws(ZooError) {
    guard let first = unsupported.first else { return }
    var groups: [(className: String, error: ZooError, names: [String])] = []
    for (layer, error) in unsupported {
      if let known = groups.firstIndex(where: { $0.className == layer.className && $0.error.why == error.why }
      ) {
        groups[known].names.append(layer.name)
      } else {
        groups.append((layer.className, error, [layer.name]))
      }
    }
    func location(_ group: (className: String, error: ZooError, names: [String])) -> String {
      guard group.names.count > 1 else { return group.error.location }
      let names = group.names.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
      let more = group.names.count > 3 ? ", …" : ""
      return "\(group.names.count) layers (\(group.className): \(names)\(more))"
    }
    let others = groups.dropFirst()
    let list =
      others.prefix(8).map { "\(location($0)): \($0.error.why)" }
      + (others.count > 8 ? ["and \(others.count - 8) more"] : [])
    throw ZooError(
      first.error.code, what: first.error.what, at: location(groups[0]),
      others.isEmpty ? first.error.why : "\(first.error.why); also " + list.joined(separator: "; "),
      remedy: remedy)
  }

  /// What to do about the unsupported layers: where Python code is all that they are, what to type.
  private var remedy: String? {
    guard missing.calls == unsupported.count else {
      return unsupported.first { $0.error.remedy != nil }?.error.remedy
    }
    return "State what \(missing.options.count == 1 ? "it computes" : "they compute"), for example: "
      + "zoo convert \(file) \(missing.options.prefix(8).joined(separator: " "))"
  }

  /// What a layer with Python code computes, as it is stated; nil for other layers.
  private mutating func statedSteps(
    _ layer: KerasLayer, _ inputs: [Value], path: [String]
  ) throws(ZooError) -> [KerasStep]? {
    guard layer.className == "Lambda" || layer.needsStatement else { return nil }
    let path = path + [layer.name]
    if let expression = lambdas.expression(at: path) {
      return try layer.steps(stating: expression, inputs: inputs.map { builder.shape(of: $0) })
    }
    if let activation = layer.namedActivation {
      let named = KerasLayer(
        className: "Activation", name: layer.name, members: ["activation": .string(activation)],
        dialect: dialect)
      return try named.steps(.tensors(inputs.count), inputs: inputs.map { builder.shape(of: $0) })
    }
    if inputs.count == 1 {
      let name = names.contains(layer.name) ? path.joined(separator: "/") : layer.name
      let example = layer.likelyExpression ?? (layer.className == "Lambda" ? "x / 255" : "x * sigmoid(x)")
      let option = "--lambda '\("\(name)=\(example)".replacing("'", with: #"'\''"#))'"
      if !missing.options.contains(option) { missing.options.append(option) }
      missing.calls += 1
    }
    throw layer.unstated(inputs: inputs.count)
  }

  /// Adds a model's layers; `inputs` are what a nested model is called with.
  mutating func add(
    _ model: KerasModel, inputs: [Value]?, path: [String], container: String
  ) throws(ZooError) -> [Value] {
    guard path.count < KerasImporter.depthLimit else {
      throw malformed(model.name, "models are nested more than \(KerasImporter.depthLimit) deep")
    }
    let outer = isFrozen
    defer { isFrozen = outer }
    if !path.isEmpty, model.members["trainable"]?.flag == false { isFrozen = true }
    return model.isSequential
      ? [try addSequential(model, inputs: inputs, path: path, container: container)]
      : try addFunctional(model, inputs: inputs, path: path, container: container)
  }

  /// Adds one call of a layer, or of the layers of a nested model.
  private mutating func add(
    _ layer: KerasLayer, _ call: KerasCall, _ inputs: [Value], path: [String], container: String, ordinal: Int
  ) throws(ZooError) -> [Value] {
    if layer.isModel {
      let place = "layers/\(layer.storeName)" + (ordinal == 0 ? "" : "_\(ordinal)")
      return try add(
        KerasModel(layer.document, name: layer.name, dialect: dialect), inputs: inputs,
        path: path + [layer.name], container: container.isEmpty ? place : "\(container)/\(place)")
    }
    var steps: [KerasStep]
    do {
      if layer.className == "InputLayer" {
        steps = [KerasStep(try layer.inputOperation(size: inputSize), [])]
      } else if let stated = try statedSteps(layer, inputs, path: path) {
        steps = stated
      } else {
        steps = try layer.steps(call, inputs: inputs.map { builder.shape(of: $0) })
      }
      if let (moved, sources) = beforePermutation(steps, inputs) {
        return try append(moved, of: layer, sources, path: path, container: container, ordinal: ordinal)
      }
    } catch  where error.what == KerasLayer.unsupportedLayer {
      // The others are looked at too, so that one error names them all.
      unsupported.append((layer, error))
      steps = [KerasStep(.identity(layer: layer.className), [.input(0)])]
    }
    return try append(steps, of: layer, inputs, path: path, container: container, ordinal: ordinal)
  }

  /// What works value by value on values that all are permuted alike, moved in front of the permutation, so
  /// that the next layer can undo that; nil for other layers.
  private func beforePermutation(
    _ steps: [KerasStep], _ inputs: [Value]
  ) -> (steps: [KerasStep], inputs: [Value])? {
    guard steps.count == 1, let first = inputs.first, let order = permuted[first]?.order,
      steps[0].operation.isElementwise, inputs.allSatisfy({ permuted[$0]?.order == order })
    else { return nil }
    let sources = inputs.compactMap { permuted[$0]?.source }
    guard sources.allSatisfy({ builder.shape(of: $0) == builder.shape(of: sources[0]) }) else { return nil }
    return ([steps[0], KerasStep(.permute(order: order), [.step(0)])], sources)
  }

  /// Adds the nodes of one call; the last has the layer's name.
  private mutating func append(
    _ steps: [KerasStep], of layer: KerasLayer, _ inputs: [Value], path: [String], container: String,
    ordinal: Int
  ) throws(ZooError) -> [Value] {
    guard nodeCount + steps.count <= Graph.nodeLimit else {
      throw malformed(layer.name, "the model has more than \(Graph.nodeLimit) layers")
    }
    let path = path + [layer.name]
    let name = try name(ofCallOf: layer, path: path)
    var values: [Value] = []
    for (position, step) in steps.enumerated() {
      let arguments = try step.sources.map { source throws(ZooError) in
        switch source {
        case .input(let index):
          guard index < inputs.count else { throw malformed(layer.name, "it has \(inputs.count) inputs") }
          return inputs[index]
        case .step(let index): return values[index]
        }
      }
      let isLast = position == steps.count - 1
      if !isLast, case .permute(let order) = step.operation, let earlier = permuted[arguments[0]],
        KerasLayer.inverse(order) == earlier.order
      {
        values.append(earlier.source)
        continue
      }
      var stepName = name
      if !isLast {
        let base = "\(name)/\(step.operation.kind)"
        stepName = base
        var number = 2
        while names.contains(stepName) {
          stepName = "\(base)_\(number)"
          number += 1
        }
        names.insert(stepName)
      }
      let owner = step.operation.hasOwnWeights ? owners[path] : nil
      let value = builder.add(stepName, step.operation, arguments, sharing: owner)
      values.append(value)
      if !step.stored.isEmpty { storedAxes[stepName] = step.stored }
      if case .permute(let order) = step.operation { permuted[value] = (arguments[0], order) }
      if case .identity = step.operation, let noise = layer.noise {
        trainings[value.index, default: LayerTraining()].noise = noise
      }
      if step.operation.hasOwnWeights, owner == nil {
        owners[path] = value
        trainings[value.index] = layer.training(isFrozen: isFrozen)
        if let rank = layer.members["lora_rank"]?.number, rank > 0 {
          updateFactors[stepName] = (layer.members["lora_alpha"]?.number ?? rank) / rank
        }
      }
    }
    nodeCount += steps.count
    guard !values.isEmpty else { throw malformed(layer.name, "it computes nothing") }
    if called[path]?.times == 1 {
      let group = layer.storeName + (ordinal == 0 ? "" : "_\(ordinal)")
      let groups = container.split(separator: "/").filter { $0 != "layers" }.map(String.init) + [group]
      placements.append(
        KerasPlace(
          node: (owners[path] ?? values.last)?.index ?? 0, steps: zip(path, groups).map(KerasPlace.Step.init),
          isTrainable: !isFrozen && layer.members["trainable"]?.flag != false))
    }
    let results = zip(steps, values).filter { $0.0.isResult }.map(\.1)
    return results.isEmpty ? values.suffix(1) : results
  }

  /// What layers say for training, as far as it concerns weights that their nodes have.
  func training(of graph: Graph) -> [String: LayerTraining] {
    var table: [String: LayerTraining] = [:]
    for (index, training) in trainings {
      let node = graph.nodes[index]
      let roles = Set(node.weights.map(\.role))
      var own = training
      own.regularizers = own.regularizers.filter { roles.contains($0.key) && $0.key.isTrainable }
      own.initializers = own.initializers.filter { roles.contains($0.key) }
      if !own.isUsual, own.fault(of: node) == nil { table[node.name] = own }
    }
    return table
  }

  /// The layer's own name where it is free, else with the enclosing models in front; a further call has
  /// its number behind.
  private mutating func name(ofCallOf layer: KerasLayer, path: [String]) throws(ZooError) -> String {
    let name: String
    if let first = called[path] {
      name = "\(first.name):\(first.times + 1)"
      called[path] = (first.name, first.times + 1)
    } else {
      let isTaken = names.contains(layer.name) || (path.count > 1 && reserved.contains(layer.name))
      name = isTaken ? path.joined(separator: "/") : layer.name
      called[path] = (name, 1)
    }
    guard names.insert(name).inserted else { throw malformed(layer.name, "two layers have this name") }
    return name
  }

  // MARK: Sequential

  private mutating func addSequential(
    _ model: KerasModel, inputs: [Value]?, path: [String], container: String
  ) throws(ZooError) -> Value {
    var counts: [String: Int] = [:]
    var value: Value?
    if let inputs {
      guard inputs.count == 1 else { throw malformed(model.name, "it is called with \(inputs.count) inputs") }
      value = inputs[0]
    }
    var seen: Set<String> = []
    for layer in model.layers {
      guard seen.insert(layer.name).inserted else { throw malformed(layer.name, "two layers have this name") }
      let ordinal = counts[layer.storeName, default: 0]
      counts[layer.storeName] = ordinal + 1
      if layer.className == "InputLayer", value != nil { continue }
      if value == nil, layer.className != "InputLayer", !layer.isModel {
        value = try addImplicitInput(of: model, before: layer)
      }
      let inputs = value.map { [$0] }
      let outputs =
        layer.isModel && inputs == nil
        ? try add(
          KerasModel(layer.document, name: layer.name, dialect: dialect), inputs: nil,
          path: path + [layer.name],
          container: (container.isEmpty ? "" : "\(container)/") + "layers/\(layer.storeName)")
        : try add(
          layer, .tensors(inputs?.count ?? 0), inputs ?? [], path: path, container: container,
          ordinal: ordinal)
      guard outputs.count == 1 else { throw malformed(layer.name, "it has \(outputs.count) outputs") }
      value = outputs[0]
    }
    guard let value else { throw malformed(model.name, "it has no layers") }
    return value
  }

  /// The input of a Sequential model that has no InputLayer: its shape is the first layer's or the model's.
  private mutating func addImplicitInput(
    of model: KerasModel, before layer: KerasLayer
  ) throws(ZooError) -> Value {
    var members: [String: JSONValue] = ["name": .string("\(layer.name)_input")]
    let shape = layer.members["batch_input_shape"] ?? layer.members["batch_shape"]
    members["batch_shape"] = shape ?? model.members["build_input_shape"]
    let input = KerasLayer(
      className: "InputLayer", name: "\(layer.name)_input", members: members, dialect: dialect)
    let operation = try input.inputOperation(size: inputSize)
    nodeCount += 1
    guard names.insert(input.name).inserted else { throw malformed(input.name, "two layers have this name") }
    return builder.add(input.name, operation)
  }

  // MARK: Functional

  private mutating func addFunctional(
    _ model: KerasModel, inputs: [Value]?, path: [String], container: String
  ) throws(ZooError) -> [Value] {
    var run = try FunctionalRun(model)
    if let inputs {
      let references = try KerasReference.list(model.members["input_layers"], of: model.name)
      guard references.count == inputs.count else {
        throw malformed(model.name, "it has \(references.count) inputs and is called with \(inputs.count)")
      }
      for (reference, value) in zip(references, inputs) { run.values[.init(reference.layer, 0)] = [value] }
    } else {
      // The network's inputs are in the order of the model's, not of its layers.
      let references = try KerasReference.list(model.members["input_layers"], of: model.name)
      run.moveToFront(references.map(\.layer))
    }
    // Keras writes layers in an order in which they can run, but reads them in any. A call whose input is
    // still to come waits for that input.
    var waiting: [FunctionalRun.Key: [Int]] = [:]
    var done = 0
    for index in run.calls.indices {
      var ready = [index]
      while let next = ready.popLast() {
        let unit = run.calls[next]
        if let missing = try run.firstMissing(of: unit) {
          waiting[missing, default: []].append(next)
          continue
        }
        done += 1
        // A nested model's own InputLayer stands for what the model is called with.
        if run.values[unit.key] == nil {
          var arguments: [Value] = []
          for reference in unit.call.references {
            arguments.append(try run.resolve(reference, for: unit.layer.name))
          }
          run.values[unit.key] = try add(
            unit.layer, unit.call, arguments, path: path, container: container, ordinal: unit.ordinal)
        }
        ready += waiting.removeValue(forKey: unit.key)?.reversed() ?? []
      }
    }
    guard done == run.calls.count else { throw malformed(model.name, "its layers form a cycle") }
    var outputs: [Value] = []
    for reference in try KerasReference.list(model.members["output_layers"], of: model.name) {
      outputs.append(try run.resolve(reference, for: model.name))
    }
    return outputs
  }
}
