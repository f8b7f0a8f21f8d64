import Testing
import ZooGraph
import ZooTensor

/// How ranges become scales and zeros, and which layers a program takes.
@Suite struct ValueCodeTests {
  private func code(_ lowest: Float, _ highest: Float, _ lo: Float = -.infinity, _ hi: Float = .infinity)
    throws
    -> ValueCode
  {
    let range = try #require(ValueRange(lowest: [lowest], highest: [highest]))
    return ValueCode(range, cutOff: (lo, hi))
  }

  @Test func scalesAndZeros() throws {
    let pixels = try code(0, 255)
    #expect(pixels.scales == [1] && pixels.zeros == [0])
    // The rounded scale is a little more than 2 / 255, so that this is a little less than 127.5.
    let signed = try code(-1, 1)
    #expect(signed.scales == [Float(2.0 / 255)] && signed.zeros == [127])
    let below = try code(-3, -1)
    #expect(below.scales == [Float(3.0 / 255)] && below.zeros == [255])
    let above = try code(2, 51)
    #expect(above.scales == [Float(0.2)] && above.zeros == [0])
  }

  @Test func whatActivationsCutOff() throws {
    let relu = try code(-7, 25.5, 0)
    #expect(relu.scales == [Float(0.1)] && relu.zeros == [0])
    let relu6 = try code(-7, 25.5, 0, 6)
    #expect(relu6.scales == [Float(6.0 / 255)] && relu6.zeros == [0])
  }

  /// Codes of pictures are their pixels, and what 0 is may lie between two of them.
  @Test func codesOfInputs() throws {
    let signed = ValueCode(ofInput: try #require(ValueRange(lowest: [-1, -1, -1], highest: [1, 1, 1])))
    #expect(signed.isUniform && signed.scales == [Float(2.0 / 255)] && signed.zeros == [127])
    #expect(abs(signed.origins[0] - 127.5) < 1e-5 && abs(signed.zeroError(2) + 0.5) < 1e-5)
    let means: [Float] = [103.939, 116.779, 123.68]
    let caffe = ValueCode(
      ofInput: try #require(ValueRange(lowest: means.map { -$0 }, highest: means.map { 255 - $0 })))
    #expect(caffe.zeros == [104, 117, 124] && caffe.scales.allSatisfy { abs($0 - 1) < 1e-6 })
    #expect((0..<3).allSatisfy { abs(caffe.origin($0) - Double(means[$0])) < 1e-4 })
    // Nothing is widened to hold 0.
    let above = ValueCode(ofInput: try #require(ValueRange(lowest: [10], highest: [61])))
    #expect(above.scales == [Float(0.2)] && above.zeros == [0] && abs(above.origins[0] + 50) < 1e-4)
  }

  @Test func nothingAndAlmostNothing() throws {
    #expect(try code(0, 0).scales == [1])
    let tiny = 7 * Float.leastNonzeroMagnitude
    #expect(try code(-tiny, tiny).scales == [1])
    #expect(ValueRange(lowest: [1], highest: [0]) == nil)
    #expect(ValueRange(lowest: [.nan], highest: [1]) == nil)
    #expect(ValueRange(lowest: [0], highest: [.infinity]) == nil)
    #expect(ValueRange(lowest: [], highest: []) == nil)
    #expect(ValueRange(lowest: [0, 0], highest: [1]) == nil)
  }

  private func ranges(_ graph: Graph) throws -> [Value: ValueRange] {
    let range = try #require(ValueRange(lowest: [-1], highest: [1]))
    return Dictionary(uniqueKeysWithValues: graph.nodes.indices.map { (Value(index: $0), range) })
  }

  private func convolution(_ filters: Int) -> ZooGraph.Operation {
    .convolution(
      Convolution(filters: filters, kernel: .one, strides: .one, padding: .valid, useBias: false))
  }

  /// What follows a layer that stays in floats is computed on codes that end where its ReLU does.
  @Test func floatLayersKeepWhatFollows() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [4, 4, 3]))
    let a = g.add("a", convolution(8), [x])
    let norm = g.add("norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), [a])
    let relu = g.add("relu", .activation(.relu), [norm])
    let b = g.add("b", convolution(8), [relu])
    let c = g.add("c", convolution(8), [b])
    let graph = try g.build(outputs: [c])
    let all = IntegerProgram(graph, IntegerForm(ranges: try ranges(graph)))
    #expect(Set(all.layers.keys) == [a.index, b.index, c.index])
    #expect(all.swallowed == [norm.index, relu.index])
    let some = IntegerProgram(graph, IntegerForm(ranges: try ranges(graph), floatLayers: [a]))
    #expect(Set(some.layers.keys) == [relu.index, b.index, c.index])
    #expect(some.layers[relu.index]?.kind == .copy && some.codes[relu.index]?.zeros == [0])
    #expect(some.swallowed.isEmpty)
    // Without a range nothing can read it in codes.
    var fewer = try ranges(graph)
    fewer[norm] = nil
    fewer[relu] = nil
    let none = IntegerProgram(graph, IntegerForm(ranges: fewer))
    #expect(Set(none.layers.keys) == [a.index, c.index])
  }

  /// Readers that each ask all of their readers would ask 2^100 times.
  @Test func manySumsInARow() throws {
    var g = GraphBuilder()
    var x = g.add("x", .input(shape: [2, 2, 4]))
    x = g.add("first", convolution(4), [x])
    for index in 0..<100 { x = g.add("sum\(index)", .add, [x, x]) }
    let last = g.add("last", convolution(4), [x])
    let graph = try g.build(outputs: [last])
    let program = IntegerProgram(graph, IntegerForm(ranges: try ranges(graph)))
    #expect(program.layers.count == 102)
  }
}
