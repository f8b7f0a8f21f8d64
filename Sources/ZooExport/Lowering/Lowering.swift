import ZooGraph
import ZooSystem
import ZooTensor

/// Makes a ``LoweredGraph`` of a ``Graph``.
///
/// A value of three axes, an image, is kept in the order of axes in which it was computed, and gets the other
/// order where something needs it: once for all that do.
struct Lowering {
  typealias Value = LoweredGraph.Value
  typealias Operand = LoweredGraph.Operand

  let graph: Graph
  let target: LoweredGraph.Target
  /// Whose graph it is, for errors.
  private let location: String
  private(set) var result = LoweredGraph()
  private var forms: [Forms?]
  /// By node, the one that computes its value: another one where it changes nothing.
  private var origins: [Int]
  private var constants: [LoweredConstant: Int] = [:]
  /// The layer that each value belongs to.
  private var layers: [Int] = []
  private var names = Names()
  /// The node that is lowered.
  private(set) var current = 0

  /// What a node computes, in one or both orders of its axes. Other values than images are `.nhwc`.
  private struct Forms {
    let native: ImageLayout
    var values: [ImageLayout: Value]
  }

  private init(_ graph: Graph, target: LoweredGraph.Target, location: String) {
    self.graph = graph
    self.target = target
    self.location = location
    forms = Array(repeating: nil, count: graph.nodes.count)
    origins = Array(graph.nodes.indices)
  }

  static func lowered(
    _ graph: Graph, for target: LoweredGraph.Target, location: String
  ) throws(ZooError) -> LoweredGraph {
    var lowering = Lowering(graph, target: target, location: location)
    let needed = lowering.neededNodes()
    for (index, node) in graph.nodes.enumerated() {
      lowering.current = index
      if case .input = node.operation {
        let layout = node.shape.rank == 3 ? target.inputs : .nhwc
        let value = lowering.newValue(axes(of: node.shape, in: layout))
        lowering.result.inputs.append(value)
        lowering.set(value, layout)
      } else if needed[index] {
        try Cancellation.check()
        try lowering.lower(node)
      }
    }
    lowering.nameEnds(target.outputs)
    lowering.removeUnreadSteps()
    lowering.nameOthers()
    return lowering.result
  }

  /// Which nodes an output depends on.
  private func neededNodes() -> [Bool] {
    var needed = Array(repeating: false, count: graph.nodes.count)
    for output in graph.outputs { needed[output.index] = true }
    for index in graph.nodes.indices.reversed() where needed[index] {
      for input in graph.nodes[index].inputs { needed[input.index] = true }
    }
    return needed
  }

  func unsupported(_ node: Node, _ why: String) -> ZooError {
    ZooError(
      .unsupported, what: "cannot export", at: "\(location), '\(node.name)'", why,
      remedy: "Export its weights as .safetensors or .npz.")
  }
}

// MARK: Values and their orders

extension Lowering {
  /// The extents in this order of an image's.
  static func axes(of shape: Shape, in layout: ImageLayout) -> [Int] {
    layout == .nchw && shape.rank == 3 ? [shape[2], shape[0], shape[1]] : shape.dimensions
  }

  private mutating func newValue(_ shape: [Int]) -> Value {
    result.shapes.append(shape)
    layers.append(current)
    return Value(index: result.shapes.count - 1)
  }

  /// Appends a step; `shape` is that of its output, without the batch.
  mutating func add(_ kind: LoweredGraph.Kind, _ inputs: [Operand], _ shape: [Int]) -> Value {
    let value = newValue(shape)
    result.steps.append(LoweredGraph.Step(kind: kind, inputs: inputs, output: value))
    return value
  }

  /// Appends a step whose output has the shape of the value that it reads first.
  mutating func add(_ kind: LoweredGraph.Kind, _ value: Value, _ others: Operand...) -> Value {
    add(kind, [.value(value)] + others, result.shapes[value.index])
  }

  mutating func constant(_ source: LoweredConstant.Source, _ shape: [Int]) -> Operand {
    let constant = LoweredConstant(source: source, shape: shape)
    let index = constants[constant] ?? result.constants.count
    if index == result.constants.count {
      constants[constant] = index
      result.constants.append(constant)
    }
    return .constant(index)
  }

  mutating func scalar(_ number: Double) -> Operand { constant(.numbers([Float(number)]), []) }

  /// Says what the current node computes.
  mutating func set(_ value: Value, _ layout: ImageLayout = .nhwc) {
    forms[current] = Forms(native: layout, values: [layout: value])
  }

  /// The current node computes the same as `other`.
  mutating func setSame(as other: ZooGraph.Value) { origins[current] = origins[other.index] }

  /// The order that the value of a node is in without further steps.
  func native(_ value: ZooGraph.Value) -> ImageLayout { forms[origins[value.index]]?.native ?? .nhwc }

  /// The value of a node in its own order.
  mutating func native(_ value: ZooGraph.Value) -> (Value, ImageLayout) {
    let layout: ImageLayout = native(value)
    return (self.value(value, layout), layout)
  }

  /// The value of a node in this order of axes.
  mutating func value(_ node: ZooGraph.Value, _ layout: ImageLayout) -> Value {
    let origin = origins[node.index]
    guard let known = forms[origin] else { preconditionFailure("a node is read before it is lowered") }
    if let value = known.values[layout] { return value }
    guard let source = known.values[known.native], graph[node].shape.rank == 3 else {
      preconditionFailure("only images have two orders")
    }
    let now = current
    current = origin
    defer { current = now }
    let value = reordered(source, graph[node].shape, to: layout)
    forms[origin]?.values[layout] = value
    return value
  }

  /// An image of `shape` in the other order.
  mutating func reordered(_ source: Value, _ shape: Shape, to layout: ImageLayout) -> Value {
    let extents = Self.axes(of: shape, in: layout)
    // With one pixel or one channel the values lie alike.
    if shape[2] == 1 || shape[0] * shape[1] == 1 { return add(.reshape(extents), [.value(source)], extents) }
    return add(.transpose(layout == .nchw ? [0, 3, 1, 2] : [0, 2, 3, 1]), [.value(source)], extents)
  }
}

// MARK: Ends and names

extension Lowering {
  private mutating func nameEnds(_ layout: ImageLayout) {
    result.names = Array(repeating: "", count: result.shapes.count)
    for (input, value) in zip(graph.inputs, result.inputs) {
      result.names[value.index] = names.unique(graph[input].name)
    }
    for output in graph.outputs {
      current = output.index
      var value = self.value(output, graph[output].shape.rank == 3 ? layout : .nhwc)
      // An input, or what is an output already, has its name.
      if value.index < result.names.count, !result.names[value.index].isEmpty {
        value = add(.unary(.identity), value)
      }
      result.names += Array(repeating: "", count: result.shapes.count - result.names.count)
      result.names[value.index] = names.unique(graph[output].name)
      result.outputs.append(value)
    }
  }

  /// Removes what an operation of its reader's own has replaced.
  private mutating func removeUnreadSteps() {
    var read = Set(result.outputs)
    var kept: [LoweredGraph.Step] = []
    for step in result.steps.reversed() where read.contains(step.output) {
      kept.append(step)
      for case .value(let value) in step.inputs { read.insert(value) }
    }
    result.steps = kept.reversed()
  }

  private mutating func nameOthers() {
    for (index, node) in graph.nodes.enumerated() {
      guard let form = forms[index], let value = form.values[form.native], layers[value.index] == index,
        result.names[value.index].isEmpty
      else { continue }
      result.names[value.index] = names.unique(node.name)
    }
    for index in result.names.indices where result.names[index].isEmpty {
      result.names[index] = names.unique("\(graph.nodes[layers[index]].name)/step")
    }
    result.constantNames = result.constants.map { constant in
      guard let slot = constant.slots.last else { return names.unique("constant") }
      switch constant.source {
      case .weight, .reversed: return names.unique(slot.name)
      default: return names.unique("\(slot.layer)/factor")
      }
    }
  }

  /// Names, each given once.
  private struct Names {
    private var used: Set<String> = []
    private var counts: [String: Int] = [:]

    mutating func unique(_ name: String) -> String {
      var candidate = name
      while !used.insert(candidate).inserted {
        counts[name, default: 0] += 1
        candidate = "\(name)_\(counts[name, default: 0])"
      }
      return candidate
    }
  }
}

extension Graph {
  /// The network in the operations that other runtimes have.
  ///
  /// - Parameters:
  ///   - layout: the order of the axes of inputs and outputs that are images.
  ///   - location: whose graph it is, for errors.
  /// - Throws: `ZooError` of the code `unsupported`, which names the layer, where there are no such operations.
  package func lowered(layout: ImageLayout, location: String) throws(ZooError) -> LoweredGraph {
    try lowered(for: LoweredGraph.Target(inputs: layout, outputs: layout), location: location)
  }

  /// The same for a target that may have operations of its own.
  package func lowered(
    for target: LoweredGraph.Target, location: String
  ) throws(ZooError) -> LoweredGraph {
    try Lowering.lowered(self, for: target, location: location)
  }
}
