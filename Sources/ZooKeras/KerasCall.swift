import ZooGraph
import ZooSystem
import ZooWeightFiles

/// A layer's output as a configuration names it: `["conv1", 0, 0]`, the layer, which of its calls, and
/// which of its outputs.
struct KerasReference: Hashable {
  let layer: String
  let call: Int
  let output: Int
  /// Whether the calls of a nested model are counted from 1: the model's own making is its call 0.
  var countsModels = true

  /// Reads `[name, call, output]`, with the call's keyword arguments behind in Keras 2.
  init?(_ value: JSONValue) {
    guard let parts = value.array, parts.count >= 3, parts.count <= 4, let layer = parts[0].string,
      let call = parts[1].integer, call >= 0, let output = parts[2].integer, output >= 0
    else { return nil }
    self.layer = layer
    self.call = call
    self.output = output
  }

  /// The inputs or outputs of a model: one reference, or a list of them.
  static func list(_ value: JSONValue?, of model: String) throws(ZooError) -> [KerasReference] {
    guard let value else { throw malformed(model, "it does not list its inputs and outputs") }
    if let single = KerasReference(value) { return [single] }
    guard let array = value.array, !array.isEmpty else {
      throw malformed(model, "its inputs or outputs are not a list of layers")
    }
    var references: [KerasReference] = []
    for item in array {
      guard let reference = KerasReference(item) else {
        throw malformed(model, "its inputs or outputs are not a list of layers")
      }
      references.append(reference)
    }
    return references
  }

  /// Which of a layer's `count` calls is meant.
  ///
  /// A layer that is called once leaves no doubt; writers disagree on where a nested model's calls begin.
  func index(among count: Int, isModel: Bool) -> Int? {
    if count == 1 { return 0 }
    let index = isModel && countsModels ? call - 1 : call
    return (0..<count).contains(index) ? index : nil
  }
}

/// One call of a layer: what it is given.
struct KerasCall {
  /// What stands in an operation's place for a tensor or a number.
  enum Operand {
    /// An index into ``KerasCall/references``.
    case tensor(Int)
    case constant(JSONValue)
  }

  var references: [KerasReference] = []
  /// The arguments in their order; a list of tensors counts as so many arguments.
  var operands: [Operand] = []
  var keywords: [String: JSONValue] = [:]

  /// The call of a layer that reads `count` tensors and nothing else.
  static func tensors(_ count: Int) -> KerasCall {
    KerasCall(operands: (0..<count).map(Operand.tensor))
  }

  fileprivate mutating func add(_ reference: KerasReference) {
    operands.append(.tensor(references.count))
    references.append(reference)
  }

  /// A tensor of Keras 3, a list of them, or a constant.
  fileprivate mutating func add(_ argument: JSONValue) {
    if let reference = KerasCall.tensor(argument) {
      add(reference)
    } else if let items = argument.array, items.contains(where: { KerasCall.tensor($0) != nil }) {
      for item in items { add(item) }
    } else if argument != .null {
      operands.append(.constant(argument))
    }
  }

  fileprivate static func tensor(_ argument: JSONValue) -> KerasReference? {
    guard argument["class_name"]?.string == "__keras_tensor__",
      let history = argument["config"]?["keras_history"], var reference = KerasReference(history)
    else { return nil }
    reference.countsModels = false
    return reference
  }
}

extension KerasLayer {
  /// Keyword arguments of a call that change nothing at inference.
  private static let harmlessArguments: Set<String> = ["training", "mask", "name"]

  /// The layer's calls in this model, from `inbound_nodes`; one without arguments for an InputLayer.
  func calls() throws(ZooError) -> [KerasCall] {
    if className == "InputLayer" { return [KerasCall()] }
    guard let nodes = document["inbound_nodes"]?.array, !nodes.isEmpty else {
      throw malformed(name, "it has no inputs")
    }
    var calls: [KerasCall] = []
    // Functions of TensorFlow are called once; their list of tensors is not wrapped in a list of calls.
    let isBare = nodes.allSatisfy { $0.array?.first?.string != nil }
    for node in isBare ? [.array(nodes)] : nodes {
      var call = KerasCall()
      if let list = node.array {
        for item in list { try add(item, to: &call) }
      } else if let arguments = node["args"]?.array {
        for argument in arguments { call.add(argument) }
        for (key, value) in (node["kwargs"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
          if KerasCall.tensor(value) != nil { call.add(value) } else { call.keywords[key] = value }
        }
      } else {
        throw malformed(name, "its inputs can't be read")
      }
      call.keywords = call.keywords.filter {
        $0.value != .null && !KerasLayer.harmlessArguments.contains($0.key)
      }
      if !isFunction {
        guard !call.references.isEmpty else { throw malformed(name, "its inputs can't be read") }
        if call.references.count != call.operands.count {
          throw unsupported("it is called with something that is not a layer's output")
        }
        if let key = call.keywords.keys.sorted().first {
          throw unsupported("it is called with the argument '\(key)'")
        }
      }
      calls.append(call)
    }
    return calls
  }

  /// Keras 2: `["conv1", 0, 0, {keywords}]`, or for functions of TensorFlow `["_CONSTANT_VALUE", -1, 2.0, {}]`.
  private func add(_ item: JSONValue, to call: inout KerasCall) throws(ZooError) {
    guard let parts = item.array else { throw malformed(name, "its inputs can't be read") }
    if let reference = KerasReference(item) {
      call.add(reference)
    } else if isFunction, parts.count >= 3, parts[0].string == "_CONSTANT_VALUE" {
      call.operands.append(.constant(parts[2]))
    } else {
      throw malformed(name, "its inputs can't be read")
    }
    let keywords = parts.count == 4 ? parts[3].object ?? [:] : [:]
    for (key, value) in keywords.sorted(by: { $0.key < $1.key }) {
      if let reference = KerasReference(value) {
        call.add(reference)
      } else if isFunction, key == "y" || key == "x" {
        call.operands.append(.constant(value))
      } else {
        call.keywords[key] = value
      }
    }
  }
}
