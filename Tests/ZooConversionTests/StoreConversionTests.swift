import Foundation
import Testing
import ZooConversion
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// Weights of somebody's own models: what can be found in them is, and of the rest it is said what to do.
@Suite struct StoreConversionTests {
  private func failure(_ path: String, _ options: RecipeOptions = .init()) throws -> ZooError {
    try #require(throws: ZooError.self) { try Recipe(path: path, options: options) }
  }

  private func convert(_ name: String, io: String, _ options: RecipeOptions = .init()) throws
    -> ConversionReport
  {
    var converter = Converter.Options()
    converter.recipe = options
    converter.dryRun = true
    converter.verifier.ioPath = fixture("stores/\(io).io.npz")
    return try Converter(options: converter).convert(fixture("stores/\(name)"), to: "unused.zoo")
  }

  @Test(arguments: ["by-class.weights.h5", "by-class.old.weights.h5"])
  func aKnownNetworkIsFoundInAnAttribute(name: String) throws {
    let report = try convert(name, io: "by-class", RecipeOptions(inputSize: Extent2D(32, 32)))
    #expect(report.architecture == "mobilenet" && report.tensors.count == 135)
    #expect(report.unused.map(\.name) == ["layers/dense/vars/0", "layers/dense/vars/1"])
    #expect(name.contains("old") == report.explanation.contains("found in 'backbone'"))
  }

  @Test func theHeadThatIsLeftOutIsNamed() throws {
    let report = try convert(
      "by-class.weights.h5", io: "by-class", RecipeOptions(inputSize: Extent2D(32, 32)))
    #expect(report.unused.allSatisfy { $0.reason.contains("head") && $0.reason.contains("--config") })
  }

  @Test func aDifferenceInAnAttributeIsFound() throws {
    let (first, second) = (
      fixture("stores/by-class.weights.h5"), fixture("stores/by-class.changed.weights.h5")
    )
    let difference = try ModelDifference(first, second, tolerance: 0)
    #expect(!difference.same && difference.tensors.count == 137)
    #expect(difference.tensors.filter { $0.largest > 0 }.count == 1)
    #expect(try ModelDifference(first, first, tolerance: 0).isComplete)
  }

  @Test func whatIsNotComparedIsSaid() throws {
    let path = fixture("dialects/trained.keras")
    let difference = try ModelDifference(path, path, tolerance: 0)
    #expect(difference.same && !difference.isComplete)
    #expect(difference.notCompared.count == 2)
    #expect(difference.notCompared.first?.contains("optimizer") == true)
  }

  @Test(arguments: ["subclass.weights.h5", "subclass.keras"])
  func aSubclassedModelIsCalledThat(name: String) throws {
    let error = try failure(fixture("stores/\(name)"))
    #expect(error.code == .unknownNetwork && error.why.contains("subclassed"), "\(error)")
    #expect(error.why.contains("'block1', 'block2', 'head'"))
    #expect(error.remedy?.contains("keras.Model(inputs") == true)
  }

  @Test(arguments: ["unbuilt.h5", "unbuilt.keras"])
  func aModelSavedBeforeItWasBuiltIsCalledThat(name: String) throws {
    let error = try failure(fixture("stores/\(name)"))
    #expect(error.code == .missing && error.why.contains("before it was built"), "\(error)")
    #expect(error.remedy?.contains("model.build") == true)
  }

  @Test func aConfigurationWithoutLayersIsRefused() throws {
    #expect(try failure(fixture("malformed/config-without-layers.h5")).category == .badInput)
  }

  @Test func aStoreOfWindowsConverts() throws {
    #expect(try convert("windows.keras", io: "windows").tensors.count == 10)
  }

  @Test func aConfigurationMayBeGiven() throws {
    let path = fixture("stores/beside.weights.h5")
    let error = try failure(path)
    #expect(error.code == .unknownNetwork)
    #expect(
      error.remedy?.contains("RecipeOptions.configuration to \(fixture("stores/beside.json"))") == true,
      "\(error.remedy ?? "")")
    let options = RecipeOptions(configuration: fixture("stores/beside.json"))
    let report = try convert("beside.weights.h5", io: "beside", options)
    #expect(report.tensors.count == 10 && report.explanation.contains("beside.json"))
    // Whatever the container.
    let other = try failure(
      fixture("models/mobilenet.npz"), RecipeOptions(configuration: fixture("stores/beside.json")))
    #expect(other.code == .doesNotFit)
  }

  @Test func aFileThatIsNoConfigurationIsRefused() throws {
    for (name, code) in [("stores/beside.weights.h5", ZooError.Code.malformed), ("none.json", .cannotOpen)] {
      let error = try failure(
        fixture("stores/beside.weights.h5"), RecipeOptions(configuration: fixture(name)))
      #expect(error.code == code, "\(error)")
    }
  }

  // MARK: Foreign names

  private func foreign(_ names: [(String, Shape)], _ layout: WeightFileLayout) -> MemoryFile {
    MemoryFile(
      layout: layout,
      tensors: names.map { name, shape in
        let cut = name.lastIndex(where: { "./".contains($0) }) ?? name.endIndex
        return TensorEntry(
          name: name, shape: shape, elementType: .float32, layer: String(name[..<cut]),
          variable: String(name[cut...].dropFirst()))
      })
  }

  @Test func foreignNamesAreNotMatchedByPosition() throws {
    let bert = foreign(
      (0..<12).flatMap { layer in
        ["query", "key", "value"].flatMap { part in
          let name = "bert.encoder.layer.\(layer).attention.self.\(part)"
          return [("\(name).weight", Shape([768, 768])), ("\(name).bias", Shape([768]))]
        }
      }, .safetensors)
    let gpt = foreign(
      (0..<12).flatMap {
        [("h.\($0).attn.c_attn.weight", Shape([768, 2304])), ("h.\($0).ln_1.bias", Shape([768]))]
      },
      .safetensors)
    let dense = foreign(
      [("conv1/conv/kernel", [7, 7, 3, 64])]
        + (2...5).flatMap { stage in
          (1...6).flatMap { block in
            [
              ("conv\(stage)_block\(block)_0_bn/gamma", Shape([64])),
              ("conv\(stage)_block\(block)_1_conv/kernel", Shape([1, 1, 64, 128])),
              ("conv\(stage)_block\(block)_2_conv/kernel", Shape([3, 3, 128, 32])),
            ]
          }
        }, .legacyWeights)
    for (file, near) in [(bert, false), (gpt, false), (dense, true)] {
      let error = try #require(throws: ZooError.self) { try Recipe(file: file) }
      #expect(error.code == .unknownNetwork, "\(error)")
      #expect(error.why.contains("the weights of no known architecture"), "\(error)")
      #expect(error.why.contains("nearest by its names is densenet121") == near, "\(error)")
      #expect(error.remedy?.contains("What can be converted") == true)
    }
  }

  /// Every shape of a VGG16, under names of another program: shapes alone prove nothing.
  @Test func shapesDoNotOutweighNames() throws {
    let graph = try SmallNetworks.vgg.graph()
    let file = foreign(
      graph.weightSlots.enumerated().map { ("encoder.block.\($0).weight", $1.shape) }, .safetensors)
    let error = try #require(throws: ZooError.self) { try Recipe(file: file) }
    #expect(error.code == .unknownNetwork && error.why.contains("no known architecture"), "\(error)")
  }
}
