import ZooGraph
import ZooKeras
import ZooModels
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Networks that the file describes itself, and known ones among their layers.
extension Recipe {
  static func fromConfiguration(
    _ configuration: JSONValue, file: any WeightFile, options: RecipeOptions
  ) throws(ZooError) -> Recipe {
    let network: KerasNetwork
    let sizeIsFree: Bool
    do {
      (network, sizeIsFree) = try self.network(configuration, file: file, options: options)
    } catch {
      guard error.category != .usage else { throw error }
      if file.tensors.isEmpty, KerasConfiguration.isUnbuilt(configuration) { throw neverBuilt(file) }
      // A known part can be found by its names, whatever else the model is made of.
      if options.architecture != nil, var part = try? fromTensors(file: file, options: options) {
        part.explanation += "; the configuration is not used (\(error.location): \(error.why))"
        return part
      }
      throw error.relocated(to: "\(file.path), \(error.location)")
    }
    let known = Catalog.recognise(network.graph)
    let wanted = options.architecture.flatMap(Catalog.architecture(named:))
    var part: KnownPart?
    if let wanted, known?.variant.architecture != wanted.name {
      part = KnownPart(of: wanted, in: network)
      guard part != nil else {
        let found =
          known.map { "that of \($0.variant.architecture)" } ?? "that of another network"
        throw ZooError(
          .doesNotFit, what: "wrong architecture", at: file.path,
          "the model's configuration is \(found), not '\(wanted.name)', and no part of it computes the same as "
            + "\(wanted.name)",
          remedy: "Leave out RecipeOptions.architecture: the configuration describes the network.")
      }
    }
    var binder = Binder(network: network)
    binder.trustsNames = options.trustsNames
    binder.kernelLayout = try KernelLayout(of: file, stated: options.kernelLayout)
    let binding: Binding
    do {
      binding = try binder.bind(file)
    } catch {
      guard !file.tensors.isEmpty else { throw neverBuilt(file) }
      throw ZooError(
        .doesNotFit, what: "weights do not fit the configuration", at: file.path, error.explanation,
        remedy: error.disagreement.map { _ in "If the names are right, set RecipeOptions.trustsNames." })
    }
    let kernels =
      binder.kernelLayout.reason.map { "; kernels are \(binder.kernelLayout.text), by \($0)" } ?? ""
    if let part {
      var recipe = try Recipe(
        file: file, graph: part.graph, binding: binding.restricted(to: part.graph), known: part.candidate,
        modelName: part.candidate.variant.architecture,
        explanation: "\(part.candidate.explanation) of the model '\(network.name)'" + kernels,
        options: options)
      recipe.usesConfiguration = true
      recipe.layerTraining = part.graph.part(of: network.training)
      recipe.lambdas = options.lambdas
      return recipe
    }
    var recipe = try Recipe(
      file: file, graph: network.graph, binding: binding, known: known, modelName: network.name,
      explanation: (options.configuration.map { "the configuration \($0)" } ?? "the model's configuration")
        + (known.map { ", which computes the same as \($0.variant.name)" } ?? "") + kernels
        + (sizeIsFree
          ? "; it leaves the height and width open, \(freeSide)x\(freeSide) is taken (--input-size sets others)"
          : ""),
      options: options)
    recipe.kerasPlaces = network.places
    recipe.layerTraining = network.training
    recipe.usesConfiguration = true
    recipe.leavesSizeOpen = sizeIsFree
    recipe.lambdas = options.lambdas
    return recipe
  }

  /// The height and width of the images of a network that takes any.
  private static let freeSide = 224

  /// The network of a configuration. One that leaves the size of its images open has a usual one, unless what
  /// it has learned depends on the size.
  private static func network(
    _ configuration: JSONValue, file: any WeightFile, options: RecipeOptions
  ) throws(ZooError) -> (KerasNetwork, sizeIsFree: Bool) {
    func network(_ size: (Int, Int)?) throws(ZooError) -> KerasNetwork {
      try kerasGraph(
        configuration: configuration, inputSize: size, writer: file.writer, lambdas: options.lambdas,
        file: file.path)
    }
    do {
      return (try network(options.inputSize?.sides), false)
    } catch {
      guard error.code == .openInputSize else { throw error }
      guard let free = try? network((freeSide, freeSide)), !free.graph.judgesWholeImages else { throw error }
      return (free, true)
    }
  }
}

extension Binding {
  /// The part that concerns the layers of `graph`; what the others take becomes unused.
  func restricted(to graph: Graph) -> Binding {
    let slots = Set(graph.weightSlots)
    let kept = assignments.filter { slots.contains($0.slot) }
    let taken = Set(kept.map(\.entry))
    let left = assignments.map(\.entry).filter { !taken.contains($0) }
    return Binding(assignments: kept, unused: left + unused, kernelLayout: kernelLayout)
  }
}
