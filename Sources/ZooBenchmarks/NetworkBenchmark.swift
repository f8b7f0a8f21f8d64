import ZooConversion
import ZooGraph
import ZooImages
import ZooModels
import ZooRuntime
import ZooTensor

/// Times the published networks at full size with random weights, which take as long as trained ones.
///
/// Prints the median over as many runs as fit into two seconds, at least 10, for one thread and two.
enum NetworkBenchmark {
  static func run() throws {
    let networks: [(String, any NetworkDefinition)] = [
      ("VGG16", VGG.vgg16), ("VGG19", VGG.vgg19), ("ResNet-50", ResNet.resNet50), ("MobileNet", MobileNet()),
      ("NASNet-Mobile", NASNet.mobile),
    ]
    print("| network, 224x224, batch 1, f32 | prepare ms | 1 thread ms | GFLOP/s | 2 threads ms |")
    print("|---|---|---|---|---|")
    for (name, definition) in networks {
      let graph = try definition.graph(input: InputShape(224, 224), head: .imageNet)
      let weights = RandomWeights()
      let input = try TestInput.make(for: graph, preprocessing: .tf, seed: 1)
      let clock = ContinuousClock()
      let start = clock.now
      let single = try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1))
      let preparation = (clock.now - start).milliseconds
      let one = try median(of: single, input: input)
      let two = try median(
        of: Engine(graph: graph, weights: weights, options: PlanOptions(threads: 2)), input: input)
      let rate = Double(graph.multiplications) * 2e-6 / one
      print("| \(name) | \(rounded(preparation)) | \(rounded(one)) | \(rounded(rate)) | \(rounded(two)) |")
    }
  }

  private static func median(of engine: Engine, input: [Tensor]) throws -> Double {
    let session = engine.makeSession()
    _ = try session.run(input)
    let clock = ContinuousClock()
    let end = clock.now + .seconds(2)
    var times: [Double] = []
    while clock.now < end || times.count < 10 {
      let start = clock.now
      _ = try session.run(input)
      times.append((clock.now - start).milliseconds)
    }
    return times.sorted()[times.count / 2]
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
