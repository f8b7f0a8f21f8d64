import ZooGraph
import ZooWeightFiles

/// A layer's output as a configuration names it: `["conv1", 0, 0]`, the layer, which of its calls, and
/// which of its outputs.
struct KerasReference: Hashable {
  let layer: String
  let output: Int

  /// Reads `[name, call, output]`, with the call's keyword arguments behind in Keras 2.
  ///
  /// The number of the call is not looked at: only layers that are called once are supported, and
  /// writers disagree on where a nested model's calls begin.
  init?(_ value: JSONValue) {
    guard let parts = value.array, parts.count >= 3, parts.count <= 4, let layer = parts[0].string,
      parts[1].integer != nil, let output = parts[2].integer, output >= 0
    else { return nil }
    self.layer = layer
    self.output = output
  }

  /// The inputs or outputs of a model: one reference, or a list of them.
  static func list(_ value: JSONValue?, of model: String) throws(ConversionError) -> [KerasReference] {
    guard let value else { throw malformed(model, "it does not name its inputs and outputs") }
    if let single = KerasReference(value) { return [single] }
    guard let array = value.array, !array.isEmpty else {
      throw malformed(model, "its inputs or outputs are no list of layers")
    }
    var references: [KerasReference] = []
    for item in array {
      guard let reference = KerasReference(item) else {
        throw malformed(model, "its inputs or outputs are no list of layers")
      }
      references.append(reference)
    }
    return references
  }

  func resolve(_ values: [String: [Value]], for reader: String) throws(ConversionError) -> Value {
    guard let outputs = values[layer] else {
      throw malformed(reader, "it reads '\(layer)', which does not exist")
    }
    guard output < outputs.count else {
      throw malformed(reader, "it reads output \(output) of '\(layer)', which has \(outputs.count)")
    }
    return outputs[output]
  }
}

extension KerasLayer {
  /// Keyword arguments of a call that change nothing at inference.
  private static let harmlessArguments: Set<String> = ["training", "mask"]

  /// What the layer reads, from `inbound_nodes`; nothing for an InputLayer.
  func references() throws(ConversionError) -> [KerasReference] {
    let calls = document["inbound_nodes"]?.array ?? []
    if className == "InputLayer" { return [] }
    guard let call = calls.first else { throw malformed(name, "it has no inputs") }
    guard calls.count == 1 else {
      throw unsupported(
        "it is shared: called \(calls.count) times",
        remedy: "give every call its own layer, with a copy of the weights, and save again")
    }
    var references: [KerasReference] = []
    if let list = call.array {
      // Keras 2: [["conv1", 0, 0, {}], …]
      for item in list {
        guard let reference = KerasReference(item) else { throw malformed(name, "its inputs can't be read") }
        references.append(reference)
        if let parts = item.array, parts.count == 4 { try check(arguments: parts[3].object ?? [:]) }
      }
    } else if let arguments = call["args"]?.array {
      // Keras 3: {"args": [tensor or [tensors]], "kwargs": {}}
      for argument in arguments { try collect(argument, into: &references) }
      try check(arguments: call["kwargs"]?.object ?? [:])
    } else {
      throw malformed(name, "its inputs can't be read")
    }
    return references
  }

  private func collect(
    _ argument: JSONValue, into references: inout [KerasReference]
  ) throws(ConversionError) {
    if let items = argument.array {
      for item in items { try collect(item, into: &references) }
    } else if argument["class_name"]?.string == "__keras_tensor__",
      let history = argument["config"]?["keras_history"], let reference = KerasReference(history)
    {
      references.append(reference)
    } else if argument != .null {
      throw unsupported("it is called with something that is not a layer's output")
    }
  }

  private func check(arguments: [String: JSONValue]) throws(ConversionError) {
    for (key, value) in arguments.sorted(by: { $0.key < $1.key })
    where value != .null && !KerasLayer.harmlessArguments.contains(key) {
      throw unsupported("it is called with the argument '\(key)'")
    }
  }
}
