import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Networks that are found by the names and shapes of tensors.
extension Recipe {
  static func fromTensors(
    file: any WeightFile, options: RecipeOptions
  ) throws(ZooError) -> Recipe {
    try checkNoLambdas(options, "no configuration describes the layers of this file")
    if let recipe = try fromPyTorchNames(file: file, options: options) { return recipe }
    do {
      return try fromAllTensors(file: file, options: options)
    } catch {
      // A known network may be an attribute or a layer of somebody's own model. Two are no answer.
      var found: [Recipe] = []
      for (container, part) in StorePart.parts(of: file) {
        guard var recipe = try? fromAllTensors(file: part, options: options) else { continue }
        recipe.explanation += "; found in '\(container)'"
        found.append(recipe)
      }
      guard found.count == 1 else { throw hasPyTorchNames(file) ? unknownToPyTorch(file) : error }
      return found[0]
    }
  }

  private static func fromAllTensors(
    file: any WeightFile, options: RecipeOptions
  ) throws(ZooError) -> Recipe {
    let order = try KernelLayout(of: file, stated: options.kernelLayout)
    // What a Normalization has counted is no weight.
    let hints = file.tensors.filter { !$0.isCounter }.map {
      TensorHint(
        layer: $0.layer, variable: $0.variable, shape: order.usualShape($0.shape), name: $0.name)
    }
    let context = options.context(of: file)
    var candidates: [Candidate]
    if let name = options.architecture {
      do {
        candidates = [try Catalog.candidate(architecture: name, for: hints, context)]
      } catch {
        throw error.relocated(to: file.path, why: "\(error.location): \(error.why)")
      }
    } else {
      candidates = Catalog.candidates(for: hints, context)
    }
    // Names that are not an architecture's are another network's, whatever the shapes.
    let hasNames = hints.contains { $0.layer != nil }
    if hasNames { candidates.removeAll { $0.nameAgreement == 0 } }
    if let best = try bestFit(of: candidates, file, options: options) { return best }
    let named = hasNames ? Catalog.nearestByNames(for: hints, context) : nil
    if !hasNames || named?.isNearMiss == true, let variant = Catalog.nearest(for: hints, context),
      case .failure(let failure) = bind(file, to: variant, options: options, order: order)
    {
      throw misfit(variant, failure, file: file)
    }
    throw unknownNetwork(file, nearest: named, options: options)
  }

  /// The candidate that leaves the fewest tensors over; nil where there is no candidate.
  ///
  /// - Throws: where none fits, and where names and order disagree about one that has a place for every tensor.
  static func bestFit(
    of candidates: [Candidate], _ file: any WeightFile, options: RecipeOptions
  ) throws(ZooError) -> Recipe? {
    let order = try KernelLayout(of: file, stated: options.kernelLayout)
    var best: (candidate: Candidate, fit: Fit)?
    var nearest: (candidate: Candidate, failure: BindingFailure)?
    for candidate in candidates {
      switch bind(file, to: candidate.variant, candidate.graph, options: options, order: order) {
      case .success(let fit):
        if fit.binding.unused.count < best?.fit.binding.unused.count ?? .max { best = (candidate, fit) }
      case .failure(let failure):
        if candidate.isExact, failure.disagreement != nil {
          throw misfit(candidate.variant, failure, file: file)
        }
        if failure.filled > nearest?.failure.filled ?? -1 { nearest = (candidate, failure) }
      }
    }
    if let (candidate, fit) = best {
      return try Recipe(
        file: file, graph: fit.graph, binding: fit.binding, known: candidate,
        modelName: candidate.variant.architecture,
        explanation: candidate.explanation
          + (order.reason.map { "; kernels are \(order.text), by \($0)" } ?? ""), options: options)
    }
    if let (candidate, failure) = nearest { throw misfit(candidate.variant, failure, file: file) }
    return nil
  }

  private struct Fit {
    let graph: Graph
    let binding: Binding
  }

  private static func bind(
    _ file: any WeightFile, to variant: Variant, _ graph: Graph? = nil, options: RecipeOptions,
    order: KernelLayout
  ) -> Result<Fit, BindingFailure> {
    guard let architecture = Catalog.architecture(named: variant.architecture),
      let graph = try? graph ?? variant.graph()
    else { return .failure(BindingFailure()) }
    var binder = Binder(
      graph: graph, architecture: architecture, places: variant.definition.places(in: graph),
      numbering: AutomaticNames(of: file.tensors.lazy.compactMap(\.layer)))
    binder.trustsNames = options.trustsNames
    binder.kernelLayout = order
    if variant.conventions.flattensChannelsFirst { binder.kernelLayout.rowsAreChannelsFirst = true }
    do throws(BindingFailure) {
      return .success(Fit(graph: graph, binding: try binder.bind(file)))
    } catch {
      return .failure(error)
    }
  }

  private static func misfit(
    _ variant: Variant, _ failure: BindingFailure, file: any WeightFile
  ) -> ZooError {
    ZooError(
      .doesNotFit, what: "weights do not fit \(variant.architecture) (\(variant.description))", at: file.path,
      failure.explanation,
      remedy: failure.disagreement == nil
        ? "If it is another network, save the full model, so that the file has its configuration."
        : "If the names are right, set RecipeOptions.trustsNames.")
  }
}
