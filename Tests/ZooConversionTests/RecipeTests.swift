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

/// What a file turns out to hold, and what is said where it is no network or another one.
@Suite struct RecipeTests {
  private func failure(_ path: String, _ options: RecipeOptions = .init()) throws -> ZooError {
    try #require(throws: ZooError.self) { try Recipe(path: path, options: options) }
  }

  private func epsilons(_ graph: Graph) -> Set<Double> {
    Set(
      graph.nodes.compactMap { node in
        if case .batchNormalization(let norm) = node.operation { norm.epsilon } else { nil }
      })
  }

  /// The older ResNet-50 has another epsilon; only its layers' names tell.
  @Test func olderNamesMeanTheOlderEpsilon() throws {
    let current = SmallNetworks.entries(of: try SmallNetworks.resNet.graph(), .named)
    let older = current.map { entry in
      let layer = entry.layer.map(SmallNetworks.olderResNetName) ?? ""
      return TensorEntry(
        name: "\(layer)/\(entry.variable ?? "")", shape: entry.shape, elementType: .float32, layer: layer,
        variable: entry.variable)
    }
    for (entries, epsilon) in [(current, 1.001e-5), (older, 1e-3)] {
      let recipe = try Recipe(file: MemoryFile(layout: .legacyWeights, tensors: entries))
      #expect(recipe.card.architecture == "resnet50")
      #expect(epsilons(recipe.graph) == [epsilon])
      #expect(recipe.labels.count == 1000)
      #expect(recipe.card.preprocessing == .caffe)
    }
  }

  @Test func theConfigurationIsTheNetwork() throws {
    for file in [
      "mobilenet.h5", "mobilenet.k2.h5", "mobilenet.keras", "resnet.h5", "vgg16.keras", "vgg19.h5",
    ] {
      let recipe = try Recipe(path: fixture("models/\(file)"))
      #expect(recipe.explanation.hasPrefix("the model's configuration"), "\(file)")
      #expect(recipe.graph.classCount == 10, "\(file)")
      #expect(recipe.labels.isEmpty, "\(file)")
    }
  }

  @Test func anotherArchitectureIsRefused() throws {
    let options = RecipeOptions(architecture: "resnet50")
    let configured = try failure(fixture("models/mobilenet.h5"), options)
    #expect(configured.code == .doesNotFit && configured.what == "wrong architecture")
    #expect(configured.why.contains("mobilenet") && configured.why.contains("resnet50"))
    let unconfigured = try failure(fixture("models/mobilenet.k2w.h5"), options)
    #expect(unconfigured.code == .doesNotFit)
    #expect(unconfigured.why.contains("resnet50") && unconfigured.category == .badInput, "\(unconfigured)")
    for file in ["mobilenet.npz", "mobilenet.pos.npz", "mobilenet.old.weights.h5", "vgg16.k2w.h5"] {
      #expect(try failure(fixture("models/\(file)"), options).code == .doesNotFit, "\(file)")
    }
  }

  @Test func theArchitectureMayBeGiven() throws {
    for file in ["mobilenet.h5", "mobilenet.k2w.h5", "mobilenet.pos.npz"] {
      let recipe = try Recipe(
        path: fixture("models/\(file)"),
        options: RecipeOptions(architecture: "MobileNet", inputSize: Extent2D(32, 32)))
      #expect(recipe.card.architecture == "mobilenet", "\(file)")
    }
  }

  @Test func anUnknownArchitectureNamesTheKnown() throws {
    let error = try failure(fixture("models/mobilenet.h5"), RecipeOptions(architecture: "alexnet"))
    #expect(error.code == .unknownArchitecture)
    #expect(error.description == "unknown architecture in RecipeOptions.architecture: there is no 'alexnet'")
    #expect(error.remedy?.hasPrefix("Known architectures: vgg16, vgg19, resnet50, resnet101, ") == true)
  }

  @Test(arguments: ["mobilenet.h5", "mobilenet.k2w.h5"])
  func labelsHaveToBeAsManyAsClasses(file: String) throws {
    func labels(_ count: Int) -> RecipeOptions {
      RecipeOptions(
        inputSize: Extent2D(32, 32), labels: (0..<count).map { ClassLabel(id: "", name: "class \($0)") })
    }
    let path = fixture("models/\(file)")
    #expect(try Recipe(path: path, options: labels(10)).labels.map(\.name).last == "class 9")
    for count in [0, 9, 11] {
      let error = try failure(path, labels(count))
      #expect(error.code == .doesNotFit)
      #expect(
        error.description == "labels do not fit in RecipeOptions.labels: \(count) labels for 10 classes")
    }
  }

  @Test func aNetworkWithoutClassesTakesNoLabels() throws {
    let options = RecipeOptions(inputSize: Extent2D(32, 32), labels: [ClassLabel(id: "", name: "one")])
    let error = try failure(fixture("models/mobilenet-notop-avg.k2w.h5"), options)
    #expect(error.code == .doesNotFit)
    #expect(error.why == "1 labels for a network without classes")
  }

  @Test func anUnknownNetworkSaysSo() throws {
    let path = fixture("malformed/no-network.npz")
    let error = try failure(path)
    #expect(error.code == .unknownNetwork)
    #expect(
      error.description
        == "unknown network in \(path): these are the weights of no known architecture, and it has no configuration"
    )
    #expect(error.remedy?.contains("KnownArchitecture.all") == true)
    let named = try failure(path, RecipeOptions(architecture: "vgg16"))
    #expect(named.description.contains("vgg16"))
  }

  @Test func aMisfitNamesTheTensor() throws {
    let missing = try failure(fixture("malformed/missing-tensor.vgg16.npz"))
    #expect(missing.code == .doesNotFit)
    #expect(missing.why.contains("fc2/bias"), "\(missing)")
    let shape = try failure(fixture("malformed/wrong-shape.vgg16.npz"))
    #expect(shape.code == .doesNotFit)
    #expect(shape.why.contains("block4_conv2/kernel"), "\(shape)")
    #expect(shape.why.contains("8x3x3x8") && shape.why.contains("3x3x8x8"), "\(shape)")
    let few = try failure(fixture("malformed/positional-too-few.vgg16.npz"))
    #expect(few.code == .doesNotFit)
  }

  @Test func whatIsLeftOverIsNamed() throws {
    let recipe = try Recipe(path: fixture("malformed/extra-tensor.vgg16.npz"))
    #expect(recipe.binding.unused.map(\.name) == ["block6_conv1/kernel"])
    #expect(try Recipe(path: fixture("malformed/fits.vgg16.npz")).binding.unused.isEmpty)
  }

  @Test func aZooFileIsARecipeToo() throws {
    try withFolder { folder in
      let first = folder.appending(path: "a.zoo").path
      let second = folder.appending(path: "b.zoo").path
      let options = FixtureModelTests.options(for: "mobilenet.h5")
      _ = try Converter(options: options).convert(fixture("models/mobilenet.h5"), to: first)
      var half = Converter.Options()
      half.storage = .f16
      half.recipe = RecipeOptions(labels: (0..<10).map { ClassLabel(id: "", name: "class \($0)") })
      let report = try Converter(options: half).convert(first, to: second)
      #expect(report.layout == "zoo")
      #expect(report.tensors.contains { $0.storedType == ElementType.float16.rawValue })
      let zoo = try ZooFile(path: second)
      #expect(zoo.document.labels.count == 10)
      #expect(try zoo.document.graph == ZooFile(path: first).document.graph)
      let error = try failure(first, RecipeOptions(architecture: "vgg16"))
      #expect(error.code == .doesNotFit && error.what == "wrong architecture")
    }
  }

  @Test func aFailedVerificationLeavesNothing() throws {
    try withFolder { folder in
      // Outputs of another network.
      var options = FixtureModelTests.options(for: "mobilenet.h5")
      options.verifier.ioPath = folder.appending(path: "io.npz").path
      try NumPyFile.write(to: options.verifier.ioPath ?? "", overwrite: false) { writer throws(ZooError) in
        try writer.add("x", Tensor(zeros: [1, 32, 32, 3]))
        try writer.add("y", Tensor(shape: [1, 10], values: (0..<10).map(Float.init)))
      }
      let output = folder.appending(path: "model.zoo").path
      let failure = try #require(throws: ZooError.self) {
        try Converter(options: options).convert(fixture("models/mobilenet.h5"), to: output)
      }
      #expect(failure.code == .verificationFailed && failure.underlyingError is VerificationFailure)
      #expect(failure.location.hasSuffix("'y'"))
      #expect(failure.why.hasPrefix("recorded inputs and outputs:"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["io.npz"])
    }
  }

  @Test func aDryRunWritesNothing() throws {
    try withFolder { folder in
      var options = FixtureModelTests.options(for: "vgg16.keras")
      options.dryRun = true
      let report = try Converter(options: options).convert(
        fixture("models/vgg16.keras"), to: folder.appending(path: "model.zoo").path)
      #expect(report.output == nil && report.verification?.passed == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test(arguments: [
    ("a/resnet50.h5", "resnet50.zoo"), ("x.weights.h5", "x.zoo"), ("m.keras", "m.zoo"), ("m", "m.zoo"),
    (".h5", ".h5.zoo"),
    ("M.H5", "M.zoo"),
  ])
  func theOutputIsNamedAfterTheInput(input: String, output: String) {
    #expect(Converter.defaultOutput(for: input) == output)
  }
}
