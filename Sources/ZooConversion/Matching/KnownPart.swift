import ZooGraph
import ZooKeras
import ZooModels
import ZooTensor

/// A network of the catalogue that is a part of a larger one: somebody's model on top of a published one,
/// with other layers before and behind it.
struct KnownPart {
  /// The part, with the names that its layers have in the whole.
  let graph: Graph
  let candidate: Candidate

  /// How far the input and the output of the part are searched for from its first and last weights.
  private static let searchLimit = 8

  /// Finds the part by the names of its layers, and takes it only where it computes what the architecture
  /// does; nil where there is none.
  ///
  /// The part ends with the last feature map, or with what a nested model that it is all of has after it.
  init?(of architecture: Architecture, in network: KerasNetwork) {
    let whole = network.graph
    guard let found = Self.variant(of: architecture, in: whole),
      let members = Self.layersWithWeights(of: found, architecture, in: whole)
    else { return nil }
    let outputs = members.last..<min(whole.nodes.count, members.last + Self.searchLimit)
    for input in Self.possibleInputs(of: members.first, in: whole) where whole.nodes[input].shape.rank == 3 {
      let variants = Self.variants(of: found, input: whole.nodes[input].shape)
      for output in outputs.reversed() {
        guard let part = whole.part(from: input, to: output) else { continue }
        let form = part.canonicalForm
        let mayPool = network.isOneModel(members.last, output)
        let match = variants.first {
          (mayPool || $0.head == found.head) && (try? $0.graph())?.canonicalForm == form
        }
        guard let match else { continue }
        self.init(part, of: whole, is: match)
        return
      }
    }
    return nil
  }

  private init(_ part: Graph, of whole: Graph, is variant: Variant) {
    let weighted = part.nodes.count { !$0.weights.isEmpty }
    let all = whole.nodes.count { !$0.weights.isEmpty }
    graph = part
    candidate = Candidate(
      variant: variant, isExact: false, unusedCount: whole.weightSlots.count - part.weightSlots.count,
      nameAgreement: 1,
      explanation:
        "\(variant.architecture) (\(variant.description)) in \(weighted) of \(all) layers with weights")
  }

  /// The member of the family that the layers' names and shapes say.
  private static func variant(of architecture: Architecture, in whole: Graph) -> Variant? {
    let hints = whole.weightSlots.map {
      TensorHint(layer: $0.layer, variable: $0.role.rawValue, shape: $0.shape)
    }
    let context = MatchContext(layers: Set(whole.nodes.map(\.name)))
    return try? Catalog.candidate(architecture: architecture.name, for: hints, context).variant
  }

  /// The first and the last of the layers that have the names of the variant's layers with weights.
  private static func layersWithWeights(
    of variant: Variant, _ architecture: Architecture, in whole: Graph
  ) -> (first: Int, last: Int)? {
    guard let model = try? variant.graph() else { return nil }
    let names = Set(model.nodes.lazy.filter { !$0.weights.isEmpty }.map(\.name))
    let numbering = AutomaticNames(of: whole.nodes.lazy.filter { !$0.weights.isEmpty }.map(\.name))
    let members = whole.nodes.indices.filter { index in
      !whole.nodes[index].weights.isEmpty
        && architecture.layer(named: whole.nodes[index].name, in: model, numbering: numbering)
          .map(names.contains) == true
    }
    guard let first = members.first, let last = members.last else { return nil }
    return (first, last)
  }

  /// What the first weights read, and what comes a few layers before.
  private static func possibleInputs(of first: Int, in whole: Graph) -> [Int] {
    var inputs: [Int] = []
    var next = whole.nodes[first].inputs.first?.index
    while let index = next, inputs.count < searchLimit {
      inputs.append(index)
      next = whole.nodes[index].inputs.count == 1 ? whole.nodes[index].inputs.first?.index : nil
    }
    return inputs
  }

  /// The network for an input of this shape, with each pooling that weights don't tell; as it was found
  /// first.
  private static func variants(of found: Variant, input shape: Shape) -> [Variant] {
    let heads: [Head] =
      found.head == .features(.none) ? GlobalPooling.allCases.map { .features($0) } : [found.head]
    return heads.map {
      Variant(
        architecture: found.architecture, definition: found.definition,
        input: InputShape(shape[0], shape[1], channels: shape[2]), head: $0, conventions: found.conventions)
    }
  }
}

extension KerasNetwork {
  /// Whether the nodes come from layers of the same nested model.
  fileprivate func isOneModel(_ node: Int, _ other: Int) -> Bool {
    let container = layerOrder.first { $0.node == node }?.container ?? ""
    return !container.isEmpty && layerOrder.first { $0.node == other }?.container == container
  }
}

extension Graph {
  /// The layers from the value of node `input`, which becomes the input of the part, to node `output`; nil
  /// where these read something that does not come from there.
  fileprivate func part(from input: Int, to output: Int) -> Graph? {
    var needed: Set<Int> = [output]
    for index in stride(from: output, to: input, by: -1) where needed.contains(index) {
      if nodes[index].inputs.isEmpty { return nil }
      needed.formUnion(nodes[index].inputs.map(\.index))
    }
    guard needed.contains(input), needed.allSatisfy({ $0 >= input }), output > input else { return nil }
    let order = needed.sorted()
    let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($0.element, $0.offset) })
    let layers = order.map { index in
      index == input
        ? Graph.Layer(
          name: nodes[index].name, operation: .input(shape: nodes[index].shape.dimensions), inputs: [])
        : Graph.Layer(
          name: nodes[index].name, operation: nodes[index].operation,
          inputs: nodes[index].inputs.compactMap { places[$0.index] })
    }
    return try? Graph(layers: layers, outputs: [layers.count - 1])
  }
}
