import ZooSystem

/// Questions to a Keras configuration (`config.json`, `model_config`) that reading its weights raises.
package enum KerasConfiguration {
  /// Whether `configuration` is that of a model of somebody's own class, which has no list of layers.
  package static func isOfOwnClass(_ configuration: JSONValue) -> Bool {
    guard let name = configuration["class_name"]?.string, layers(of: configuration) == nil else {
      return false
    }
    return !["Sequential", "Functional", "Model", "Graph"].contains(name)
  }

  /// Whether a Sequential model does not say the shape of its input, so that it can't have had weights.
  package static func isUnbuilt(_ configuration: JSONValue) -> Bool {
    guard configuration["class_name"]?.string == "Sequential", let first = layers(of: configuration)?.first
    else { return false }
    return first["config"]?["batch_input_shape"] == nil && first["config"]?["batch_shape"] == nil
      && (configuration["config"]?["build_input_shape"] ?? .null) == .null
      && (configuration["build_config"]?["input_shape"] ?? .null) == .null
  }

  /// The names of models that are layers of another model, in any depth.
  static func nestedModels(in configuration: JSONValue) -> Set<String> {
    var names: Set<String> = []
    func visit(_ layers: [JSONValue]) {
      for layer in layers {
        // Wrappers such as TimeDistributed hold their layer as `layer`.
        if let wrapped = layer["config"]?["layer"] { visit([wrapped]) }
        guard let inner = self.layers(of: layer) else { continue }
        if let name = layer["config"]?["name"]?.string ?? layer["name"]?.string { names.insert(name) }
        visit(inner)
      }
    }
    visit(layers(of: configuration) ?? [])
    return names
  }

  /// Old Sequential models have the list itself as their `config`.
  private static func layers(of model: JSONValue) -> [JSONValue]? {
    model["config"]?["layers"]?.array
      ?? (model["class_name"]?.string == "Sequential" ? model["config"]?.array : nil)
  }
}
