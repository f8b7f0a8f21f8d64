import Testing
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooTestSupport

/// What a session holds: memory that is known before it is there, and weights that can be kept and put back.
@Suite("training sessions") struct TrainingSessionTests {
  @Test("memory is foreseen", arguments: TrainingNetworkTests.networks, [1, 3])
  func memory(_ network: TrainingNetworkTests.Small, threads: Int) throws {
    var check = try TrainingNetworkTests.check(network, byBatch: false)
    let layers = check.graph.weightSlots.map(\.layer)
    let whole = check.learning
    var foreseen: [Int] = []
    for first in [0, layers.count / 2, layers.count - 1] {
      check.options.noise = first == 0 ? check.options.noise : [:]
      let upper = Set(layers[first...])
      check.learning = whole.filter { upper.contains($0.layer) }
      var options = check.options
      options.threads = threads
      let bytes = try TrainingSession.memory(graph: check.graph, learning: check.learning, options: options)
      let session = try check.session(threads: threads)
      // Four examples on three threads: one is left over.
      try check.runGradients(session)
      #expect(session.memoryBytes <= bytes)
      #expect(Double(session.memoryBytes) >= 0.8 * Double(bytes), "\(session.memoryBytes) of \(bytes)")
      foreseen.append(bytes)
    }
    #expect(foreseen[2] < foreseen[0])
  }

  /// Few pictures at once where their values are many, and a batch at once where the weights are.
  @Test func quickestParts() throws {
    var g = GraphBuilder()
    let picture = g.add("picture", .input(shape: [32, 32, 3]))
    let wide = g.add(
      "wide",
      .convolution(
        Convolution(
          filters: 8, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true)), [picture])
    let flat = g.add("flat", .flatten, [wide])
    let dense = g.add("dense", .dense(Dense(units: 16, useBias: true)), [flat])
    let graph = try g.build(outputs: [dense])
    func part(_ layers: Set<String>, batch: Int) -> Int {
      let learning = Set(graph.weightSlots.filter { layers.contains($0.layer) })
      return TrainingSession.quickestPart(of: graph, learning: learning, batch: batch)
    }
    // 8208 values and 131,312 weights; above the convolution 16 and 131,088.
    #expect(part(["wide", "dense"], batch: 64) == 8)
    #expect(part(["wide", "dense"], batch: 5) == 5)
    #expect(part(["dense"], batch: 64) == 64)
    #expect(part(["wide", "dense"], batch: 1) == 1)
  }

  @Test("memory grows with what is computed at once, not with the batch") func parts() throws {
    let check = try TrainingNetworkTests.check(TrainingNetworkTests.networks[2], byBatch: false)
    func memory(batch: Int, part: Int) throws -> Int {
      var options = check.options
      (options.batch, options.part) = (batch, part)
      return try TrainingSession.memory(graph: check.graph, learning: check.learning, options: options)
    }
    // Of few parts, each packs weights anew.
    #expect(try memory(batch: 256, part: 4) == memory(batch: 64, part: 4))
    #expect(try memory(batch: 8, part: 4) < memory(batch: 64, part: 4))
    #expect(try memory(batch: 64, part: 8) > memory(batch: 64, part: 4))
    var options = check.options
    options.batch = 0
    let error = #expect(throws: ZooError.self) {
      try TrainingSession.memory(graph: check.graph, learning: check.learning, options: options)
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test(
    "values that are computed again take less memory and have the same bits",
    arguments: TrainingNetworkTests.networks, [nil, 3])
  func repeats(_ network: TrainingNetworkTests.Small, part: Int?) throws {
    var check = try TrainingNetworkTests.check(network, byBatch: part == nil)
    let kept = try check.session(part: part)
    check.options.valueBytes = 0
    for threads in [1, 3] {
      let session = try check.session(threads: threads, part: part)
      if threads == 1 {
        let isSmaller = part == nil && network.testDescription == "ResNet"
        #expect(session.memoryBytes <= kept.memoryBytes - (isSmaller ? 1 : 0))
      }
      for step in 0..<2 {
        try check.runGradients(kept, step: step)
        try check.runGradients(session, step: step)
        for slot in session.slots {
          #expect(session.gradient(of: slot) == kept.gradient(of: slot), "\(slot.name)")
        }
      }
    }
  }

  @Test("all weights can be kept and put back") func allWeights() throws {
    let check = try TrainingNetworkTests.check(TrainingNetworkTests.networks[3], byBatch: true)
    let session = try check.session()
    #expect(Array(session.allSlots.prefix(session.slots.count)) == session.slots)
    let others = session.allSlots.dropFirst(session.slots.count)
    #expect(others.count { $0.role == .movingMean || $0.role == .movingVariance } == 20)
    let boundary = try session.boundaryValues(of: check.inputs)
    let before = try session.evaluate(boundary)
    let kept = session.withAllWeights { Array($0) }
    #expect(kept.count == session.allSlots.reduce(0) { $0 + $1.shape.elementCount })
    var offset = 0
    for slot in session.allSlots {
      let count = slot.shape.elementCount
      #expect(
        try Array(kept[offset..<offset + count]) == check.weights.tensor(for: slot).floats(), "\(slot.name)")
      offset += count
    }
    try check.runGradients(session)
    session.withWeights { weights, gradient in
      let gradients = gradient.floats()
      for index in weights.indices { weights[index] -= 0.01 * gradients[index] }
    }
    let moved = session.withAllWeights { Array($0) }
    for slot in others where slot.role == .movingMean || slot.role == .movingVariance {
      #expect(try session.values(of: slot) != check.weights.tensor(for: slot).floats(), "\(slot.name)")
    }
    #expect(try session.evaluate(boundary) != before)
    session.withAllWeights { weights in for index in kept.indices { weights[index] = kept[index] } }
    #expect(try session.evaluate(boundary) == before)
    // Another session goes on from there with the same bits.
    let other = try check.session()
    other.withAllWeights { weights in for index in moved.indices { weights[index] = moved[index] } }
    session.withAllWeights { weights in for index in moved.indices { weights[index] = moved[index] } }
    try check.runGradients(session, step: 1)
    try check.runGradients(other, step: 1)
    for slot in session.slots { #expect(session.gradient(of: slot) == other.gradient(of: slot)) }
    #expect(session.withAllWeights { Array($0) } == other.withAllWeights { Array($0) })
  }
}
