import Testing
import ZooGraph
import ZooModels
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Whole networks have the oracle's gradients, the same bits on any number of threads, and the same ones
/// where only a part of them learns.
@Suite("training of networks") struct TrainingNetworkTests {
  struct Small: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let graph: @Sendable () throws -> Graph

    init(_ name: String, _ definition: any NetworkDefinition, _ side: Int) {
      testDescription = name
      graph = {
        try definition.graph(
          input: InputShape(side, side), head: .classifier(classes: 5, activation: .softmax))
      }
    }

    init(_ name: String, _ graph: @escaping @Sendable () throws -> Graph) {
      testDescription = name
      self.graph = graph
    }
  }

  static let networks = [
    Small("VGG", VGG(depths: [1, 1, 2, 2, 1], width: 4, denseWidth: 16), 32),
    Small("ResNet", ResNet(depths: [1, 2, 1, 1], width: 4), 33),
    Small("MobileNet", MobileNet(alpha: 0.25), 64),
    Small("inverted residuals", invertedResiduals),
    Small("wide windows", wideWindows),
    Small(
      "NASNet",
      NASNet(penultimateFilters: 96, numBlocks: 1, stemBlockFilters: 4, skipReduction: false), 32),
  ]

  /// Windows that Winograd's algorithm serves.
  static func wideWindows() throws -> Graph {
    typealias Tests = TrainingOperationTests
    var b = GraphBuilder()
    let input = b.add("input", .input(shape: [26, 23, 3]))
    let stem = b.add("stem", Tests.convolution(48, Extent2D(3), .relu), input)
    let wide = b.add("wide", Tests.convolution(80, Extent2D(3)), stem)
    let norm = b.add("norm", Tests.batchNorm, wide)
    let rectified = b.add("rectified", .activation(.relu), norm)
    let narrow = b.add("narrow", Tests.convolution(48, Extent2D(3)), rectified)
    let sum = b.add("sum", .add, stem, narrow)
    let pool = b.add("pool", .globalAveragePooling(keepDimensions: false), sum)
    let head = b.add("head", .dense(Dense(units: 5, useBias: true, activation: .linear)), pool)
    return try b.build(outputs: [head])
  }

  /// Blocks as in MobileNetV2.
  static func invertedResiduals() throws -> Graph {
    typealias Tests = TrainingOperationTests
    var b = GraphBuilder()
    var x = b.add("input", .input(shape: [17, 19, 3]))
    x = b.add("stem", Tests.convolution(8, Extent2D(3), strides: Extent2D(2), bias: false), x)
    x = b.add("stem_norm", Tests.batchNorm, x)
    x = b.add("stem_relu", .activation(.relu6), x)
    for (block, stride) in [1, 2, 1].enumerated() {
      let trunk = x
      x = b.add("expand\(block)", Tests.convolution(24, Extent2D(1), bias: false), x)
      x = b.add("expand_norm\(block)", Tests.batchNorm, x)
      x = b.add("expand_relu\(block)", .activation(.relu6), x)
      x = b.add("wide\(block)", Tests.depthwise(Extent2D(3), strides: Extent2D(stride)), x)
      x = b.add("wide_norm\(block)", Tests.batchNorm, x)
      x = b.add("wide_relu\(block)", .activation(.relu6), x)
      x = b.add("project\(block)", Tests.convolution(8, Extent2D(1), bias: false), x)
      x = b.add("project_norm\(block)", Tests.batchNorm, x)
      if stride == 1 { x = b.add("sum\(block)", .add, trunk, x) }
    }
    x = b.add("pool", .globalAveragePooling(keepDimensions: false), x)
    x = b.add("head", .dense(Dense(units: 5, useBias: true, activation: .linear)), x)
    x = b.add("softmax", .activation(.softmax), x)
    return try b.build(outputs: [x])
  }

  static func check(_ network: Small, byBatch: Bool) throws -> TrainingCheck {
    var check = try TrainingCheck(TrainingOperationTests.withoutSoftmax(network.graph()), count: 4)
    for node in check.graph.nodes {
      switch node.operation {
      case .batchNormalization where byBatch: check.options.batchMomentum[node.name] = 0.99
      case .identity: check.options.noise[node.name] = TrainingNoise(.dropout, 0.25)
      default: break
      }
    }
    if byBatch {
      // A bias before a norm by the batch has a gradient of zero.
      check.learning = check.learning.filter { $0.role != .bias }
    }
    return check
  }

  /// A value that rounding takes across a corner changes the gradients by more than rounding.
  @Test("have the oracle's gradients", arguments: networks, [false, true])
  func gradients(_ network: Small, byBatch: Bool) throws {
    try Self.check(network, byBatch: byBatch).compare(tolerance: 1e-2, whole: 1e-3)
  }

  @Test("MobileNet of a quarter of the width at 96 pixels") func mobileNet() throws {
    let network = Small("MobileNet", MobileNet(alpha: 0.25), 96)
    try Self.check(network, byBatch: false).compare(tolerance: 1e-2, whole: 1e-3)
  }

  @Test("same bits for any number of threads", arguments: networks, [false, true])
  func threads(_ network: Small, byBatch: Bool) throws {
    let check = try Self.check(network, byBatch: byBatch)
    var first: [WeightSlot: [Float]]?
    for threads in 1...3 {
      let session = try check.session(threads: threads)
      try check.runGradients(session)
      let found = Dictionary(uniqueKeysWithValues: session.slots.map { ($0, session.gradient(of: $0) ?? []) })
      if let first { #expect(found == first, "\(threads) threads") } else { first = found }
    }
  }

  @Test("where only a part learns, its gradients are those of the whole", arguments: networks)
  func frozen(_ network: Small) throws {
    var whole = try Self.check(network, byBatch: false)
    whole.options.noise = [:]
    let session = try whole.session()
    try whole.runGradients(session)
    let layers = session.slots.map(\.layer)
    for share in [0.5, 0.9, 1] {
      let first =
        share == 1 ? layers.lastIndex(where: { $0 != layers.last }) ?? 0 : Int(share * Double(layers.count))
      let upper = Set(layers[min(layers.count - 1, first + 1)...])
      var part = whole
      part.learning = whole.learning.filter { upper.contains($0.layer) }
      let partial = try part.session()
      #expect(!partial.boundary.contains(part.graph.inputs[0]))
      try part.runGradients(partial)
      for slot in partial.slots {
        let own = TrainingCheck.difference(
          try #require(partial.gradient(of: slot)), try #require(session.gradient(of: slot)).map(Double.init))
        #expect(own.error <= 1e-4 * own.norm, "\(share), \(slot.name): \(own.error / own.norm)")
      }
    }
  }

  @Test("logits are those of inference, and stale weights are never used") func evaluation() throws {
    let check = try Self.check(Self.networks[2], byBatch: false)
    let session = try check.session()
    let boundary = try session.boundaryValues(of: check.inputs)
    let before = try session.evaluate(boundary)
    try check.runGradients(session)
    session.withWeights { weights, gradient in
      let gradients = gradient.floats()
      for index in weights.indices { weights[index] -= 0.01 * gradients[index] }
    }
    let after = try session.evaluate(boundary)
    #expect(before != after)
    var changed = check.weights
    for slot in session.slots {
      changed.tensors[slot.name] = StoredTensor(
        shape: slot.shape, values: try #require(session.values(of: slot)))
    }
    for (weights, logits) in [(check.weights, before), (changed, after)] {
      let reference = try ReferenceEngine(graph: check.graph, weights: weights)
      for example in 0..<4 {
        let truth = try reference.run(
          check.inputs.map { ReferenceTensor($0, example: example) }, keeping: [session.logits])
        expectClose(logits, example: example, try #require(truth[session.logits]), "logits")
      }
    }
  }

  @Test("moving statistics are the oracle's") func movingStatistics() throws {
    let check = try Self.check(Self.networks[3], byBatch: true)
    let session = try check.session()
    try check.runGradients(session)
    var settings = ReferenceTraining.Settings()
    for (name, momentum) in check.options.batchMomentum {
      settings.batchStatistics[name] = BatchStatistics(momentum: momentum)
    }
    let pass = try ReferenceTraining(graph: check.graph, weights: check.weights, settings: settings)
      .forward(
        [check.graph.inputs[0]: check.inputs[0].values.map(Double.init)], count: 4, to: [session.logits])
    #expect(pass.movingStatistics.count == 20)
    for (slot, expected) in pass.movingStatistics {
      let own = TrainingCheck.difference(try #require(session.values(of: slot)), expected)
      #expect(own.error <= 1e-6 * own.norm, "\(slot.name): \(own)")
    }
  }
}
