import Testing
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport

/// The first layer of networks that read pictures: its codes are the pixels.
extension IntegerEngineTests {
  /// What pixels become before they enter a network: what 0 and 255 are in each channel.
  struct Pixels: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let lowest: [Float]
    let highest: [Float]

    init(_ name: String, of value: (Float, Int) -> Float) {
      testDescription = name
      (lowest, highest) = ((0..<3).map { value(0, $0) }, (0..<3).map { value(255, $0) })
    }

    static let all = [
      Pixels("caffe") { x, c in x - ([103.939, 116.779, 123.68] as [Float])[c] },
      Pixels("tf") { x, _ in x / 127.5 - 1 },
      Pixels("torch") { x, c in
        (x / 255 - ([0.485, 0.456, 0.406] as [Float])[c]) / ([0.229, 0.224, 0.225] as [Float])[c]
      },
      Pixels("unit") { x, _ in x / 255 },
      Pixels("none") { x, _ in x },
    ]

    /// Whether all channels have the same step, up to rounding.
    var isEven: Bool { testDescription != "torch" }

    /// Random pictures.
    func inputs(_ graph: Graph, seed: UInt64) -> [Tensor] {
      randomInputs(graph, batch: 2, seed: seed).map { tensor in
        let values = tensor.values.enumerated().map { index, x in
          let (low, high) = (lowest[index % 3], highest[index % 3])
          return low + (high - low) / 255 * min(255, (255 * abs(x)).rounded())
        }
        return Tensor(shape: tensor.shape, values: values)
      }
    }

    func range() throws -> ValueRange { try #require(ValueRange(lowest: lowest, highest: highest)) }
  }

  @Test(arguments: Pixels.all) func pixels(_ pixels: Pixels) throws {
    var n = Net()
    let x = n(.input(shape: [13, 14, 3]))
    let padded = n(.zeroPadding(Edges(all: 3)), x)
    let a = n.relu(n.norm(n.conv(padded, 20, kernel: 7, stride: 2, bias: true, padding: .valid)))
    let b = n.relu(n.conv(x, 20, kernel: 3, stride: 2))
    let c = n.relu(n.conv(x, 20, stride: 2))
    let d = n.conv(n(.add, n(.add, a, b), c), 7)
    let e = n.conv(n.depthwise(x), 7)
    let graph = try n.g.build(outputs: [d, e])
    let weights = DictionaryWeights(randomFor: graph, seed: 21)
    let inputs = pixels.inputs(graph, seed: 22)
    var ranges = try IntegerForm.measuredRanges(of: graph, weights: weights, on: inputs, perChannel: true)
    ranges[x] = try pixels.range()
    let form = IntegerForm(ranges: ranges)
    let reference = try IntegerReference(graph: graph, form: form, weights: weights)
    #expect(reference.layers.values.count { $0.source == padded.index || $0.source == x.index } == 5)
    let values = try reference.run(inputs.map { ReferenceTensor($0, example: 0) }).keys
    for taps in [[], Array(values)] { try expectSame(graph, weights, form, inputs, taps: taps) }
    let plain = try ReferenceEngine(graph: graph, weights: weights).run([
      ReferenceTensor(inputs[0], example: 0)
    ])
    let found = try Engine(graph: graph, weights: weights, options: PlanOptions(integers: form)).makeSession()
      .run(inputs)
    for (tensor, output) in zip(found, graph.outputs) {
      expectClose(tensor, example: 0, try #require(plain[output]), tolerance: 0.05, "8 bits")
    }
  }

  /// Where the kernel's codes are exact, so is what comes of pixels; padding, whose code is the nearest, is half a step off
  /// at most.
  @Test(arguments: Pixels.all) func pixelsAreExact(_ pixels: Pixels) throws {
    var n = Net()
    let x = n(.input(shape: [9, 9, 3]))
    let y = n.conv(x, 5, kernel: 3, bias: true)
    let graph = try n.g.build(outputs: [y])
    let slots = graph.nodes[y.index].weights
    let kernel = try #require(slots.first { $0.role == .kernel })
    let bias = try #require(slots.first { $0.role == .bias })
    let codes = (0..<kernel.shape.elementCount).map { $0 < 5 ? 127 : ($0 * 61) % 255 - 127 }
    let step: Float = 1.0 / 1024
    let weights = DictionaryWeights([
      kernel.name: StoredTensor(shape: kernel.shape, values: codes.map { Float($0) * step }),
      bias.name: StoredTensor(shape: bias.shape, values: [0, 1, -2, 0.5, 3]),
    ])
    let inputs = pixels.inputs(graph, seed: 24)
    let form = IntegerForm(ranges: [x: try pixels.range()])
    let truth = try #require(
      ReferenceEngine(graph: graph, weights: weights).run([ReferenceTensor(inputs[0], example: 0)])[y])
    let found = try Engine(graph: graph, weights: weights, options: PlanOptions(integers: form)).makeSession()
      .run(inputs)[0][example: 0].values
    let largest = truth.values.map(abs).max() ?? 0
    let pixel = Double(zip(pixels.lowest, pixels.highest).map { ($1 - $0) / 255 }.max() ?? 0)
    for (index, value) in truth.values.enumerated() {
      let (row, column) = (index / 5 / 9, index / 5 % 9)
      let isInside = (1..<8).contains(row) && (1..<8).contains(column)
      let filter = stride(from: index % 5, to: codes.count, by: 5)
      var bound = 2e-6 * largest
      if !isInside { bound += filter.reduce(0) { $0 + abs(Double(codes[$1])) * Double(step) * pixel / 2 } }
      // The kernel takes up what the channels' steps differ by, to the nearest of its own.
      if !pixels.isEven {
        let highest = zip(pixels.lowest, pixels.highest).map { max(abs($0), abs($1)) }.max() ?? 0
        bound += 27 * 0.5 * Double(step * highest)
      }
      #expect(abs(Double(found[index]) - value) <= bound, "\(row), \(column): \(found[index]), \(value)")
    }
  }
}
