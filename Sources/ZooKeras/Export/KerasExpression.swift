import ZooGraph
import ZooSystem
import ZooTensor

/// A network whose every node is one layer of Keras 2 and 3 alike.
///
/// What both have no layer for becomes several, such as a padding with its own edges, or ReLU6 at the end of
/// a convolution.
package struct KerasExpression: Sendable {
  package let graph: Graph
  /// What training needs to know of the layers, by their names.
  package let training: [String: LayerTraining]
  /// The names of the layers that have weights, by those of the original network.
  package let layers: [String: String]

  /// - Throws: `ZooError` of the code `unsupported` where Keras has no layer for a node, or the order of its
  ///   layers would not be known.
  package init(
    of graph: Graph, training: [String: LayerTraining], at location: String
  ) throws(ZooError) {
    var builder = Builder(training: training, location: location)
    for node in graph.nodes { try builder.add(node, of: graph) }
    self.graph = try Graph(layers: builder.layers, outputs: graph.outputs.map { builder.values[$0.index] })
    self.training = self.graph.part(of: builder.training)
    layers = builder.renamed
  }

  /// Whether both versions know the function by a name, so that a layer can end in it.
  static func name(of activation: Activation) -> String? {
    switch activation {
    case .relu: activation == .relu ? "relu" : nil
    case .elu(let alpha): alpha == 1 ? "elu" : nil
    case .gelu(let approximate): approximate ? nil : "gelu"
    case .silu: "swish"
    case .hardSigmoid, .hardSilu, .squareRoot, .logarithm, .reciprocal: nil
    default: activation.name
    }
  }
}

extension KerasExpression {
  private struct Builder {
    let given: [String: LayerTraining]
    let location: String
    var layers: [Graph.Layer] = []
    var training: [String: LayerTraining] = [:]
    var renamed: [String: String] = [:]
    /// By node of the original, the layer that has its value.
    var values: [Int] = []
    private var names: Set<String> = []

    init(training: [String: LayerTraining], location: String) {
      given = training
      self.location = location
    }

    private func unsupported(_ node: Node, _ why: String) -> ZooError {
      ZooError(
        .unsupported, what: "cannot export", at: "\(location), '\(node.name)'", why,
        remedy: "Export its weights as .safetensors or .npz.")
    }

    mutating func add(_ node: Node, of graph: Graph) throws(ZooError) {
      if node.sharing != nil {
        throw unsupported(
          node, "it uses the weights of another layer, so the order of layers in Keras is unknown")
      }
      let inputs = node.inputs.map { values[$0.index] }
      let name = fresh(Self.bare(node.name))
      switch node.operation {
      case .convolution(var own):
        let input = padded(&own.padding, name, inputs[0])
        append(node, .convolution(own), name, input)
      case .depthwiseConvolution(var own):
        let input = padded(&own.padding, name, inputs[0])
        append(node, .depthwiseConvolution(own), name, input)
      case .separableConvolution(var own):
        let input = padded(&own.padding, name, inputs[0])
        append(node, .separableConvolution(own), name, input)
      case .transposedConvolution(let own):
        guard own.kerasPadding(of: graph[node.inputs[0]].shape) != nil else {
          throw unsupported(node, "Keras' transposed convolutions have other edges")
        }
        append(node, node.operation, name, inputs[0])
      case .dense: append(node, node.operation, name, inputs[0])
      case .activation(let activation):
        guard let value = append(activation, name, to: inputs[0]) else {
          throw unsupported(node, "Keras has no layer for '\(activation.name)' that all versions know")
        }
        values.append(value)
      case .identity where given[node.name]?.noise == nil:
        values.append(append(name, .activation(.linear), inputs))
      case .maxPooling(let own) where own.padding.isExplicit,
        .averagePooling(let own) where own.padding.isExplicit:
        throw unsupported(node, "Keras' pooling has no edges of its own")
      case .resize(let own) where own.antialias || !Self.interpolations.contains(own.interpolation):
        throw unsupported(node, "not all versions of Keras resize like this")
      case .normalization:
        throw unsupported(
          node, "Keras stores how many examples a Normalization layer has seen, and this model does not")
      case .layerScale, .channelAffine:
        throw unsupported(node, "Keras has no layer that scales channels by weights alone")
      default:
        let layer = append(name, node.operation, inputs)
        training[name] = given[node.name]
        if !node.weights.isEmpty { renamed[node.name] = name }
        values.append(layer)
      }
    }

    private static let interpolations: Set<Resize.Interpolation> = [.nearest, .bilinear, .bicubic]

    /// A name that Keras takes: without slashes, and with a letter or digit first, as TensorFlow's scopes.
    private static func bare(_ name: String) -> String {
      let bare = String(
        name.unicodeScalars.map { scalar in
          scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            || scalar == "_" || scalar == "." || scalar == "-" ? Character(scalar) : "_"
        })
      let first = bare.unicodeScalars.first.map {
        $0.properties.isAlphabetic || $0.properties.numericType != nil
      }
      return first == true ? bare : "layer" + bare
    }

    private mutating func fresh(_ name: String) -> String {
      var (candidate, number) = (name, 1)
      while !names.insert(candidate).inserted {
        candidate = "\(name)_\(number)"
        number += 1
      }
      return candidate
    }

    private mutating func append(_ name: String, _ operation: Operation, _ inputs: [Int]) -> Int {
      layers.append(Graph.Layer(name: name, operation: operation, inputs: inputs))
      return layers.count - 1
    }

    /// A layer of its own for edges that are neither none nor those that keep the size.
    private mutating func padded(_ padding: inout Padding, _ name: String, _ input: Int) -> Int {
      guard case .explicit(let edges) = padding else { return input }
      padding = .valid
      return edges == .none ? input : append(fresh("\(name)_pad"), .zeroPadding(edges), [input])
    }

    /// A layer with weights, and the function that it ends in where no name stands for it.
    private mutating func append(_ node: Node, _ operation: Operation, _ name: String, _ input: Int) {
      training[name] = given[node.name]
      renamed[node.name] = name
      let activation = operation.endActivation ?? .linear
      guard KerasExpression.name(of: activation) == nil else {
        return values.append(append(name, operation, [input]))
      }
      let layer = append(name, operation.withoutActivation, [input])
      values.append(append(activation, fresh("\(name)_activation"), to: layer) ?? layer)
    }

    /// The layers of a function; nil where the versions of Keras have none in common.
    private mutating func append(_ activation: Activation, _ name: String, to input: Int) -> Int? {
      /// Values below 0 and above 1 become these.
      func limited(_ builder: inout Builder, slope: Double) -> Int {
        let scaled = builder.append(
          builder.fresh("\(name)_scale"), .rescaling(Rescaling(scale: [slope], offset: [0.5])), [input])
        return builder.append(
          name, .activation(.relu(maxValue: 1, negativeSlope: 0, threshold: 0)), [scaled])
      }
      switch activation {
      case .relu, .elu: return append(name, .activation(activation), [input])
      case .hardSigmoid(let slope): return limited(&self, slope: slope)
      case .hardSilu:
        let gate = limited(&self, slope: 1.0 / 6)
        return append(fresh("\(name)_product"), .merge(.multiply), [input, gate])
      default:
        return KerasExpression.name(of: activation) == nil
          ? nil : append(name, .activation(activation), [input])
      }
    }
  }
}

extension Padding {
  fileprivate var isExplicit: Bool {
    if case .explicit = self { true } else { false }
  }
}
