import ZooGraph
import ZooModels
import ZooTensor

extension Catalog {
  /// The zoo's network that computes what `graph` computes, whatever its layers are called.
  package static func recognise(_ graph: Graph) -> Candidate? {
    guard graph.inputs.count == 1, graph.outputs.count == 1 else { return nil }
    let input = graph[graph.inputs[0]].shape
    guard input.rank == 3 else { return nil }
    var epsilon: Double?
    for node in graph.nodes {
      if case .batchNormalization(let b) = node.operation {
        epsilon = b.epsilon
        break
      }
    }
    let hints = graph.weightSlots.map {
      TensorHint(layer: $0.layer, variable: $0.role.rawValue, shape: $0.shape)
    }
    let inventory = TensorInventory(
      hints, epsilon: epsilon, MatchContext(inputSize: (input[0], input[1]), isDescribed: true))
    let form = graph.canonicalForm
    let candidates = sorted(
      architectures.flatMap { Self.candidates(of: $0, for: inventory) })
    for candidate in candidates where candidate.isExact {
      for head in heads(like: candidate.variant.head) {
        let variant = Variant(
          architecture: candidate.variant.architecture, definition: candidate.variant.definition,
          input: candidate.variant.input, head: head)
        guard let known = try? variant.graph(), known.canonicalForm == form else { continue }
        return Candidate(
          variant: variant, isExact: true, unusedCount: 0, nameAgreement: candidate.nameAgreement,
          explanation: "\(variant.name) (\(variant.description)): the configuration computes the same"
        )
      }
    }
    return nil
  }

  /// The heads that weights can't tell from `head`.
  private static func heads(like head: Head) -> [Head] {
    switch head {
    case .classifier(let classes, _):
      [.softmax, .linear, .sigmoid].map { .classifier(classes: classes, activation: $0) }
    case .features:
      GlobalPooling.allCases.map { .features($0) }
    }
  }
}
