import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Networks that are found by the names that torchvision and timm give tensors, in whatever container.
extension Recipe {
  /// The containers whose tensors may have such names.
  private static let layoutsOfPyTorchNames: [WeightFileLayout] = [.pyTorch, .safetensors, .namedArrays]

  /// The recipe for tensors with PyTorch's names; nil where they have other names.
  ///
  /// - Throws: where they are of no network that is known by such names.
  static func fromPyTorchNames(
    file: any WeightFile, options: RecipeOptions
  ) throws(ZooError) -> Recipe? {
    guard layoutsOfPyTorchNames.contains(file.layout),
      var tensors = TorchTensors(file.tensors.map { ($0.name, $0.shape) })
    else { return nil }
    tensors.hint =
      TimmConfiguration(beside: file.path)?.architecture
      ?? file.path.split(separator: "/").last.map(String.init) ?? ""
    let networks = Catalog.torchNetworks(tensors, inputSize: options.inputSize?.sides)
    guard let found = networks.first else {
      // Other programs name tensors like that, too.
      guard file.layout == .pyTorch else { return nil }
      throw unknownToPyTorch(file)
    }
    guard let stated = options.architecture.flatMap(Catalog.architecture(named:)) else {
      return try fromPyTorch(found, file: file, options: options)
    }
    guard let network = networks.first(where: { $0.variant.architecture == stated.name }) else {
      throw ZooError(
        .doesNotFit, what: "wrong architecture", at: file.path,
        "the file has the tensors of \(found.variant.name), not of '\(stated.name)'")
    }
    return try fromPyTorch(network, file: file, options: options)
  }

  /// Whether tensors have PyTorch's names.
  static func hasPyTorchNames(_ file: any WeightFile) -> Bool {
    layoutsOfPyTorchNames.contains(file.layout)
      && file.tensors.contains { $0.variable == "weight" }
  }

  /// The error about tensors with PyTorch's names of another network than those that are known.
  static func unknownToPyTorch(_ file: any WeightFile) -> ZooError {
    ZooError(
      .unknownNetwork, what: "unknown network", at: file.path,
      "these are the weights of no known architecture, and names like PyTorch's do not say how layers are connected",
      remedy:
        "What can be converted: \(Catalog.torchFamilyNames); whole Keras models of any architecture (.keras, "
        + ".h5), and weights of an architecture of KnownArchitecture.all.")
  }

  private static func fromPyTorch(
    _ network: TorchNetwork, file: any WeightFile, options: RecipeOptions
  ) throws(ZooError) -> Recipe {
    let isSizeGiven = options.inputSize != nil
    let timm = TimmConfiguration(beside: file.path)
    let variant = timm?.applied(to: network.variant, isSizeGiven: isSizeGiven) ?? network.variant
    if let timm, network.lookAlikes.contains(where: timm.architecture.hasPrefix) {
      throw ZooError(
        .unknownNetwork, what: "unknown network", at: file.path,
        "\(timm.path) says that it is timm's '\(timm.architecture)', which has the tensors of \(variant.name) and "
          + "computes something else",
        remedy: "Known are \(Catalog.torchFamilyNames).")
    }
    let graph = try variant.graph()
    func misfit(_ why: String) -> ZooError {
      ZooError(
        .doesNotFit, what: "weights do not fit \(variant.name) (\(variant.description))",
        at: file.path, why,
        remedy: "If it is another network, convert it from Keras as a full model, so that the file has its "
          + "configuration.")
    }
    var binder = Binder(graph: graph, layerNames: network.layers)
    binder.kernelLayout = .pyTorch
    binder.kernelLayout.rowsAreChannelsFirst = variant.conventions.flattensChannelsFirst
    let binding: Binding
    do throws(BindingFailure) {
      binding = try binder.bind(file)
    } catch {
      throw misfit(error.explanation)
    }
    // A layer inside the network that the definition lacks means another network.
    let isHeadless = graph.classCount == nil
    let foreign = binding.unused.filter { tensor in
      !(isHeadless && TorchTensors.isOfHead(tensor.name))
        && !TorchTensors.has(tensor.name, beginning: network.leavesOut)
    }
    if let first = foreign.first {
      throw misfit(
        "'\(first.name)' (\(first.shape)) is a tensor that the network lacks"
          + (foreign.count > 1 ? "; \(foreign.count - 1) more are, too" : ""))
    }
    let candidate = Candidate(
      variant: variant, isExact: binding.unused.isEmpty, unusedCount: binding.unused.count,
      nameAgreement: 1,
      explanation: "\(variant.name) (\(variant.description)): all \(graph.weightSlots.count) "
        + "weights have a tensor of their name and shape; \(network.reason)"
        + (timm.map { "; \($0.explanation)" } ?? "")
        + (isSizeGiven || timm?.inputSize != nil
          ? "" : "; input size \(variant.input.height)x\(variant.input.width) is assumed"))
    var recipe = try Recipe(
      file: file, graph: graph, binding: binding, known: candidate, modelName: variant.architecture,
      explanation: candidate.explanation, options: options)
    if recipe.preprocessingOrigin == .architecture, timm?.statistics != nil {
      recipe.preprocessingOrigin = variant.conventions.preprocessing == .unknown ? .unknown : .configuration
    }
    return recipe
  }
}
