import ZooSystem
import ZooWeightFiles

/// A Sequential or Functional model inside a configuration.
struct KerasModel {
  static let classNames: Set<String> = ["Sequential", "Functional", "Model"]

  let name: String
  let isSequential: Bool
  let members: [String: JSONValue]
  let layers: [KerasLayer]

  init(
    _ configuration: JSONValue, name fallbackName: String, dialect: KerasDialect
  ) throws(ZooError) {
    guard let className = configuration["class_name"]?.string, let config = configuration["config"] else {
      throw malformed(fallbackName, "it has no class_name and config")
    }
    guard KerasModel.classNames.contains(className) else {
      throw ZooError(
        .unsupported, what: "unsupported model", at: "\(fallbackName) (\(className))",
        "only Sequential and Functional models describe their layers",
        remedy: "Rebuild it with the functional API, and save it again.")
    }
    isSequential = className == "Sequential"
    // Keras before 2.2.3 wrote a Sequential's configuration as a bare list of layers.
    members = config.object ?? [:]
    name = config["name"]?.string ?? configuration["name"]?.string ?? fallbackName
    guard let list = config.array ?? config["layers"]?.array else {
      throw malformed(name, "it has no list of layers")
    }
    var layers: [KerasLayer] = []
    for layer in list { layers.append(try KerasLayer(layer, in: name, dialect: dialect)) }
    self.layers = layers
  }
}

/// Something in a configuration that breaks Keras' own rules.
func malformed(_ layer: String, _ why: String) -> ZooError {
  ZooError(.malformed, what: "malformed Keras configuration", at: "layer '\(layer)'", why)
}
