import ZooWeightFiles

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

  mutating func add(_ reference: KerasReference) {
    operands.append(.tensor(references.count))
    references.append(reference)
  }

  /// A tensor of Keras 3, a list or dictionary of them, or a constant.
  mutating func add(_ argument: JSONValue) {
    if let reference = KerasCall.tensor(argument) {
      add(reference)
    } else if KerasCall.holdsTensors(argument) {
      for item in KerasCall.items(of: argument) { add(item) }
    } else if argument != .null {
      operands.append(.constant(argument))
    }
  }

  /// Whether an argument is a list or dictionary that holds tensors, however deep.
  static func holdsTensors(_ argument: JSONValue) -> Bool {
    items(of: argument).contains { tensor($0) != nil || holdsTensors($0) }
  }

  /// What a list holds in its order, or a dictionary in that of its names.
  static func items(of argument: JSONValue) -> [JSONValue] {
    argument.array ?? argument.object?.sorted { $0.key.isBefore($1.key) }.map(\.value) ?? []
  }

  static func tensor(_ argument: JSONValue) -> KerasReference? {
    guard argument["class_name"]?.string == "__keras_tensor__",
      let history = argument["config"]?["keras_history"], var reference = KerasReference(history)
    else { return nil }
    reference.countsModels = false
    return reference
  }
}
