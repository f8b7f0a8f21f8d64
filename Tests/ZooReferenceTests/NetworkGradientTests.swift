import Testing
import ZooGraph
import ZooModels
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport

/// The gradients of whole networks agree with differences along random directions.
@Suite("gradients of networks") struct NetworkGradientTests {
  /// A member of each family, at a small size.
  struct Small: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let definition: any NetworkDefinition
    let side: Int

    static let all = [
      Small(
        testDescription: "VGG", definition: VGG(depths: [1, 1, 2, 2, 1], width: 4, denseWidth: 16), side: 32),
      Small(testDescription: "ResNet", definition: ResNet(depths: [1, 2, 1, 1], width: 4), side: 33),
      Small(testDescription: "MobileNet", definition: MobileNet(alpha: 0.25), side: 64),
      Small(
        testDescription: "NASNet",
        definition: NASNet(penultimateFilters: 96, numBlocks: 1, stemBlockFilters: 4, skipReduction: false),
        side: 32),
    ]

    func graph() throws -> Graph {
      try definition.graph(
        input: InputShape(side, side), head: .classifier(classes: 5, activation: .softmax))
    }
  }

  private static func settings(_ graph: Graph, byBatch: Bool) -> ReferenceTraining.Settings {
    var training: [String: LayerTraining] = [:]
    for node in graph.nodes {
      if case .identity = node.operation {
        training[node.name, default: .init()].noise = .init(.dropout, 0.25)
      }
    }
    return ReferenceTraining.Settings(training, of: graph, byBatch: byBatch)
  }

  @Test("agree with differences", arguments: Small.all, [false, true])
  func differences(_ network: Small, byBatch: Bool) throws {
    let graph = try network.graph()
    let settings = Self.settings(graph, byBatch: byBatch)
    for seed in 1...3 as ClosedRange<UInt64> {
      let check = GradientCheck(graph, count: 4, seed: seed, settings: settings, isDeep: true)
      try check.compareDirection(seed: seed + 10)
    }
  }
}
