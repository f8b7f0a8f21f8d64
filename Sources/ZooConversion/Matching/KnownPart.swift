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
  /// The part ends with the last feature map, or with what a nested model that it is all of has behind it.
  init?(of architecture: Architecture, in network: KerasNetwork) {
    let whole = network.graph
    let hints = whole.weightSlots.map {
      TensorHint(layer: $0.layer, variable: $0.role.rawValue, shape: $0.shape)
    }
    let context = MatchContext(layers: Set(whole.nodes.map(\.name)))
    guard let found = try? Catalog.candidate(architecture: architecture.name, for: hints, context),
      let model = try? found.variant.graph()
    else { return nil }
    let names = Set(model.nodes.lazy.filter { !$0.weights.isEmpty }.map(\.name))
    let members = whole.nodes.indices.filter { index in
      !whole.nodes[index].weights.isEmpty
        && architecture.layer(named: whole.nodes[index].name, in: model).map(names.contains) == true
    }
    guard let first = members.first, let last = members.last else { return nil }

    // The input is what the first weights read, or what comes a few layers before.
    var inputs: [Int] = []
    var next = whole.nodes[first].inputs.first?.index
    while let index = next, inputs.count < Self.searchLimit {
      inputs.append(index)
      next = whole.nodes[index].inputs.count == 1 ? whole.nodes[index].inputs.first?.index : nil
    }
    let containers = Dictionary(
      network.layerOrder.map { ($0.node, $0.container) }, uniquingKeysWith: { first, _ in first })
    let container = containers[last] ?? ""
    let outputs = last..<min(whole.nodes.count, last + Self.searchLimit)
    for input in inputs {
      let shape = whole.nodes[input].shape
      guard shape.rank == 3 else { continue }
      let heads: [Head] =
        found.variant.head == .features(.none)
        ? GlobalPooling.allCases.map { .features($0) } : [found.variant.head]
      let variants = heads.map {
        Variant(
          architecture: architecture.name, definition: found.variant.definition,
          input: InputShape(shape[0], shape[1], channels: shape[2]), head: $0, conventions: found.variant.conventions)
      }
      for output in outputs.reversed() {
        let mayPool = !container.isEmpty && containers[output] == container
        guard let part = whole.part(from: input, to: output) else { continue }
        let form = part.canonicalForm
        guard
          let variant = variants.first(where: {
            (mayPool || $0.head == variants[0].head) && (try? $0.graph())?.canonicalForm == form
          })
        else { continue }
        graph = part
        let weighted = part.nodes.count { !$0.weights.isEmpty }
        let all = whole.nodes.count { !$0.weights.isEmpty }
        candidate = Candidate(
          variant: variant, isExact: false, unusedCount: whole.weightSlots.count - part.weightSlots.count,
          nameAgreement: 1,
          explanation:
            "\(variant.architecture) (\(variant.description)) in \(weighted) of \(all) layers with weights"
        )
        return
      }
    }
    return nil
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
