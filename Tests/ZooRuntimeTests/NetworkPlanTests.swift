import Testing
import ZooGraph
import ZooModels
import ZooRuntime
import ZooTensor

/// The published networks' plans: what doesn't depend on threads, and the memory of their activations.
@Suite struct NetworkPlanTests {
  static let networks: [(name: String, definition: any NetworkDefinition)] = [
    ("VGG16", VGG.vgg16), ("VGG19", VGG.vgg19), ("ResNet-50", ResNet.resNet50), ("MobileNet", MobileNet()),
    ("NASNet-Mobile", NASNet.mobile),
  ]

  /// No arena can be smaller than the largest set of buffers that are in use at the same time.
  @Test(arguments: networks.indices, [1, 2])
  func arenaIsNearTheLeastPossible(network: Int, threads: Int) throws {
    let (name, definition) = Self.networks[network]
    let graph = try definition.graph(input: InputShape(224, 224), head: .imageNet)
    for kernels in Engine.availableKernels {
      let plan = try Plan(
        graph: graph, kernels: Kernels.choose(kernels), options: PlanOptions(threads: threads))
      let share = Double(plan.arenaFloats + plan.tailFloats) / Double(plan.liveFloats)
      #expect(share <= 1.2, "\(name), \(kernels), \(threads) threads: \(share)")
    }
  }

  /// The sums are others than those of a direct product, so that the result would depend on threads too.
  @Test(arguments: networks.indices) func winogradDoesNotDependOnThreads(network: Int) throws {
    let (name, definition) = Self.networks[network]
    let graph = try definition.graph(input: InputShape(224, 224), head: .imageNet)
    for kernels in Engine.availableKernels {
      let steps = try [1, 2, 3, 8, 64].map { threads in
        try Plan(graph: graph, kernels: Kernels.choose(kernels), options: PlanOptions(threads: threads))
          .descriptions.filter { $0.kernel.hasPrefix("Winograd") }.map { "\($0.kernel): \($0.layers[0])" }
      }
      for others in steps.dropFirst() { #expect(others == steps[0], "\(name), \(kernels)") }
    }
  }
}
