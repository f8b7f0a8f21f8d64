import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

extension Model {
  /// A layer of the network, as `zoo inspect --layers` shows it.
  public struct Layer: Sendable, Hashable {
    /// One of the numbers and names that say what a layer does.
    public struct Attribute: Sendable, Hashable {
      /// As Keras calls it, in snake case: `filters`, `strides`, `use_bias`.
      public let name: String
      /// What it is.
      public let value: AttributeValue
    }

    /// A tensor that training changed.
    public struct Weight: Sendable, Hashable {
      /// As Keras calls it: `kernel`, `bias`, `gamma`, `moving_mean`.
      public let name: String
      /// The extents, as Keras has them: (height, width, input channels, filters) of a convolution's kernel.
      public let shape: Shape
    }

    /// Its name, unique in the network.
    public let name: String
    /// What it computes, for example `convolution` or `batch_normalization`.
    public let kind: String
    /// The names of the layers that it reads, in order; none for an input.
    public let inputs: [String]
    /// The shape of its output for one example: (H, W, C) or (C).
    public let outputShape: Shape
    /// All of its parameters, in the format's order.
    public let attributes: [Attribute]
    /// Its weights, in Keras' order; those of ``sharing`` if there is one.
    public let weights: [Weight]
    /// The earlier layer whose weights it uses, where a layer is called more than once.
    public let sharing: String?
    /// Multiplications for one example.
    public let macs: Int

    package init(_ node: Node, in graph: Graph) {
      name = node.name
      kind = node.operation.kind
      inputs = node.inputs.map { graph[$0].name }
      outputShape = node.shape
      attributes = node.operation.attributes.map { Attribute(name: $0.0, value: $0.1) }
      weights = node.weights.map { Weight(name: $0.role.rawValue, shape: $0.shape) }
      sharing = node.sharing.map { graph[$0].name }
      macs = graph.macs(of: node)
    }

    /// The number of its own weights; none where it uses those of another layer.
    public var parameterCount: Int {
      sharing == nil ? weights.reduce(0) { $0 + $1.shape.elementCount } : 0
    }

    /// The attribute of this name.
    public subscript(name: String) -> AttributeValue? { attributes.first { $0.name == name }?.value }
  }

  /// What enters or leaves a network.
  public struct Port: Sendable, Hashable {
    /// The layer's name.
    public let name: String
    /// The shape of one example: (H, W, C) or (C).
    public let shape: Shape
  }

  /// The file that weights were converted from.
  public struct Source: Sendable, Hashable {
    /// Its name without a folder.
    public let file: String
    /// Its SHA-256, 64 hexadecimal digits.
    public let sha256: String
    /// Its size in bytes.
    public let bytes: Int
    /// The program that wrote it, for example `Keras 2.1.5`.
    public let writer: String
    /// How its tensors are laid out and named.
    public let layout: String

    init(_ record: SourceRecord) {
      file = record.file
      sha256 = record.sha256
      bytes = record.bytes
      writer = record.writer
      layout = record.layout
    }
  }

  /// What enters the network, in its order.
  public var inputs: [Port] { graph.inputs.map(port) }

  /// What leaves the network, in its order.
  public var outputs: [Port] { graph.outputs.map(port) }

  private func port(_ value: Value) -> Port { Port(name: graph[value].name, shape: graph[value].shape) }

  /// All layers, in the order in which they run: each reads only earlier ones.
  public var layers: [Layer] { graph.nodes.map { Layer($0, in: graph) } }

  /// The layer of this name, if there is one.
  public func layer(named name: String) -> Layer? { graph.node(named: name).map { Layer($0, in: graph) } }

  /// The weights of a layer, in Keras' order and layout, as 32-bit floats.
  ///
  /// They are read anew at each call. For a layer that uses the weights of another, they are those.
  ///
  /// - Parameter layer: the layer's name.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.unknownLayer` where there is no such layer, and another
  ///   where the weights can't be read.
  public func weights(of layer: String) throws(ZooError) -> [NamedTensor] {
    let node = graph[try value(named: layer)]
    return try ZooError.wrap {
      try node.weights.map { slot in
        let stored = try weights.tensor(for: slot)
        defer { stored.bytes.letGo() }
        return NamedTensor(
          name: slot.role.rawValue, tensor: Tensor(shape: slot.shape, values: stored.floats()))
      }
    }
  }

  /// The output of the layer of this name.
  func value(named layer: String) throws(ZooError) -> Value {
    guard let value = graph.value(named: layer) else {
      throw ZooError(
        .unknownLayer, what: "no such layer", at: path,
        "'\(layer)' is not one of its \(graph.nodes.count) layers", remedy: "Model.layerNames lists them.")
    }
    return value
  }
}
