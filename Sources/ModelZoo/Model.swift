import ZooConversion
import ZooFormat
import ZooGraph
import ZooModels
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// A pretrained network with its weights: opened from a `.zoo` file, or converted in memory from a
/// Keras or NumPy weight file.
///
/// Opening a `.zoo` file costs its header; weights are read from the mapping when an engine is made.
/// A model is immutable and can be shared between threads.
public struct Model: Sendable {
  package let graph: Graph
  package let card: ModelCard
  package let classLabels: [ClassLabel]
  package let weights: any WeightSource
  /// The file that it came from.
  public let path: String

  /// Opens a `.zoo` file, or reads a weight file (`.h5`, `.keras`, `.npz`) and matches it to its network.
  ///
  /// The file is recognised by its content. Before opening HDF5 files that others made, set
  /// ``HDF5Access/current``: else a damaged one can end the process. A weight file is not verified here: `zoo convert` does that
  /// and writes a file that opens at once.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - architecture: the catalogue's name of the network, where it should not be found from the file.
  public init(path: String, architecture: String? = nil) throws(ZooError) {
    self = try ZooError.wrap {
      if try FileFormat.recognise(path: path) == .zoo { return Model(file: try ZooFile(path: path)) }
      let recipe = try Recipe(
        file: try WeightFiles.open(path: path), options: RecipeOptions(architecture: architecture))
      return Model(
        graph: recipe.graph, card: recipe.card, classLabels: recipe.labels, weights: recipe.weights,
        path: path)
    }
  }

  package init(file: ZooFile) {
    self.init(
      graph: file.document.graph, card: file.document.card, classLabels: file.document.labels,
      weights: file, path: file.path)
  }

  private init(
    graph: Graph, card: ModelCard, classLabels: [ClassLabel], weights: any WeightSource, path: String
  ) {
    self.graph = graph
    self.card = card
    self.classLabels = classLabels
    self.weights = weights
    self.path = path
  }

  /// Converts a weight file to a verified `.zoo` file, as `zoo convert` does.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - input: a `.h5`, `.keras` or `.npz` file.
  ///   - output: where to write the `.zoo` file.
  ///   - overwrite: whether an existing output is replaced.
  public static func convert(
    _ input: String, to output: String, overwrite: Bool = false
  ) throws(ZooError) {
    _ = try ZooError.wrap {
      var options = Converter.Options()
      options.overwrite = overwrite
      return try Converter(options: options).convert(input, to: output)
    }
  }

  /// The name of the architecture, for example `mobilenet`.
  public var architecture: String { card.architecture }

  /// The names of all layers, in the order in which they run. Any can be tapped.
  public var layerNames: [String] { graph.nodes.map(\.name) }

  /// The shape of one input example: (H, W, C) for pictures.
  public var inputShape: Shape { graph[graph.inputs[0]].shape }

  /// The shape of one output example, per output.
  public var outputShapes: [Shape] { graph.outputs.map { graph[$0].shape } }

  /// The labels of the classes, in the order of the output; empty where the model has none.
  public var labels: [String] { classLabels.map(\.name) }

  /// The number of weights.
  public var parameterCount: Int { graph.parameterCount }
}
