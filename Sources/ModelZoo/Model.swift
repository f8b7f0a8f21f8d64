import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor

/// A pretrained network with its weights, opened from a `.zoo` file.
///
/// Opening costs the file's header; weights are read from the mapping when an engine is made. A model is
/// immutable and can be shared between threads.
public struct Model: Sendable {
  package let graph: Graph
  package let card: ModelCard
  package let classLabels: [ClassLabel]
  package let weights: any WeightSource
  /// The file that it came from.
  public let path: String

  /// Opens a `.zoo` file.
  ///
  /// The product `ModelZooTools` also opens weight files, and converts them to `.zoo` files.
  ///
  /// - Parameter path: the file.
  /// - Throws: ``ZooError`` where the file can't be opened, is no `.zoo` file, or breaks the format's rules.
  public init(path: String) throws(ZooError) {
    self.init(file: try ZooError.wrap { try ZooFile(path: path) })
  }

  package init(file: ZooFile) {
    self.init(
      graph: file.document.graph, card: file.document.card, classLabels: file.document.labels,
      weights: file, path: file.path)
  }

  package init(
    graph: Graph, card: ModelCard, classLabels: [ClassLabel], weights: any WeightSource, path: String
  ) {
    self.graph = graph
    self.card = card
    self.classLabels = classLabels
    self.weights = weights
    self.path = path
  }

  /// The name of the architecture, for example `mobilenet`.
  public var architecture: String { card.architecture }

  /// Which member of the family, for people: `alpha 0.25, 224x224, with top, 1000 classes`.
  public var variant: String { card.variant }

  /// How pixels become what enters the network.
  public var preprocessing: Preprocessing { card.preprocessing }

  /// Whether the network itself scales the pixels, so that they go in as they are.
  public var preprocessingIsInside: Bool { graph.scalesPixels(as: card) }

  /// The licence of the weights, where it is known.
  public var licence: String? { card.licence }

  /// How to cite the architecture, where that is known.
  public var citation: String? { card.citation }

  /// Measured accuracy in percent and what it was measured on, where it is known.
  public var accuracy: String? { card.accuracy }

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

  /// The instruction sets that the engine can use on this machine, the fastest first. The environment variable
  /// `ZOO_KERNELS` chooses another than the first.
  public static var availableKernels: [String] { Engine.availableKernels }
}
