import Testing
import ZooGraph
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// Large dense layers, whose gradients are made from their factors.
@Suite("training of large dense layers") struct TrainingDenseTests {
  typealias Operation = ZooGraph.Operation

  private static func dense(_ units: Int, _ activation: Activation = .relu, bias: Bool = true) -> Operation {
    .dense(Dense(units: units, useBias: bias, activation: activation))
  }

  /// Three large layers and a small one, on two inputs of one layer.
  private static func network() throws -> Graph {
    var b = GraphBuilder()
    let input = b.add("input", .input(shape: [300]))
    let first = b.add("first", dense(260), input)
    let second = b.add("second", dense(260, .linear, bias: false), first)
    let sum = b.add("sum", .merge(.add), first, second)
    let third = b.add("third", dense(201, .tanh), sum)
    let last = b.add("last", dense(5, .linear), third)
    return try b.build(outputs: [last])
  }

  @Test("have the oracle's gradients", arguments: [nil, 1, 2])
  func gradients(part: Int?) throws {
    try TrainingCheck(Self.network()).compare(tolerance: 1e-5, whole: 1e-5, part: part)
  }

  @Test("have them where only some learn") func frozen() throws {
    for slots in [["first/kernel", "last/kernel"], ["second/kernel", "third/bias"]] {
      try TrainingCheck(Self.network(), learning: { slots.contains($0.name) })
        .compare(tolerance: 1e-5, whole: 1e-5)
    }
  }

  @Test("take no memory for gradients") func memory() throws {
    let check = try TrainingCheck(Self.network())
    let count = check.learning.reduce(0) { $0 + $1.shape.elementCount }
    let session = try check.session()
    // Weights that are packed both ways and have a gradient would take four times as much as they do.
    #expect(session.memoryBytes < 2 * count * MemoryLayout<Float>.size)
  }

  @Test("same bits for any number of threads, in any parts") func parts() throws {
    let check = try TrainingCheck(Self.network())
    var first: [Float]?
    for threads in 1...3 {
      let session = try check.session(threads: threads)
      try check.runGradients(session)
      session.withWeights { weights, gradient in
        let whole = gradient.floats()
        #expect(whole == session.slots.flatMap { session.gradient(of: $0) ?? [] })
        for length in [1, 37, 1000, 1 << 15] {
          var (found, start): ([Float], Int) = ([], 0)
          for slot in session.slots {
            let end = start + slot.shape.elementCount
            // Single numbers take long; the first of each weight are enough.
            for low in stride(from: start, to: length == 1 ? min(end, start + 500) : end, by: length) {
              let range = low..<min(low + length, end)
              withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { scratch in
                guard let base = scratch.baseAddress else { return }
                let values = gradient.values(range, scratch: base)
                found += (0..<range.count).map { values[$0] }
              }
            }
            if length == 1, end - start > 500 { found += whole[start + 500..<end] }
            start = end
          }
          #expect(found == whole, "\(length)")
        }
        if let first { #expect(whole == first, "\(threads) threads") } else { first = whole }
      }
    }
  }

  /// A 1x1 convolution of single pixels is the same layer, whose gradient is kept.
  @Test("have the bits of a gradient that is kept") func kept() throws {
    func gradient(_ shape: [Int], _ operation: Operation, _ memory: inout Int) throws -> [Float] {
      var b = GraphBuilder()
      let input = b.add("input", .input(shape: shape))
      let last = b.add("last", operation, input)
      let check = try TrainingCheck(b.build(outputs: [last]))
      let session = try check.session(threads: 2)
      try check.runGradients(session)
      memory = session.memoryBytes
      return session.withWeights { $1.floats() }
    }
    var (made, kept) = (0, 0)
    let dense = try gradient([300], Self.dense(260, .linear), &made)
    let convolution = try gradient(
      [1, 1, 300], TrainingOperationTests.convolution(260, Extent2D(1)), &kept)
    #expect(dense == convolution)
    #expect(made < kept)
  }
}
