import Foundation
import Testing
import ZooConversion
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooVerification
import ZooWeightFiles

/// Keras' ResNeXt, which has a depthwise convolution and a sum in place of a convolution by groups.
@Suite struct ResNeXtTests {
  private static let grouped =
    "axes from (height, width, channel, multiplier), of which groups of channels are summed, to (height, width, in, out)"

  @Test func kernelsOfDepthwiseConvolutionsAreThoseOfGroups() throws {
    try withFolder { folder in
      var options = Converter.Options()
      options.verifier.ioPath = fixture("architectures/resnext.io.npz")
      let report = try Converter(options: options)
        .convert(fixture("architectures/resnext.h5"), to: folder.appending(path: "model.zoo").path)
      #expect(try #require(report.verification).check("recorded inputs and outputs").status == .passed)
      #expect(report.architecture == "resnext50")
      #expect(
        report.variant.hasPrefix("depths 1-2, width 8, 16 inner filters, 4 groups, 49x65"),
        "\(report.variant)")
      #expect(report.preprocessing == "torch")
      let kernels = report.tensors.filter { $0.transform == Self.grouped }
      #expect(kernels.map(\.source).allSatisfy { $0.contains("_2_conv") } && kernels.count == 3)
      #expect(kernels.first?.sourceShape == [3, 3, 16, 4] && kernels.first?.shape == [3, 3, 4, 16])
    }
  }

  /// The tensors by their places alone, as `get_weights()` returns them.
  @Test func positionsTellTheSame() throws {
    let named = try Recipe(path: fixture("architectures/resnext.h5"))
    let byLayer = Dictionary(
      named.binding.assignments.map { ($0.slot.name, $0.entry) }, uniquingKeysWith: { first, _ in first })
    let inOrder = named.graph.kerasOrder.flatMap { named.graph.nodes[$0].weights }.enumerated().map {
      i, slot in
      TensorEntry(name: "arr_\(i)", shape: byLayer[slot.name]?.shape ?? [], elementType: .float32)
    }
    let recipe = try Recipe(file: MemoryFile(layout: .positionalArrays, tensors: inOrder))
    #expect(recipe.graph == named.graph)
    #expect(recipe.binding.unused.isEmpty && recipe.binding.assignments.count == inOrder.count)
  }

  @Test func thePublishedMembersAreTheirPapers() throws {
    let resNeXt50 = try ResNet.resNeXt50.graph(input: InputShape(224, 224), head: .imageNet)
    #expect(resNeXt50.parameterCount == 25_097_128)
    let resNeXt101 = try #require(Catalog.architecture(named: "resnext101_32x4d"))
      .definition.graph(input: InputShape(224, 224), head: .imageNet)
    #expect(resNeXt101.parameterCount == 44_315_560)
  }
}
