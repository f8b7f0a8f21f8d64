import ZooSystem
import ZooWeightFiles

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
      } else if let list = node.object, list["args"] == nil {
        for item in KerasCall.items(of: node) { try add(item, to: &call) }
      } else if let arguments = node["args"]?.array {
        for argument in arguments { call.add(argument) }
        for (key, value) in (node["kwargs"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
          if KerasCall.tensor(value) != nil || KerasCall.holdsTensors(value) {
            call.add(value)
          } else {
            call.keywords[key] = value
          }
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
    if item.object != nil {
      for inner in KerasCall.items(of: item) { try add(inner, to: &call) }
      return
    }
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
