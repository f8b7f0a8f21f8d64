import ZooFormat
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// What a weight file turns out to hold: the network, where each tensor goes, and what is known of it.
package struct Recipe: Sendable {
  package let file: any WeightFile
  package private(set) var graph: Graph
  package internal(set) var binding: Binding
  package internal(set) var card: ModelCard
  package let labels: [ClassLabel]
  /// The file beside the weights that the labels are from, where nobody stated them.
  package private(set) var labelsFile: String?
  /// What the choice of architecture rests on, in words.
  package internal(set) var explanation: String
  /// Whether a configuration describes the network.
  package internal(set) var usesConfiguration = false
  /// Whether the configuration leaves the size of the images open, so that a usual one was taken.
  package internal(set) var leavesSizeOpen = false
  /// How it is known how pixels are preprocessed.
  package internal(set) var preprocessingOrigin: PreprocessingOrigin
  /// Where the Keras model that the file has the configuration of keeps its weights; empty where the graph
  /// tells.
  package internal(set) var kerasPlaces: [KerasPlace] = []
  /// What training needs to know of layers, by their names.
  package internal(set) var layerTraining: [String: LayerTraining] = [:]
  /// The published file that has the same bytes.
  package internal(set) var publishedFile: PublishedFile?
  /// By the layer's name, what was stated of layers with Python code.
  package internal(set) var lambdas: [String: String] = [:]
  /// What the network is computed in where it comes from; nil for 32 bits or more.
  package internal(set) var precision: SourcePrecision?

  /// Whether the file has layers whose connections nothing says, such as a head.
  var leavesOutLayers: Bool {
    graph.classCount == nil && !usesConfiguration && binding.unused.contains { !$0.isCounter }
  }

  /// Why a tensor of the file is unused.
  package func reason(ofUnused tensor: TensorEntry) -> String {
    if tensor.isCounter { return TrainingState.counter }
    return leavesOutLayers
      ? "layers of the model's own, such as its head, are left out, as nothing says how they are connected; to "
        + "convert them too, add --config MODEL.json or convert what model.save() wrote"
      : "the network has no such weight"
  }

  package var weights: BoundWeights { BoundWeights(file: file, binding: binding) }

  /// Makes two layers of each separable convolution, for a network that is computed on codes: only so can what lies
  /// between them be one.
  ///
  /// - Throws: `ZooError` where the graph would be too large.
  mutating func splitSeparableConvolutions() throws(ZooError) {
    guard SplitGraph.applies(to: graph) else { return }
    let split = try SplitGraph(graph)
    let renamed = split.renamed
    graph = split.graph
    binding = binding.ordered(by: graph.weightSlots) { renamed[$0] ?? $0 }
    layerTraining = split.training(layerTraining)
    // They are those of a model with whole layers.
    kerasPlaces = []
  }

  /// Notes for which tensors a witness has spoken.
  package mutating func add(_ witness: Witness, where isConcerned: (Binding.Assignment) -> Bool) {
    binding.add(witness, where: isConcerned)
  }
}

/// How it is known how pixels become what enters a network.
package enum PreprocessingOrigin: String, Sendable {
  /// A person stated it.
  case stated
  /// The header of a `.zoo` file says it.
  case file
  /// A configuration beside the weights says it.
  case configuration
  /// These very weights are published.
  case published
  /// Others of its architecture have it.
  case architecture
  /// The network scales the pixels itself.
  case network
  /// With no other do the batch-norm statistics agree.
  case testimony
  /// It takes no pictures.
  case noPictures
  /// Nothing says it.
  case unknown

  /// Whether it is weaker than what batch norms testify.
  var yieldsToTestimony: Bool { self == .architecture || self == .unknown }
}

/// What a person may state about a weight file in place of what is found in it.
public struct RecipeOptions: Sendable {
  /// The catalogue's name of the architecture.
  public var architecture: String?
  /// How pixels become what enters the network.
  public var preprocessing: Preprocessing?
  /// Height and width, for files that do not say it.
  public var inputSize: Extent2D?
  /// The classes, in the order of the output.
  public var labels: [ClassLabel]?
  /// One of the architecture's writers.
  public var writer: String?
  /// How kernels are stored.
  public var kernelLayout: KernelLayout.Named?
  /// Whether names decide where the order of the file disagrees with them.
  public var trustsNames = false
  /// The path of a Keras configuration (`to_json()`) that describes the network in place of the file's own.
  public var configuration: String?
  /// By the name of a layer with Python code, which is never run, what it computes: arithmetic of `x`,
  /// numbers and Keras' activation functions, for example `x / 127.5 - 1`.
  public var lambdas: [String: String] = [:]
  /// The licence of the weights where the file doesn't say it, as its publisher states it elsewhere.
  package var licence: String?
  /// By which the file is looked up in the catalogue, where it is.
  package var hashes: SourceHashes?
  /// The published file with this hash.
  package var published: @Sendable (PublishedFile.Hash) -> PublishedFile? = { Catalog.published(hash: $0) }

  /// What is not stated is found in the file.
  public init(
    architecture: String? = nil, preprocessing: Preprocessing? = nil, inputSize: Extent2D? = nil,
    labels: [ClassLabel]? = nil, writer: String? = nil, kernelLayout: KernelLayout.Named? = nil,
    trustsNames: Bool = false, configuration: String? = nil, lambdas: [String: String] = [:]
  ) {
    self.architecture = architecture
    self.preprocessing = preprocessing
    self.inputSize = inputSize
    self.labels = labels
    self.writer = writer
    self.kernelLayout = kernelLayout
    self.trustsNames = trustsNames
    self.configuration = configuration
    self.lambdas = lambdas
  }

  func context(of file: some WeightFile) -> MatchContext {
    MatchContext(
      inputSize: inputSize.map { ($0.height, $0.width) }, layers: Set(file.layerNames), writer: writer)
  }
}

extension Recipe {
  /// Finds the recipe for the file at `path`, recognised by its content.
  ///
  /// - Throws: `ZooError` where the file can't be read, or holds no network that is known.
  package init(path: String, options: RecipeOptions = .init()) throws {
    switch try ModelFile.open(path: path) {
    case .zoo(let zoo): self = try Recipe(zoo: zoo, options: options)
    case .weights(let file):
      self = try Recipe.fromPublished(file, options: options) ?? Recipe(file: file, options: options)
    }
  }

  /// Finds the recipe for a weight file: from its configuration where it has one, else from its tensors.
  package init(file: any WeightFile, options: RecipeOptions = .init()) throws(ZooError) {
    try Recipe.checkNames(options)
    let stated = try options.configuration.map { path throws(ZooError) in try ConfigurationFile.read(path) }
    let configuration = stated ?? file.modelConfiguration
    guard !file.tensors.isEmpty || configuration != nil else {
      throw ZooError(
        .missing, what: "no weights", at: file.path,
        "a \(file.layout.rawValue) file without a single tensor of a layer")
    }
    if let configuration, KerasConfiguration.isOfOwnClass(configuration) {
      do {
        self = try Recipe.fromTensors(file: file, options: options)
      } catch {
        throw Recipe.subclassed(file, attributes: file.attributes)
      }
    } else if let configuration {
      self = try Recipe.fromConfiguration(configuration, file: file, options: options)
      precision = SourcePrecision(of: configuration)
    } else {
      self = try Recipe.fromTensors(file: file, options: options)
    }
    if let remark = file.remark { explanation += "; \(remark)" }
    if binding.isAmbiguous { try settleByTestimony() }
  }

  static func checkNames(_ options: RecipeOptions) throws(ZooError) {
    let architecture = options.architecture.flatMap(Catalog.architecture(named:))
    if let name = options.architecture, architecture == nil {
      throw ZooError(
        .unknownArchitecture, what: "unknown architecture", at: "RecipeOptions.architecture",
        "there is no '\(name)'",
        remedy: "Known architectures: \(Catalog.architectures.map(\.name).joined(separator: ", ")).")
    }
    let writers = (architecture.map { [$0] } ?? Catalog.architectures).map { ($0.name, $0.writers) }
    if let writer = options.writer, !writers.contains(where: { $0.1.contains(writer) }) {
      throw ZooError(
        .invalidArgument, what: "unknown writer", at: "RecipeOptions.writer", "there is no '\(writer)'",
        remedy: "Known writers: "
          + writers.filter { !$0.1.isEmpty }
          .map { "for \($0.0) \($0.1.joined(separator: ", "))" }.joined(separator: "; ") + ".")
    }
  }

  /// The recipe for a `.zoo` file, whose header says everything.
  init(zoo: ZooFile, options: RecipeOptions) throws(ZooError) {
    let document = zoo.document
    try Recipe.checkNoLambdas(options, "a .zoo file says itself what its layers compute")
    if let name = options.architecture, name != document.card.architecture {
      throw ZooError(
        .doesNotFit, what: "wrong architecture", at: zoo.path,
        "the file holds \(document.card.architecture), not '\(name)'")
    }
    let file = ZooWeightFile(zoo)
    do {
      binding = try Binder(graph: document.graph).bind(file)
    } catch {
      throw ZooError(.doesNotFit, what: "weights do not fit the graph", at: zoo.path, error.explanation)
    }
    self.file = file
    graph = document.graph
    kerasPlaces = document.kerasPlaces
    layerTraining = document.layerTraining
    lambdas = document.source?.lambdas ?? [:]
    precision = document.source?.precision
    card = document.card
    card.licence = card.licence ?? options.licence
    labels = try Recipe.checked(options.labels, for: document.graph) ?? document.labels
    explanation = "the .zoo file's own header"
    usesConfiguration = true
    preprocessingOrigin = card.preprocessing == .unknown ? .unknown : .file
    try state(options.preprocessing)
  }

  /// Refuses statements about layers where none are read.
  static func checkNoLambdas(_ options: RecipeOptions, _ why: String) throws(ZooError) {
    guard let layer = options.lambdas.keys.sorted().first else { return }
    throw ZooError(.doesNotFit, what: "wrong layer", at: "--lambda \(layer)", why, remedy: "Leave it out.")
  }

  private static func checked(
    _ labels: [ClassLabel]?, for graph: Graph
  ) throws(ZooError) -> [ClassLabel]? {
    if let labels, !graph.takes(labelCount: labels.count) {
      let classes = graph.outputKind.flatMap { _ in graph.classCount ?? graph[graph.outputs[0]].shape[0] }
      throw ZooError(
        .doesNotFit, what: "labels do not fit", at: "RecipeOptions.labels",
        "\(labels.count) labels for \(classes.map { "\($0) classes" } ?? "a network without classes")")
    }
    return labels
  }

  init(
    file: any WeightFile, graph: Graph, binding: Binding, known: Candidate?, modelName: String,
    explanation: String, options: RecipeOptions
  ) throws(ZooError) {
    self.file = file
    self.graph = graph
    self.binding = binding
    self.explanation = explanation
    let isPublished = known?.variant.isPublished ?? false
    let isImageNet =
      (isPublished || known?.variant.conventions.preprocessing != nil)
      && graph.takes(labelCount: ImageNetLabels.classes.count)
    let stated =
      try Recipe.checked(options.labels, for: graph)
      ?? (isImageNet ? ImageNetLabels.classes.map { ClassLabel(id: $0.wordNetID, name: $0.name) } : nil)
    let beside = stated == nil ? ClassLabel.beside(file.path, for: graph) : nil
    labels = stated ?? beside?.labels ?? []
    labelsFile = beside?.path
    var card =
      known?.variant.card(published: isPublished)
      ?? ModelCard(architecture: modelName, variant: "from its configuration", preprocessing: .none)
    card.licence = card.licence ?? options.licence
    switch (known, graph.takesPictures) {
    case (nil, false): preprocessingOrigin = .noPictures
    case (nil, true):
      preprocessingOrigin = graph.scalesPixels ? .network : .unknown
      if !graph.scalesPixels { card.preprocessing = .unknown }
    case (.some, _):
      preprocessingOrigin = card.preprocessing == .none && graph.scalesPixels ? .network : .architecture
    }
    self.card = card
    try state(options.preprocessing)
  }

  /// Lets a person's word replace what the file or the architecture says.
  private mutating func state(_ preprocessing: Preprocessing?) throws(ZooError) {
    guard let preprocessing else { return }
    if !preprocessing.takesGrey, graph.takesPictures, graph[graph.inputs[0]].shape.dimensions.last == 1 {
      throw ZooError(
        .doesNotFit, what: "preprocessing does not fit", at: "RecipeOptions.preprocessing",
        "'\(preprocessing.rawValue)' is for three channels, and the network takes one")
    }
    card.preprocessing = preprocessing
    preprocessingOrigin = .stated
  }
}

extension Extent2D {
  var sides: (Int, Int) { (height, width) }
}
