import ZooFormat
import ZooGraph
import ZooModels
import ZooTensor
import ZooWeightFiles

/// What a weight file turns out to hold: the network, where each tensor goes, and what is known of it.
package struct Recipe: Sendable {
  package let file: any WeightFile
  package let graph: Graph
  package let binding: Binding
  package private(set) var card: ModelCard
  package let labels: [ClassLabel]
  /// What the choice of architecture rests on, in words.
  package let explanation: String
  /// Whether nothing says how pixels are preprocessed, so that they are taken to go in as they are.
  package let assumesPreprocessing: Bool

  package var weights: BoundWeights { BoundWeights(file: file, binding: binding) }
}

/// What a person may state about a weight file in place of what is found in it.
package struct RecipeOptions: Sendable {
  /// The catalogue's name of the architecture.
  package var architecture: String?
  package var preprocessing: Preprocessing?
  /// Height and width, for files that do not say it.
  package var inputSize: Extent2D?
  package var labels: [ClassLabel]?

  package init(
    architecture: String? = nil, preprocessing: Preprocessing? = nil, inputSize: Extent2D? = nil,
    labels: [ClassLabel]? = nil
  ) {
    self.architecture = architecture
    self.preprocessing = preprocessing
    self.inputSize = inputSize
    self.labels = labels
  }
}

extension Recipe {
  /// Finds the recipe for the file at `path`, recognised by its content.
  ///
  /// - Throws: `WeightFileError`, `ZooFileError`, `FileError`, ``ConversionError``.
  package init(path: String, options: RecipeOptions = .init()) throws {
    if try FileFormat.recognise(path: path) == .zoo {
      self = try Recipe(zoo: ZooFile(path: path), options: options)
    } else {
      self = try Recipe(file: WeightFiles.open(path: path), options: options)
    }
  }

  /// Finds the recipe for a weight file: from its configuration where it has one, else from its tensors.
  package init(file: any WeightFile, options: RecipeOptions = .init()) throws(ConversionError) {
    if let name = options.architecture, Catalog.architecture(named: name) == nil {
      throw ConversionError(
        "unknown architecture", at: "--architecture", "there is no '\(name)'",
        remedy: "Known are \(Catalog.architectures.map(\.name).joined(separator: ", ")).", category: .usage)
    }
    guard !file.tensors.isEmpty else {
      throw ConversionError(
        "no weights", at: file.path, "a \(file.layout.rawValue) file without a single tensor of a layer")
    }
    if let configuration = file.modelConfiguration {
      self = try Recipe.fromConfiguration(configuration, file: file, options: options)
    } else {
      self = try Recipe.fromTensors(file: file, options: options)
    }
  }

  /// The recipe for a `.zoo` file, whose header says everything.
  init(zoo: ZooFile, options: RecipeOptions) throws(ConversionError) {
    let document = zoo.document
    if let name = options.architecture, name != document.card.architecture {
      throw ConversionError(
        "wrong architecture", at: zoo.path, "the file holds \(document.card.architecture), not '\(name)'")
    }
    let file = ZooWeightFile(zoo)
    do {
      binding = try Binder(graph: document.graph).bind(file)
    } catch {
      throw ConversionError("weights do not fit the graph", at: zoo.path, error.explanation)
    }
    self.file = file
    graph = document.graph
    card = document.card
    if let preprocessing = options.preprocessing { card.preprocessing = preprocessing }
    labels = try Recipe.checked(options.labels, for: document.graph) ?? document.labels
    explanation = "the .zoo file's own header"
    assumesPreprocessing = false
  }

  private static func checked(
    _ labels: [ClassLabel]?, for graph: Graph
  ) throws(ConversionError) -> [ClassLabel]? {
    let classes = graph.classCount
    if let labels, labels.count != classes {
      throw ConversionError(
        "labels do not fit", at: "--labels",
        "\(labels.count) labels for \(classes.map { "\($0) classes" } ?? "a network without classes")")
    }
    return labels
  }

  private static func fromConfiguration(
    _ configuration: JSONValue, file: any WeightFile, options: RecipeOptions
  ) throws(ConversionError) -> Recipe {
    let network: KerasNetwork
    do {
      network = try kerasGraph(
        configuration: configuration, inputSize: options.inputSize?.sides, writer: file.writer)
    } catch {
      throw ConversionError(
        error.what, at: "\(file.path), \(error.location)", error.why, remedy: error.remedy)
    }
    let known = Catalog.recognise(network.graph)
    if let name = options.architecture, known?.variant.architecture != Catalog.architecture(named: name)?.name
    {
      let found = known.map { "that of \($0.variant.architecture)" } ?? "of no architecture in the catalogue"
      throw ConversionError(
        "wrong architecture", at: file.path, "the model's configuration is \(found), not '\(name)'",
        remedy: "Leave out --architecture: the configuration describes the network.")
    }
    let binding: Binding
    do {
      binding = try Binder(network: network).bind(file)
    } catch {
      throw ConversionError("weights do not fit the configuration", at: file.path, error.explanation)
    }
    return try Recipe(
      file: file, graph: network.graph, binding: binding, known: known, modelName: network.name,
      explanation: "the model's configuration"
        + (known.map { ", which computes the same as \($0.variant.architecture)" } ?? ""),
      options: options)
  }

  private static func fromTensors(
    file: any WeightFile, options: RecipeOptions
  ) throws(ConversionError) -> Recipe {
    let hints = file.tensors.map { TensorHint(layer: $0.layer, variable: $0.variable, shape: $0.shape) }
    let candidates: [Candidate]
    if let name = options.architecture {
      do {
        candidates = [
          try Catalog.candidate(architecture: name, for: hints, inputSize: options.inputSize?.sides)
        ]
      } catch {
        throw ConversionError(error.what, at: file.path, "\(error.location): \(error.why)")
      }
    } else {
      candidates = Catalog.candidates(for: hints, inputSize: options.inputSize?.sides)
    }
    var best: (candidate: Candidate, graph: Graph, binding: Binding)?
    var nearest: (candidate: Candidate, failure: BindingFailure)?
    for candidate in candidates {
      guard let architecture = Catalog.architecture(named: candidate.variant.architecture),
        let graph = try? candidate.variant.graph()
      else { continue }
      do {
        let binding = try Binder(graph: graph, architecture: architecture).bind(file)
        if binding.unused.count < best?.binding.unused.count ?? .max { best = (candidate, graph, binding) }
      } catch {
        if error.filled > nearest?.failure.filled ?? -1 { nearest = (candidate, error) }
      }
    }
    if let (candidate, graph, binding) = best {
      return try Recipe(
        file: file, graph: graph, binding: binding, known: candidate,
        modelName: candidate.variant.architecture,
        explanation: candidate.explanation, options: options)
    }
    if let (candidate, failure) = nearest { throw misfit(candidate.variant, failure, file: file) }
    if let variant = Catalog.nearest(for: hints, inputSize: options.inputSize?.sides),
      let failure = bindingFailure(of: variant, file: file)
    {
      throw misfit(variant, failure, file: file)
    }
    throw ConversionError(
      "unknown network", at: file.path,
      options.architecture.map { "its tensors are not those of '\($0)'" }
        ?? "its tensors are those of no architecture in the catalogue and it has no configuration",
      remedy:
        "See `zoo list` for what is known. Give --input-size if the input is not square, or save the whole model so that the file has its configuration."
    )
  }

  private static func bindingFailure(of variant: Variant, file: any WeightFile) -> BindingFailure? {
    guard let architecture = Catalog.architecture(named: variant.architecture),
      let graph = try? variant.graph()
    else { return nil }
    do {
      _ = try Binder(graph: graph, architecture: architecture).bind(file)
      return nil
    } catch {
      return error
    }
  }

  private static func misfit(
    _ variant: Variant, _ failure: BindingFailure, file: any WeightFile
  ) -> ConversionError {
    ConversionError(
      "weights do not fit \(variant.architecture) (\(variant.description))", at: file.path,
      failure.explanation,
      remedy: "If it is another network, save the whole model so that the file has its configuration.")
  }

  private init(
    file: any WeightFile, graph: Graph, binding: Binding, known: Candidate?, modelName: String,
    explanation: String, options: RecipeOptions
  ) throws(ConversionError) {
    self.file = file
    self.graph = graph
    self.binding = binding
    self.explanation = explanation
    assumesPreprocessing = known == nil && options.preprocessing == nil
    let isPublished = known?.variant.isPublished ?? false
    let isImageNet = isPublished && graph.classCount == ImageNetLabels.classes.count
    self.labels =
      try Recipe.checked(options.labels, for: graph)
      ?? (isImageNet ? ImageNetLabels.classes.map { ClassLabel(id: $0.wordNetID, name: $0.name) } : [])
    var card =
      known?.variant.card(published: isPublished)
      ?? ModelCard(architecture: modelName, variant: "from its configuration", preprocessing: .none)
    if let preprocessing = options.preprocessing { card.preprocessing = preprocessing }
    self.card = card
  }
}

extension Graph {
  /// The number of classes, where the only output is a probability per class.
  package var classCount: Int? {
    guard outputs.count == 1, let output = outputs.first, self[output].shape.rank == 1 else { return nil }
    guard endsInSoftmax(output) else { return nil }
    return self[output].shape[0]
  }

  private func endsInSoftmax(_ value: Value) -> Bool {
    var value = value
    // A loop and no recursion: a file's author decides how many layers follow each other.
    while true {
      switch self[value].operation {
      case .activation(let activation): return activation == .softmax
      case .dense(let dense): return dense.activation == .softmax
      case .convolution(let convolution): return convolution.activation == .softmax
      case .reshape, .flatten, .identity:
        guard let input = self[value].inputs.first else { return false }
        value = input
      default: return false
      }
    }
  }
}

extension Variant {
  /// Whether the zoo knows published weights of this network; those were trained on ImageNet.
  var isPublished: Bool {
    guard let architecture = Catalog.architecture(named: architecture) else { return false }
    let isSameNetwork = architecture.published.contains {
      AnyHashable($0.variant.definition) == AnyHashable(definition)
    }
    return switch head {
    case .classifier: isSameNetwork && head == .imageNet && input.channels == 3
    case .features: isSameNetwork && input.channels == 3
    }
  }
}

extension Extent2D {
  fileprivate var sides: (Int, Int) { (height, width) }
}
