import Foundation
import ZooConversion
import ZooGraph
import ZooModels
import ZooRuntime
import ZooSystem
import ZooTensor

/// `zoo-benchmarks integer [NAME...]`: networks in 8 bits and in 32-bit floats, in turn: milliseconds of an image on
/// one thread and on two, with random weights and ranges from noise.
///
/// `ROUNDS` rounds of `RUNS` runs each, of which the medians count; with `LAYERS` the times of each step.
enum IntegerBenchmark {
  private static let known: [(name: String, definition: any NetworkDefinition)] = [
    ("resnet50", ResNet.resNet50), ("mobilenet", MobileNet()), ("vgg16", VGG.vgg16),
    ("nasnetmobile", NASNet.mobile),
  ]

  static func run(_ names: [String]) throws {
    print("| network | threads | f32 ms | 8 bits ms | ratio |\n|---|---|---|---|---|")
    for (name, definition) in known where names.isEmpty || names.contains(name) {
      let whole = try definition.graph(input: InputShape(224, 224), head: .imageNet)
      let split = try SplitGraph(whole)
      let graph = split.graph
      let weights = split.weights(from: RandomWeights(seed: 1))
      let random = CounterRandom(seed: 2)
      let shape = Shape([1] + graph[graph.inputs[0]].shape.dimensions)
      let input = Tensor(
        shape: shape, values: (0..<shape.elementCount).map { Float(random.signed($0)) })
      let ranges = try IntegerForm.measuredRanges(
        of: graph, weights: weights, on: [input], threads: Processors.count, perChannel: true)
      let form = IntegerForm(ranges: ranges)
      for threads in [1, 2] {
        try compare(name, graph, weights, form, input, whole: whole, threads: threads)
      }
    }
  }

  private static func compare(
    _ name: String, _ graph: Graph, _ weights: any WeightSource, _ form: IntegerForm, _ input: Tensor,
    whole: Graph, threads: Int
  ) throws {
    let rounds = environment("ROUNDS").flatMap { Int($0) } ?? 5
    let runs = environment("RUNS").flatMap { Int($0) } ?? 15
    let sessions = [
      try Engine(
        graph: whole, weights: RandomWeights(seed: 1), options: PlanOptions(threads: threads)
      ).makeSession(),
      try Engine(
        graph: graph, weights: weights, options: PlanOptions(threads: threads, integers: form)
      ).makeSession(),
    ]
    var times: [[Double]] = [[], []]
    let clock = ContinuousClock()
    for _ in 0..<max(1, rounds) {
      for (index, session) in sessions.enumerated() {
        let all = try (0..<max(1, runs)).map { _ in
          try clock.measure { _ = try session.run([input]) } / .milliseconds(1)
        }
        times[index].append(all.sorted()[all.count / 2])
      }
    }
    let medians = times.map { $0.sorted()[$0.count / 2] }
    print(
      String(
        format: "| %@ | %d | %.2f | %.2f | %.2f |", name, threads, medians[0], medians[1],
        medians[0] / medians[1]))
    fflush(nil)
    guard environment("LAYERS") != nil else { return }
    for (step, milliseconds) in try sessions[1].timeSteps([input]) {
      print(
        String(format: "%8.3f ms %7.1f  ", milliseconds, Double(step.macs) * 2e-6 / milliseconds),
        step.kernel,
        step.layers.joined(separator: ", "))
    }
  }
}
