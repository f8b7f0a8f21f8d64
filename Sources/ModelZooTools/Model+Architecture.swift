import ModelZoo
import ZooConversion
import ZooGraph
import ZooModels
import ZooSystem

extension Model {
  /// How a network ends.
  public enum Head: Sendable, Hashable {
    /// With the classifier that the architecture was published with, for so many classes; it ends in a softmax.
    case classifier(classes: Int)
    /// With the same classifier without its softmax.
    case logits(classes: Int)
    /// With the last feature map, (H, W, C), or what pooling makes of it, (C).
    case features(Backbone.Pooling)
  }

  /// A network of the catalogue with random weights: to try out, to measure speed and memory, to test with.
  ///
  /// The weights keep values in range (He's uniform distribution), and the same seed gives the same weights on
  /// every platform. Each is made anew when it is read.
  ///
  /// - Parameters:
  ///   - architecture: a name in ``KnownArchitecture/all``, for example `resnet50`.
  ///   - head: how it ends.
  ///   - inputSize: height and width in pixels; by default the published network's.
  ///   - seed: which random weights.
  /// - Throws: `ZooError` with the code `ZooError.Code.unknownArchitecture`, or `ZooError.Code.invalidNetwork` where
  ///   the size is too small for the network.
  public init(
    architecture: String, head: Head = .classifier(classes: 1000), inputSize: Extent2D? = nil, seed: UInt64
  ) throws(ZooError) {
    guard let known = Catalog.architecture(named: architecture) else {
      throw ZooError(
        .unknownArchitecture, what: "unknown architecture", at: "", "there is no '\(architecture)'",
        remedy: "Known architectures: \(Catalog.architectures.map(\.name).joined(separator: ", ")).")
    }
    var input = known.defaultInput
    if let inputSize { (input.height, input.width) = (inputSize.height, inputSize.width) }
    let variant = Variant(
      architecture: known.name, definition: known.definition, input: input, head: head.definition)
    self.init(
      graph: try variant.graph(), card: variant.card(published: false), classLabels: [],
      weights: RandomWeights(seed: seed), path: "\(known.name) with random weights")
  }
}

extension Model.Head {
  fileprivate var definition: ZooModels.Head {
    switch self {
    case .classifier(let classes): .classifier(classes: classes, activation: .softmax)
    case .logits(let classes): .classifier(classes: classes, activation: .linear)
    case .features(.none): .features(.none)
    case .features(.average): .features(.avg)
    case .features(.maximum): .features(.max)
    }
  }
}
