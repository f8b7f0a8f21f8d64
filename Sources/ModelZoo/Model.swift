import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor

/// A pretrained network with its weights, opened from a `.zoo` file.
///
/// Opening costs the file's header; weights are read from the mapping when something is made that runs them.
///
/// A model is immutable and can be shared between threads. Its users (``Classifier``, ``Backbone``, ``Network``)
/// hold the weights in the form that the processor needs, once for all users of one model and of its copies; what
/// one of them prepared is released with the last that uses any of it. Two models that were opened from the same
/// file share nothing but the file.
public struct Model: Sendable {
  package let graph: Graph
  /// What a person has to know about the model.
  public let card: ModelCard
  package let classLabels: [ClassLabel]
  package let weights: any WeightSource
  /// What the users of this model have packed.
  let packed: SharedWeights
  /// The file that it came from, or what a model from memory was called.
  public let path: String
  /// The file that the weights were converted from, where that is recorded.
  public let source: Source?
  /// What each check found before the file was written, by the name of the check; empty for a model that comes
  /// from no `.zoo` file.
  public let verification: [String: String]
  /// How the model was trained, where this package did it.
  public let training: TrainingRecord?
  /// How it is computed with activations of 8 bits; nil for 32-bit floats.
  package let integers: IntegerRecord?

  /// Whether the file asks for activations of 8 bits: see ``RunOptions/usesFloats``.
  public var hasIntegerActivations: Bool { integers != nil }

  /// Opens a `.zoo` file.
  ///
  /// The product `ModelZooTools` also opens weight files, and converts them to `.zoo` files.
  ///
  /// Files that `zoo convert --compress` wrote need the package trait CompressedFiles.
  ///
  /// - Parameter path: the file.
  /// - Throws: ``ZooError`` where the file can't be opened, is no `.zoo` file, or breaks the format's rules.
  public init(path: String) throws(ZooError) {
    self.init(file: try ZooError.wrap { try ZooFile(path: path, frames: FrameDecoding.coder) })
  }

  package init(file: ZooFile) {
    self.init(
      graph: file.document.graph, card: file.document.card, classLabels: file.document.labels,
      weights: file, path: file.path, source: file.document.source.map(Source.init),
      verification: file.document.verification, training: file.document.training,
      integers: file.document.integers)
  }

  package init(
    graph: Graph, card: ModelCard, classLabels: [ClassLabel], weights: any WeightSource, path: String,
    source: Source? = nil, verification: [String: String] = [:], training: TrainingRecord? = nil,
    integers: IntegerRecord? = nil
  ) {
    self.graph = graph
    self.card = card
    self.classLabels = classLabels
    self.weights = weights
    self.path = path
    self.source = source
    self.verification = verification
    self.training = training
    self.integers = integers
    packed = SharedWeights()
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

  /// The names of all layers, in the order in which they run. Any can be tapped. See ``layers``.
  public var layerNames: [String] { graph.nodes.map(\.name) }

  /// The shape of one example of the first input: (H, W, C) for pictures. See ``inputs``.
  public var inputShape: Shape { graph[graph.inputs[0]].shape }

  /// The shape of one output example, per output.
  public var outputShapes: [Shape] { graph.outputs.map { graph[$0].shape } }

  /// The labels of the classes, in the order of the output; empty where the model has none.
  public var labels: [String] { classLabels.map(\.name) }

  /// The number of weights.
  public var parameterCount: Int { graph.parameterCount }

  /// The bytes of memory in which the users of this model now hold weights, prepared once for all of them; 0 when
  /// the last user is gone. Weights that are read where they lie in the file do not count.
  public var preparedBytes: Int { packed.byteCount }

  /// The instruction sets that the engine can use on this machine, the fastest first. The environment variable
  /// `ZOO_KERNELS` chooses another than the first, and so does ``RunOptions/kernels``.
  public static var availableKernels: [String] { Engine.availableKernels }
}
