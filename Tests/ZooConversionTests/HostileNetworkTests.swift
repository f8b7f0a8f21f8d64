import Testing
import ZooConversion
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooTestSupport

/// Networks that no one would train, but that a file can describe.
@Suite struct HostileNetworkTests {
  private struct Ones: WeightSource {
    func tensor(for slot: WeightSlot) -> StoredTensor {
      StoredTensor(shape: slot.shape, values: [Float](repeating: 1, count: slot.shape.elementCount))
    }
  }

  @Test func veryManyLayersInARow() throws {
    var builder = GraphBuilder()
    let input = builder.add("input", .input(shape: [4]))
    var value = builder.add("dense", .dense(Dense(units: 3, useBias: false, activation: .softmax)), input)
    for index in 0..<80_000 { value = builder.add("d\(index)", .identity(layer: "Dropout"), value) }
    let graph = try builder.build(outputs: [value])
    #expect(graph.classCount == 3)
    let engine = try Engine(graph: graph, weights: Ones(), options: PlanOptions())
    let output = try engine.makeSession().run([Tensor(shape: [1, 4], values: [1, 2, 3, 4])])
    #expect(output[0].values.allSatisfy { abs($0 - 1 / 3) < 1e-6 })
  }

  @Test func attributesBeyondSinglePrecision() {
    for operation: Operation in [
      .activation(.relu(maxValue: 6, negativeSlope: -1e308, threshold: 0)),
      .activation(.relu(maxValue: .infinity, negativeSlope: 0, threshold: 0)),
      .dense(
        Dense(units: 1, useBias: false, activation: .relu(maxValue: nil, negativeSlope: 0, threshold: 1e39))),
    ] {
      var builder = GraphBuilder()
      let input = builder.add("input", .input(shape: [2]))
      let output = builder.add("layer", operation, input)
      #expect(errorCode { try builder.build(outputs: [output]) } == .invalidNetwork)
    }
  }

  @Test func activationsLargerThanTheMachine() throws {
    var builder = GraphBuilder()
    var value = builder.add("input", .input(shape: [1 << 14, 1 << 14, 2]))
    for index in 0..<3 { value = builder.add("a\(index)", .activation(.sigmoid), value) }
    let graph = try builder.build(outputs: [value])
    var limits = ReadingLimits()
    limits.activations = 1 << 30
    ReadingLimits.$scoped.withValue(limits) {
      #expect(
        errorCode {
          try Engine(graph: graph, weights: Ones(), options: PlanOptions())
        } == .tooLarge)
    }
  }
}
