import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooVerification
import ZooWeightFiles

/// Networks of torchvision and timm, reduced in size, against what they compute.
@Suite struct PyTorchNetworkTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    let io: String
    let says: String
    var preprocessing = Preprocessing.torch
    var transforms: Set<String> = ["none", axes, matrix]
    var testDescription: String { "\(file), \(io)" }
  }

  private static let axes = "axes from (out, in, height, width) to (height, width, in, out)"
  private static let matrix = "axes from (out, in) to (in, out)"
  private static let rows = "\(matrix); rows from (channel, height, width) to (height, width, channel)"
  private static let unit = "\(matrix); axes of extent 1 added or dropped"
  private static let depthwise =
    "axes from (out, 1, height, width) to (height, width, channel, multiplier)"

  static let cases: [Case] = [
    Case(file: "resnet-basic.pth", io: "resnet-basic", says: "width 4, basic blocks, as torchvision"),
    Case(file: "resnet.safetensors", io: "resnet", says: "depths 1-2-1-1, width 4, as torchvision"),
    Case(file: "resnet-checkpoint.pth", io: "resnet", says: "its weights are in 'state_dict'"),
    Case(file: "resnext.npz", io: "resnext", says: "8 inner filters, 2 groups"),
    Case(
      file: "vgg.pth", io: "vgg", says: "depths [1, 1, 2, 2, 2] from the numbers",
      transforms: ["none", axes, matrix, rows]),
    Case(
      file: "vgg.pth", io: "vgg-pooled", says: "depths [1, 1, 2, 2, 2]",
      transforms: ["none", axes, matrix, rows]),
    Case(
      file: "vgg-bn.pth", io: "vgg-bn", says: "batch norms of epsilon 1e-05",
      transforms: ["none", axes, matrix, rows]),
    Case(
      file: "vgg-timm.safetensors", io: "vgg-timm", says: "depths [1, 1, 1, 2, 2]",
      transforms: ["none", axes, matrix, rows, unit]),
    Case(
      file: "vgg-timm.safetensors", io: "vgg-timm-pooled", says: "depths [1, 1, 1, 2, 2]",
      transforms: ["none", axes, matrix]),
    Case(
      file: "mobilenet.pth", io: "mobilenet", says: "alpha 0.25, as timm", preprocessing: .tf,
      transforms: ["none", axes, depthwise, unit]),
    Case(
      file: "densenet.pth", io: "densenet", says: "depths [1, 2], growth 32 and epsilon 1e-05"),
    Case(
      file: "mobilenetv2.pth", io: "mobilenetv2", says: "as torchvision",
      transforms: ["none", axes, depthwise, matrix]),
    Case(
      file: "convnext.safetensors", io: "convnext", says: "depths [1, 1, 2, 1] and width 4"),
    Case(
      file: "mobilenetv3_small_100.pth", io: "mobilenetv3_small_100", says: "epsilon 1e-05 and symmetric",
      transforms: ["none", axes, depthwise, unit]),
    Case(
      file: "tf_mobilenetv3_small_100.pth", io: "tf_mobilenetv3_small_100", says: "TensorFlow's padding",
      preprocessing: .tf, transforms: ["none", axes, depthwise, unit]),
    Case(
      file: "efficientnet_b0.pth", io: "efficientnet_b0", says: "epsilon 1e-05 and symmetric",
      transforms: ["none", axes, depthwise, matrix]),
    Case(
      file: "tf_efficientnet_b0.pth", io: "tf_efficientnet_b0", says: "TensorFlow's padding",
      transforms: ["none", axes, depthwise, matrix]),
    Case(
      file: "efficientnet_v2.pth", io: "efficientnet_v2", says: "B0 times 0.1; computed as torchvision does",
      transforms: ["none", axes, depthwise, matrix]),
    Case(
      file: "tf_efficientnetv2_b0.pth", io: "tf_efficientnetv2_b0", says: "TensorFlow's padding",
      transforms: ["none", axes, depthwise, matrix]),
    Case(
      file: "nasnet.safetensors", io: "nasnet", says: "6 cells a stack and 4 filters", preprocessing: .tf,
      transforms: ["none", axes, depthwise, matrix]),
  ]

  @Test(arguments: cases) func convertsAndAgreesWithItsProgram(_ c: Case) throws {
    try withFolder { folder in
      var options = Converter.Options()
      options.verifier.ioPath = fixture("pytorch/networks/\(c.io).io.npz")
      let output = folder.appending(path: "model.zoo").path
      let report = try Converter(options: options).convert(fixture("pytorch/networks/\(c.file)"), to: output)
      let check = try #require(report.verification).check("recorded inputs and outputs")
      #expect(check.status == .passed)
      #expect(check.parts.count >= 6)
      #expect(report.explanation.contains(c.says), "\(report.explanation)")
      #expect(Set(report.tensors.map(\.transform)) == c.transforms)
      #expect(report.tensors.allSatisfy { $0.witnesses.contains("names") })
      #expect(try ZooFile(path: output, frames: nil).document.card.preprocessing == c.preprocessing)
    }
  }

  /// The same weights in two containers, one under prefixes.
  @Test func filesOfOneNetworkAreEqual() throws {
    let difference = try ModelDifference(
      fixture("pytorch/networks/resnet.safetensors"), fixture("pytorch/networks/resnet-checkpoint.pth"),
      tolerance: 0)
    #expect(difference.same && difference.tensors.count == 102, "\(difference.matching)")
  }

  // MARK: Networks of one size alone

  /// The tensors of a network, of which nothing is read.
  private func entries(of network: String) throws -> MemoryFile {
    let data = try Data(contentsOf: URL(filePath: fixture("pytorch/networks/shapes.json")))
    let shapes = try JSONDecoder().decode([String: [String: [Int]]].self, from: data)
    return MemoryFile(
      layout: .pyTorch,
      tensors: try #require(shapes[network]).map { name, extents in
        let parts = name.split(separator: ".")
        let variables = ["running_mean": "moving_mean", "running_var": "moving_variance"]
        return TensorEntry(
          name: name, shape: Shape(extents), elementType: .float32,
          layer: parts.dropLast().joined(separator: "."),
          variable: parts.last.map { variables[String($0)] ?? String($0) })
      }.sorted { $0.name < $1.name })
  }

  @Test func inceptionsModulesAreItsLayers() throws {
    let recipe = try Recipe(file: entries(of: "inception_v3"))
    #expect(recipe.card.architecture == "inceptionv3" && recipe.card.preprocessing == .tf)
    let sources = Dictionary(
      uniqueKeysWithValues: recipe.binding.assignments.map { ($0.slot.name, $0.entry.name) })
    #expect(sources["conv2d/kernel"] == "Conv2d_1a_3x3.conv.weight")
    #expect(sources["conv2d_26/kernel"] == "Mixed_6a.branch3x3.conv.weight")
    #expect(sources["conv2d_93/kernel"] == "Mixed_7c.branch_pool.conv.weight")
    #expect(sources["batch_normalization_92/gamma"] == "Mixed_7c.branch3x3dbl_3b.bn.weight")
    #expect(sources.count == 94 * 5 + 2)
    // The classifier in the middle is for training.
    let unused = recipe.binding.unused.map(\.name)
    #expect(unused.count == 12 && unused.allSatisfy { $0.hasPrefix("AuxLogits.") })
    // Averages count the zeros around them.
    let pools = recipe.graph.nodes.filter { if case .averagePooling = $0.operation { true } else { false } }
    #expect(pools.count == 9)
    for pool in pools {
      guard case .zeroPadding = recipe.graph[pool.inputs[0]].operation else {
        Issue.record("\(pool.name) reads no padding")
        continue
      }
    }
  }

  @Test func xceptionsModulesAreItsLayers() throws {
    let recipe = try Recipe(file: entries(of: "legacy_xception"))
    #expect(recipe.card.architecture == "xception" && recipe.binding.unused.isEmpty)
    let sources = Dictionary(
      uniqueKeysWithValues: recipe.binding.assignments.map { ($0.slot.name, $0.entry.name) })
    #expect(sources["block2_sepconv1/depthwise_kernel"] == "block1.rep.0.conv1.weight")
    #expect(sources["block2_sepconv1/pointwise_kernel"] == "block1.rep.0.pointwise.weight")
    #expect(sources["block12_sepconv3/pointwise_kernel"] == "block11.rep.7.pointwise.weight")
    #expect(sources["conv2d_3/kernel"] == "block12.skip.weight")
    #expect(sources["block14_sepconv2_bn/beta"] == "bn4.bias")
    #expect(recipe.card.pixels?.crop == "0.8975")
  }

  @Test func inceptionResNetsModulesAreItsLayers() throws {
    let recipe = try Recipe(file: entries(of: "inception_resnet_v2"))
    #expect(recipe.card.architecture == "inceptionresnetv2" && recipe.card.preprocessing == .tf)
    #expect(recipe.binding.unused.isEmpty && recipe.card.pixels?.crop == "0.8975")
    let sources = Dictionary(
      uniqueKeysWithValues: recipe.binding.assignments.map { ($0.slot.name, $0.entry.name) })
    #expect(sources["conv2d_4/kernel"] == "conv2d_4a.conv.weight")
    #expect(sources["conv2d_11/kernel"] == "mixed_5b.branch3.1.conv.weight")
    #expect(sources["batch_normalization_75/gamma"] == "mixed_6a.branch1.2.bn.weight")
    #expect(sources["block17_20_conv/bias"] == "repeat_1.19.conv2d.bias")
    #expect(sources["conv2d_202/kernel"] == "block8.branch1.2.conv.weight")
    #expect(sources["conv_7b_bn/beta"] == "conv2d_7b.bn.bias")
    #expect(sources.count == 204 * 5 + 40 * 2 + 2)
  }

  // MARK: What is not such a network

  /// The tensors of `file` and `more`, of which nothing is read.
  private func entries(
    _ file: String, more: [(String, Shape)] = [], without: (String) -> Bool = { _ in false }
  ) throws -> MemoryFile {
    let whole = try WeightFiles.open(path: fixture("pytorch/networks/\(file)"))
    let added = more.map { name, shape in
      TensorEntry(
        name: name, shape: shape, elementType: .float32,
        layer: name.split(separator: ".").dropLast().joined(separator: "."),
        variable: name.split(separator: ".").last.map(String.init))
    }
    return MemoryFile(layout: .pyTorch, tensors: whole.tensors.filter { !without($0.name) } + added)
  }

  @Test func aLayerInsideIsAnotherNetworks() throws {
    let file = try entries("resnet.safetensors", more: [("layer1.0.se.fc1.weight", [1, 16, 1, 1])])
    let error = try #require(throws: ZooError.self) { try Recipe(file: file) }
    #expect(error.code == .doesNotFit)
    #expect(error.why.contains("'layer1.0.se.fc1.weight' (1x16x1x1)"), "\(error)")
    let headed = try entries("resnet.safetensors", more: [("head.fc.weight", [5, 128])])
    #expect(errorCode { try Recipe(file: headed) } == .doesNotFit)
  }

  @Test func aHeadOfAnotherKindIsLeftOut() throws {
    let file = try entries(
      "resnet.safetensors", more: [("fc.0.weight", [16, 128]), ("fc.2.weight", [3, 16])],
      without: { $0.hasPrefix("fc.") })
    let recipe = try Recipe(file: file)
    #expect(
      recipe.graph.classCount == nil
        && recipe.binding.unused.map(\.name).sorted() == [
          "fc.0.weight", "fc.2.weight",
        ])
  }

  @Test func aMissingTensorIsNamed() throws {
    let file = try entries("resnet.safetensors", without: { $0 == "layer2.1.bn3.running_mean" })
    let error = try #require(throws: ZooError.self) { try Recipe(file: file) }
    #expect(error.code == .doesNotFit && error.why.contains("conv3_block2_3_bn/moving_mean"), "\(error)")
  }

  @Test func unknownNetworksAreSaidToBe() throws {
    let error = try #require(throws: ZooError.self) { try Recipe(path: fixture("pytorch/state.pth")) }
    #expect(error.code == .unknownNetwork && error.why.contains("PyTorch"), "\(error)")
    #expect(error.remedy?.contains("torchvision's and timm's ResNet") == true)
    var options = RecipeOptions()
    options.architecture = "vgg16"
    let other = try #require(throws: ZooError.self) {
      try Recipe(path: fixture("pytorch/networks/resnet.safetensors"), options: options)
    }
    #expect(other.code == .doesNotFit && other.why == "the file has the tensors of resnet50, not of 'vgg16'")
    var file = try entries("resnet.safetensors", without: { $0.hasPrefix("conv1") })
    file.layout = .safetensors
    #expect(errorCode { try Recipe(file: file) } == .unknownNetwork)
  }

  @Test func anyCommonPathMayStandInFront() throws {
    let whole = try WeightFiles.open(path: fixture("pytorch/networks/vgg.pth"))
    let renamed = whole.tensors.map {
      TensorEntry(
        name: "mine.inner." + $0.name, shape: $0.shape, elementType: $0.elementType,
        layer: $0.layer.map { "mine.inner." + $0 }, variable: $0.variable)
    }
    let recipe = try Recipe(file: MemoryFile(layout: .safetensors, tensors: renamed))
    #expect(recipe.card.architecture == "vgg16" && recipe.binding.unused.isEmpty)
  }

  // MARK: timm's configuration

  /// The recipe of a file beside a configuration with these settings.
  private func recipe(_ settings: String, architecture: String = "resnet50") throws -> Recipe {
    try withFolder { folder in
      let path = folder.appending(path: "model.safetensors")
      try FileManager.default.copyItem(
        at: URL(filePath: fixture("pytorch/networks/resnet.safetensors")), to: path)
      try Data("{\"architecture\": \"\(architecture)\", \"pretrained_cfg\": {\(settings)}}".utf8).write(
        to: folder.appending(path: "config.json"))
      return try Recipe(path: path.path)
    }
  }

  @Test func timmsConfigurationSaysHowPicturesEnter() throws {
    let recipe = try recipe(
      """
      "input_size": [3, 160, 128], "interpolation": "bicubic", "crop_pct": 0.95, "mean": [0.5, 0.5, 0.5],
      "std": [0.5, 0.5, 0.5], "license": "cc-by-nc-4.0"
      """)
    #expect(recipe.card.preprocessing == .tf && recipe.preprocessingOrigin == .configuration)
    #expect(
      recipe.card.pixels == TrainingRecord.Pixels(resampling: "bicubic", crop: "0.95", isUpright: false))
    #expect(recipe.card.licence == "cc-by-nc-4.0")
    #expect(recipe.graph[recipe.graph.inputs[0]].shape == [160, 128, 3])
    #expect(recipe.explanation.contains("config.json says"), "\(recipe.explanation)")
  }

  @Test func whatTimmsConfigurationLeavesOutIsUsual() throws {
    let recipe = try recipe("\"crop_mode\": \"squash\", \"interpolation\": \"bilinear\", \"crop_pct\": 0.9")
    #expect(recipe.card.preprocessing == .torch && recipe.preprocessingOrigin == .architecture)
    #expect(
      recipe.card.pixels == TrainingRecord.Pixels(resampling: "bilinear", crop: nil, isUpright: false))
    let empty = try self.recipe("")
    #expect(
      empty.card.pixels == TrainingRecord.Pixels(resampling: "bilinear", crop: "0.875", isUpright: false))
  }

  @Test func statisticsWithoutANameAreUnknown() throws {
    let recipe = try recipe("\"mean\": [0.48, 0.45, 0.4], \"std\": [0.27, 0.26, 0.27]")
    #expect(recipe.card.preprocessing == .unknown && recipe.preprocessingOrigin == .unknown)
    #expect(recipe.explanation.contains("mean 0.48, 0.45, 0.4 and deviation"), "\(recipe.explanation)")
  }

  @Test func aNetworkThatLooksAlikeIsRefusedByItsName() throws {
    let error = try #require(throws: ZooError.self) { try recipe("", architecture: "resnetaa50") }
    #expect(error.code == .unknownNetwork && error.why.contains("timm's 'resnetaa50'"), "\(error)")
  }

  /// The file keeps how pictures are brought to size.
  @Test func theCardIsWrittenAndRead() throws {
    try withFolder { folder in
      let output = folder.appending(path: "model.zoo").path
      var options = Converter.Options()
      options.verify = false
      options.recipe.inputSize = Extent2D(65, 49)
      _ = try Converter(options: options).convert(fixture("pytorch/networks/mobilenet.pth"), to: output)
      let card = try ZooFile(path: output, frames: nil).document.card
      #expect(card.pixels == TrainingRecord.Pixels(resampling: "bicubic", crop: "0.875", isUpright: false))
    }
  }
}
