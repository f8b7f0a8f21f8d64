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

  /// The inputs or outputs of a model: one reference, or a list or dictionary of them.
  static func list(_ value: JSONValue?, of model: String) throws(ZooError) -> [KerasReference] {
    guard let value else { throw malformed(model, "it does not list its inputs and outputs") }
    guard let references = flattened(value, depth: 0), !references.isEmpty else {
      throw malformed(model, "its inputs or outputs are not a list of layers")
    }
    return references
  }

  /// How deep lists and dictionaries of tensors may be nested.
  private static let depthLimit = 16

  /// A structure of references in Keras' order: that of a list, and of the names in a dictionary.
  private static func flattened(_ value: JSONValue, depth: Int) -> [KerasReference]? {
    if let single = KerasReference(value) { return [single] }
    guard depth < depthLimit,
      let items = value.array ?? value.object?.sorted(by: { $0.key.isBefore($1.key) }).map(\.value)
    else { return nil }
    var references: [KerasReference] = []
    for item in items {
      guard let inner = flattened(item, depth: depth + 1) else { return nil }
      references += inner
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
