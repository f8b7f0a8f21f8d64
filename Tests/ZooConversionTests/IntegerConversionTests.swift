import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooImages
import ZooRuntime
import ZooTensor
import ZooTestSupport
import ZooVerification

extension Converter.Options {
  /// For a network of 32x32 pixels that is computed on codes of 8 bits, however far that moves its outputs.
  static var onEightBits: Converter.Options {
    var options = Converter.Options()
    options.recipe.inputSize = Extent2D(32)
    options.integerActivations = true
    options.storage = .int8
    options.largestOutputError = 10
    options.largestStorageError = 10
    return options
  }
}

/// Networks that are converted to be computed on codes of 8 bits.
@Suite struct IntegerConversionTests {
  /// NASNet's separable convolutions become two layers each, so that what lies between them is in codes too.
  @Test func separableConvolutionsAreSplit() throws {
    try withFolder { folder in
      let output = folder.appending(path: "i.zoo").path
      var options = Converter.Options.onEightBits
      options.verifier.threads = 2
      let source = fixture("models/nasnet-32.h5")
      let report = try Converter(options: options).convert(source, to: output)
      #expect(report.verification?.passed == true && report.unused.isEmpty)
      let zoo = try ZooFile(path: output)
      let recipe = try Recipe(path: source, options: options.recipe)
      let graph = zoo.document.graph
      #expect(SplitGraph.applies(to: recipe.graph) && !SplitGraph.applies(to: graph))
      #expect(graph.parameterCount == recipe.graph.parameterCount)
      let integers = try #require(try zoo.integerForm())
      // Codes of its input are pixels.
      #expect(integers.ranges[graph.inputs[0]] == Preprocessing.tf.range(channels: 3))
      let split = graph.nodes.enumerated().filter { $1.name.hasSuffix("_depthwise") }
      #expect(split.count > 20)
      // Ranges for each channel lie between the halves.
      for (index, node) in split {
        let range = integers.ranges[Value(index: index)]
        #expect(range?.lowest.count == node.shape.dimensions.last || range?.lowest.count == 1, "\(node.name)")
        #expect(range != nil, "\(node.name)")
      }
      let verification = try Verifier.verify(zoo, options: options.verifier)
      #expect(verification.passed, "\(verification.text)")
      // Computed in floats from floats, it is the same network.
      let halves = try SplitGraph(recipe.graph)
      let inputs = try TestInput.make(for: recipe.graph, preprocessing: recipe.card.preprocessing, seed: 3)
      func run(_ graph: Graph, _ weights: any WeightSource) throws -> [Float] {
        try Engine(graph: graph, weights: weights, options: PlanOptions(threads: 1)).makeSession().run(
          inputs)[
            0
          ].values
      }
      let (whole, parts) = try (
        run(recipe.graph, recipe.weights), run(graph, halves.weights(from: recipe.weights))
      )
      let scale = whole.map(abs).max() ?? 1
      #expect(zip(whole, parts).allSatisfy { abs($0 - $1) <= 2e-5 * scale })
    }
  }
}
