import ZooGraph
import ZooSystem
import ZooTensor

/// The size of the image that enters a network.
package struct InputShape: Hashable, Sendable {
  /// In pixels.
  package var height: Int
  package var width: Int
  package var channels: Int

  package init(_ height: Int, _ width: Int, channels: Int = 3) {
    self.height = height
    self.width = width
    self.channels = channels
  }
}

/// What makes one vector of the last feature map.
package enum GlobalPooling: String, Hashable, Sendable, CaseIterable {
  /// Nothing: the output is the feature map, (H, W, C).
  case none
  /// The mean over all pixels, (C).
  case avg
  /// The maximum over all pixels, (C).
  case max
}

/// How a network ends.
package enum Head: Hashable, Sendable {
  /// With the classifier that the architecture was published with; `activation` is what follows its
  /// last product (`.linear` gives logits).
  case classifier(classes: Int, activation: Activation)
  /// Without a classifier.
  case features(GlobalPooling)

  /// The classifier of ImageNet's 1000 classes with probabilities.
  package static let imageNet = Head.classifier(classes: 1000, activation: .softmax)
}

/// A family of networks with its parameters chosen, but for the input size and the head.
package protocol NetworkDefinition: Hashable, Sendable {
  /// Adds the network's layers in the order in which Keras' code makes them; returns the output.
  func build(_ g: inout GraphBuilder, _ image: Value, head: Head) throws(ZooError) -> Value

  /// The parameters that differ from the published network's, for people; empty if none does.
  var summary: String { get }

  /// The network with which it shares its published weights.
  var published: any NetworkDefinition { get }

  /// What it is called where that is not the architecture's name; nil where it is.
  var memberName: String? { get }

  /// The shape that Keras' files of this network have for a weight.
  func fileShape(of slot: WeightSlot) -> Shape

  /// Where Keras' model of this network keeps the layers of `graph`, in the order of `model.layers`.
  func places(in graph: Graph) -> [KerasPlace]
}

extension NetworkDefinition {
  package var published: any NetworkDefinition { self }
  package var memberName: String? { nil }
  package func fileShape(of slot: WeightSlot) -> Shape { slot.shape }
  package func places(in graph: Graph) -> [KerasPlace] { graph.kerasLayerPlaces }
}

extension NetworkDefinition {
  /// The network for one input size, its layers in the order of Keras' `model.layers`.
  package func graph(input: InputShape, head: Head) throws(ZooError) -> Graph {
    if case .classifier(let classes, _) = head, classes < 1 {
      throw ZooError.invalidNetwork(layer: "predictions", "\(classes) classes")
    }
    var g = GraphBuilder()
    let image = g.add(.input(shape: [input.height, input.width, input.channels]))
    let output = try build(&g, image, head: head)
    return try g.build(outputs: [output]).inKerasOrder()
  }
}
