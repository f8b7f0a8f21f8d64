import ZooModels
import ZooSystem
import ZooWeightFiles

// What is said of files of which no network is found.
extension Recipe {
  static func unknownNetwork(
    _ file: any WeightFile, nearest: NearestArchitecture?, options: RecipeOptions
  ) -> ZooError {
    func error(_ why: String, _ remedy: String) -> ZooError {
      let beside = options.configuration == nil ? ConfigurationFile.beside(file.path) : nil
      return ZooError(
        .unknownNetwork, what: "unknown network", at: file.path, why,
        remedy: beside.map { "\($0) describes a Keras model: set RecipeOptions.configuration to \($0)." }
          ?? remedy)
    }
    let attributes = file.attributes
    if !attributes.isEmpty { return subclassed(file, attributes: attributes) }
    guard file.tensors.contains(where: { $0.layer != nil }) else {
      return error(
        options.architecture.map { "its tensors do not match '\($0)'" }
          ?? "its tensors match no known architecture, and it has no configuration",
        "KnownArchitecture.all has the known architectures. If the input is not square, set "
          + "RecipeOptions.inputSize. For other networks, save the full model, so that the file has its "
          + "configuration, or give that with RecipeOptions.configuration."
      )
    }
    let near =
      nearest.map {
        "; the nearest by its names is \($0.variant.architecture), of which it has \($0.named) of \($0.layers) layers"
      } ?? ""
    return error(
      "these are the weights of no known architecture, and it has no configuration\(near)",
      "What can be converted: whole Keras models of any architecture (.keras, .h5), weights together with "
        + "their model's configuration (RecipeOptions.configuration), and weights of an architecture of KnownArchitecture.all."
    )
  }

  /// A model of a class of its own: what it computes is code, which no file of Keras' holds.
  static func subclassed(_ file: any WeightFile, attributes: [String]) -> ZooError {
    let names = attributes.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
    let list = attributes.isEmpty ? "" : "; its layers are in \(names)\(attributes.count > 8 ? ", …" : "")"
    return ZooError(
      .unknownNetwork, what: "unknown network", at: file.path,
      "it is a subclassed Keras model, whose layers only its Python code connects: there is no configuration"
        + list,
      remedy:
        "In Python: inputs = keras.Input(shape); keras.Model(inputs, model(inputs)) works if the layers are called "
        + "in plain order; build it from the same layers otherwise, save it with .save('model.keras'), convert that."
    )
  }

  /// A model that had no weights yet when it was saved.
  static func neverBuilt(_ file: any WeightFile) -> ZooError {
    ZooError(
      .missing, what: "no weights", at: file.path,
      "the model was saved before it was built: the file has its configuration, but no weights",
      remedy: "In Python, call model.build(input_shape) or train the model, and save it again.")
  }
}
