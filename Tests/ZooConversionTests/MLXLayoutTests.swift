import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// Weights as the layers of MLX have them. `Scripts/check_mlx.py` loads and runs such files with MLX itself.
@Suite struct MLXLayoutTests {
  private static func tensors(_ path: String) throws -> [String: StoredTensor] {
    let file = try WeightFiles.open(path: path)
    return Dictionary(
      try file.tensors.map { ($0.name, try file.read($0)) }, uniquingKeysWith: { first, _ in first })
  }

  /// Dense layers as MLX computes them: value = scale · code + bias.
  private static func dequantized(
    _ name: String, bits: Int, group: Int, _ tensors: [String: StoredTensor]
  ) throws -> [Float] {
    let words = try #require(tensors["\(name).weight"])
    let (scales, biases) = try (
      #require(tensors["\(name).scales"]).floats(), #require(tensors["\(name).biases"]).floats()
    )
    #expect(words.elementType == .uint32)
    let codes = words.bytes.withUnsafeBytes { raw in
      (0..<raw.count / 4).flatMap { word in
        let value = UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * word, as: UInt32.self))
        return (0..<32 / bits).map { Float(value >> UInt32($0 * bits) & UInt32((1 << bits) - 1)) }
      }
    }
    return codes.enumerated().map { scales[$0 / group] * $1 + biases[$0 / group] }
  }

  @Test(arguments: [QuantizedForm.Kind.int8, .int4, .uint4])
  func denseLayersKeepTheirCodes(kind: QuantizedForm.Kind) throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      var builder = GraphBuilder()
      let x = builder.add("x", .input(shape: [96]))
      let y = builder.add("head", .dense(Dense(units: 7, useBias: true)), x)
      let graph = try builder.build(outputs: [y])
      let kernel = try #require(graph.weightSlots.first { $0.role == .kernel })
      let form = try #require(
        graph.node(named: "head")?.operation.quantizedForm(
          kind, group: kind == .int8 ? nil : 32, of: kernel))
      let weights = DictionaryWeights(randomFor: graph, seed: 4)
      let document = ZooDocument(
        graph: graph, card: ModelCard(architecture: "dense", variant: "", preprocessing: .unknown))
      try ZooWriter(document: document, plan: StoragePlan(forms: [kernel: .codes(form)]))
        .write(to: path("q.zoo"), overwrite: false, weights: weights)
      let report = try Exporter(path: path("q.zoo"), output: path("q.safetensors"), axes: .mlx)
        .export(overwrite: false)
      #expect(report.format == "mlx" && report.tensors == 4)
      let tensors = try Self.tensors(path("q.safetensors"))
      #expect(Set(tensors.keys) == ["head.weight", "head.scales", "head.biases", "head.bias"])
      let group = 32
      #expect(tensors["head.scales"]?.shape == Shape([7, 96 / group]))
      let found = try Self.dequantized("head", bits: kind == .int8 ? 8 : 4, group: group, tensors)
      let zoo = try ZooFile(path: path("q.zoo"))
      let stored = try zoo.tensor(for: kernel).floats()
      for output in 0..<7 {
        for input in 0..<96 {
          let (a, b) = (found[output * 96 + input], stored[input * 7 + output])
          // In 16 bits, MLX adds the group's minimum where a code with a sign does not need it.
          #expect(abs(a - b) <= abs(b) * 0x1p-22 + 0x1p-20, "\(input), \(output)")
        }
      }
      let text = try String(
        decoding: Data(contentsOf: URL(fileURLWithPath: path("q.safetensors"))).prefix(2000), as: UTF8.self)
      #expect(text.contains(#"\"group_size\":32"#), "\(text)")
    }
  }

  /// Every weight once, with the outputs in front; nothing but the axes changes.
  @Test func kernelsHaveOutputsFirst() throws {
    try withFolder { folder in
      let output = folder.appending(path: "m.safetensors").path
      let source = fixture("models/mobilenet.h5")
      _ = try Exporter(path: source, output: output, axes: .mlx).export(overwrite: false)
      let tensors = try Self.tensors(output)
      let recipe = try Recipe(path: source)
      #expect(tensors.count == recipe.graph.weightSlots.count)
      let first = try #require(tensors["conv1.weight"])
      let kernel = try recipe.weights.tensor(
        for: #require(recipe.graph.weightSlots.first { $0.name == "conv1/kernel" }))
      #expect(
        first.shape
          == Shape([kernel.shape[3], kernel.shape[0], kernel.shape[1], kernel.shape[2]]))
      let (a, b) = (first.floats(), kernel.floats())
      let (window, inputs, filters) = (9, kernel.shape[2], kernel.shape[3])
      for filter in 0..<filters {
        for tap in 0..<window {
          for input in 0..<inputs {
            #expect(
              a[(filter * window + tap) * inputs + input] == b[(tap * inputs + input) * filters + filter])
          }
        }
      }
      let depthwise = try #require(tensors["conv_dw_1.weight"])
      #expect(depthwise.shape.dimensions.dropFirst() == [3, 3, 1])
      #expect(tensors["conv1_bn.running_var"]?.elementType == .float32)
      // Another ending can't be meant.
      let error = #expect(throws: ZooError.self) {
        try Exporter(path: source, output: folder.appending(path: "m.npz").path, axes: .mlx)
      }
      #expect(error?.code == .invalidArgument)
    }
  }
}
