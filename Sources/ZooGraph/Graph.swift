import ZooSystem
import ZooTensor

/// A node's output, by the node's index in ``Graph/nodes``.
package struct Value: Hashable, Sendable {
  package let index: Int
  package init(index: Int) { self.index = index }
}

/// One layer of a network, or a further call of a layer.
package struct Node: Sendable, Hashable {
  /// The layer's name, unique in the graph.
  package let name: String
  package let operation: Operation
  /// What it reads; always earlier nodes.
  package let inputs: [Value]
  /// The shape of its output for one example: (H, W, C) or (C).
  package let shape: Shape
  /// The weights that it needs, in Keras' order; those of ``sharing`` if there is one.
  package let weights: [WeightSlot]
  /// The earlier node whose weights it uses, where a layer is called more than once.
  package let sharing: Value?
}

/// A network: nodes in an order in which they can run, with their shapes.
///
/// A graph is valid by construction: names are unique, every node reads only earlier ones, every
/// shape is inferred and every window fits.
package struct Graph: Sendable, Hashable {
  /// The most nodes that a graph may have.
  package static let nodeLimit = 100_000

  package let nodes: [Node]
  package let inputs: [Value]
  package let outputs: [Value]
  private let indexByName: [String: Int]

  /// A node before its shape is known.
  package struct Layer: Sendable {
    package var name: String
    package var operation: Operation
    /// Indices of earlier layers.
    package var inputs: [Int]
    /// The index of the earlier layer whose weights it uses.
    package var sharing: Int?

    package init(name: String, operation: Operation, inputs: [Int], sharing: Int? = nil) {
      self.name = name
      self.operation = operation
      self.inputs = inputs
      self.sharing = sharing
    }
  }

  /// Infers all shapes and checks everything.
  package init(layers: [Layer], outputs: [Int]) throws(ZooError) {
    guard layers.count <= Graph.nodeLimit else {
      throw ZooError.invalidNetwork(layer: "", "\(layers.count) layers, more than \(Graph.nodeLimit)")
    }
    var nodes: [Node] = []
    var inputs: [Value] = []
    var indexByName: [String: Int] = [:]
    nodes.reserveCapacity(layers.count)
    indexByName.reserveCapacity(layers.count)
    for (index, layer) in layers.enumerated() {
      guard !layer.name.isEmpty else { throw ZooError.invalidNetwork(layer: "#\(index)", "it has no name") }
      guard indexByName.updateValue(index, forKey: layer.name) == nil else {
        throw ZooError.invalidNetwork(layer: layer.name, "two layers have this name")
      }
      var inputShapes: [Shape] = []
      for input in layer.inputs {
        guard input >= 0, input < index else {
          throw ZooError.invalidNetwork(
            layer: layer.name, "it reads layer #\(input), which does not come before it")
        }
        inputShapes.append(nodes[input].shape)
      }
      try layer.operation.checkPrecision(of: layer.name)
      let shape = try layer.operation.outputShape(of: layer.name, inputs: inputShapes)
      var weights: [WeightSlot] = []
      if let input = inputShapes.first {
        weights = try layer.operation.weights(of: layer.name, input: input)
      }
      if let sharing = layer.sharing {
        guard sharing >= 0, sharing < index, nodes[sharing].sharing == nil else {
          throw ZooError.invalidNetwork(
            layer: layer.name,
            "it uses the weights of #\(sharing), which is not an earlier layer with weights of its own")
        }
        let shared = nodes[sharing].weights
        guard !weights.isEmpty, shared.map(\.role) == weights.map(\.role),
          shared.map(\.shape) == weights.map(\.shape)
        else {
          throw ZooError.invalidNetwork(
            layer: layer.name, "the weights of '\(nodes[sharing].name)', which it uses, do not fit it")
        }
        weights = shared
      }
      nodes.append(
        Node(
          name: layer.name, operation: layer.operation, inputs: layer.inputs.map(Value.init(index:)),
          shape: shape, weights: weights, sharing: layer.sharing.map(Value.init(index:))))
      if case .input = layer.operation { inputs.append(Value(index: index)) }
    }
    guard !inputs.isEmpty else { throw ZooError.invalidNetwork(layer: "", "it has no input") }
    guard !outputs.isEmpty else { throw ZooError.invalidNetwork(layer: "", "it has no output") }
    for output in outputs where !nodes.indices.contains(output) {
      throw ZooError.invalidNetwork(layer: "", "output #\(output) does not exist")
    }
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs.map(Value.init(index:))
    self.indexByName = indexByName
  }

  /// The network of those nodes of `graph` that `order` names, in that order. Shapes stay as they are.
  ///
  /// - Throws: where a node would come before one that it reads or uses the weights of.
  init(_ graph: Graph, order: [Int]) throws(ZooError) {
    var places = [Int](repeating: .max, count: graph.nodes.count)
    for (new, old) in order.enumerated() { places[old] = new }
    var nodes: [Node] = []
    nodes.reserveCapacity(order.count)
    for old in order {
      let node = graph.nodes[old]
      func moved(_ value: Value) -> Value { Value(index: places[value.index]) }
      let inputs = node.inputs.map(moved)
      let sharing = node.sharing.map(moved)
      guard inputs.allSatisfy({ $0.index < nodes.count }), sharing.map({ $0.index < nodes.count }) ?? true
      else {
        throw ZooError.invalidNetwork(layer: node.name, "it would come before a layer that it depends on")
      }
      nodes.append(
        Node(
          name: node.name, operation: node.operation, inputs: inputs, shape: node.shape,
          weights: node.weights, sharing: sharing))
    }
    self.nodes = nodes
    inputs = nodes.indices.filter { if case .input = nodes[$0].operation { true } else { false } }
      .map(Value.init(index:))
    outputs = graph.outputs.map { Value(index: places[$0.index]) }
    indexByName = Dictionary(
      nodes.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  package subscript(value: Value) -> Node { nodes[value.index] }

  /// The node of this name.
  package func node(named name: String) -> Node? { indexByName[name].map { nodes[$0] } }

  /// The value of the node of this name.
  package func value(named name: String) -> Value? { indexByName[name].map(Value.init(index:)) }

  /// Every weight slot once, in the order of the nodes that have it first.
  package var weightSlots: [WeightSlot] { nodes.flatMap { $0.sharing == nil ? $0.weights : [] } }

  /// The number of weights.
  package var parameterCount: Int { weightSlots.reduce(0) { $0 + $1.shape.elementCount } }

  /// The number of weights that training changes by gradient.
  package var trainableParameterCount: Int {
    weightSlots.reduce(0) { $0 + ($1.role.isTrainable ? $1.shape.elementCount : 0) }
  }
}
