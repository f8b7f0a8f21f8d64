import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// What a network makes of some pictures, to compare with what it makes of them with other weights, or on codes of 8
/// bits.
struct OutputTrials {
  /// For each input of the network, a batch.
  let inputs: [Tensor]
  /// What was tried, in words.
  let text: String
  private let graph: Graph
  private let threads: Int
  private let truth: [Tensor]

  private static let imageLimit = 16
  static let syntheticCount = 8

  /// - Parameters:
  ///   - images: image files, of which the first ones are tried; synthetic pictures where there are none.
  ///   - count: how many synthetic pictures.
  ///   - weights: those that outputs are compared with.
  /// - Throws: `ZooError` where an image can't be read, and what the engine and `weights` throw.
  init(
    graph: Graph, preprocessing: Preprocessing, threads: Int, images: [String], weights: some WeightSource,
    count: Int = OutputTrials.syntheticCount
  ) throws {
    inputs = try Self.inputs(of: graph, preprocessing: preprocessing, images: images, count: count)
    let pictures = inputs.first?.shape[0] ?? 0
    text = images.isEmpty ? "\(pictures) synthetic pictures" : counted(pictures, "picture")
    self.graph = try graph.endingInLogits() ?? graph
    self.threads = threads
    truth = try Self.session(self.graph, weights, nil, threads).run(inputs)
  }

  /// How far the outputs move: the root of the mean square over the values' deviation, of logits where the network ends in
  /// probabilities.
  ///
  /// - Throws: what the engine and `weights` throw.
  func error(with weights: some WeightSource, integers: IntegerRecord? = nil) throws -> Double {
    try Cancellation.check()
    let form = try integers?.form(of: graph, weights: weights)
    var error = RelativeError()
    for (a, b) in zip(truth, try Self.session(graph, weights, form, threads).run(inputs)) {
      error.add(a.values, b.values)
    }
    return error.value
  }

  private static func session(
    _ graph: Graph, _ weights: any WeightSource, _ form: IntegerForm?, _ threads: Int
  ) throws -> Session {
    try Engine(graph: graph, weights: weights, options: PlanOptions(threads: threads, integers: form))
      .makeSession()
  }

  private static func inputs(
    of graph: Graph, preprocessing: Preprocessing, images: [String], count: Int
  ) throws -> [Tensor] {
    guard !images.isEmpty else {
      let examples = try (0..<count).map {
        try TestInput.make(for: graph, preprocessing: preprocessing, seed: UInt64(40 + $0))
      }
      return graph.inputs.indices.map { input in
        Tensor(
          shape: Shape([examples.count] + examples[0][input].shape.dimensions.dropFirst()),
          values: examples.flatMap { $0[input].values })
      }
    }
    guard graph.inputs.count == 1, let input = graph.inputs.first, TestInput.isImage(graph[input].shape)
    else {
      throw ZooError(
        .unsuitable, what: "cannot use pictures", at: images[0],
        "the network does not take images of three channels", remedy: "Leave --images out.")
    }
    let shape = graph[input].shape
    return [
      try preprocessing.batch(
        of: images.prefix(imageLimit).map { try Image(path: $0) }, height: shape[0], width: shape[1])
    ]
  }
}
