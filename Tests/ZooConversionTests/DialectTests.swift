import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// Files of every era and of other programs, against what their writers computed with them.
@Suite struct DialectTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    var io: String?
    var size: Extent2D?
    var architecture: String?
    var writer: String?
    /// Part of the explanation or of the card's variant.
    var says: String
    var transforms: Set<String> = ["none"]
    var unused = 0
    var testDescription: String { file + (writer.map { ", \($0)" } ?? "") + (architecture ?? "") }
  }

  private static let transposed = "axes from (out, in, height, width) to (height, width, in, out)"
  private static let rotated = "kernel rotated by 180°, from true convolution to cross-correlation"
  private static let rows = "rows from (channel, height, width) to (height, width, channel)"
  private static let square = Extent2D(64, 64)
  private static let odd = Extent2D(40, 33)

  static let cases: [Case] = [
    Case(
      file: "vgg16.keras0.h5", size: square, says: "in a file of Keras 0 or 1",
      transforms: ["none", "\(transposed); \(rotated)", rows]),
    Case(
      file: "vgg16_th_dim_ordering_th_kernels.h5", size: square, says: "by the file's name",
      transforms: ["none", "\(transposed); \(rotated)", rows]),
    Case(
      file: "vgg16_tf_dim_ordering_th_kernels.h5", size: square, says: "(height, width, in, out), rotated",
      transforms: ["none", rotated]),
    Case(
      file: "resnet_th_dim_ordering_th_kernels.h5", size: square, says: "epsilon 0.001",
      transforms: ["none", transposed, "\(transposed); \(rotated)"]),
    Case(file: "resnet.tf213.weights.h5", size: odd, says: "epsilon 1.001e-05"),
    Case(file: "shards/resnet.weights.json", io: "resnet", size: odd, says: "resnet50"),
    Case(file: "resnet.bf16.weights.h5", io: "resnet.bf16", size: odd, says: "resnet50"),
    Case(file: "resnet.bf16.npz", size: odd, says: "resnet50"),
    Case(file: "trained.h5", says: "the model's configuration", unused: 1),
    Case(file: "trained.keras", says: "the model's configuration", unused: 1),
    Case(file: "finetuned.k2.h5", io: "finetuned", says: "the model's configuration"),
    Case(file: "finetuned.keras", says: "the model's configuration"),
    Case(
      file: "finetuned.k2.h5", io: "finetuned-base", architecture: "resnet50",
      says: "in 18 of 20 layers with weights of the model 'finetuned'", unused: 4),
    Case(
      file: "finetuned.keras", io: "finetuned-base", architecture: "resnet50",
      says: "in 18 of 20 layers with weights of the model 'finetuned'", unused: 4),
    Case(
      file: "finetuned.k2w.h5", io: "finetuned-base", size: odd, architecture: "resnet50",
      says: "4 tensors are not used", unused: 4),
    // Layers with random state, which none of the layouts has as weights.
    Case(file: "custom.h5", says: "the model's configuration"),
    Case(file: "custom.keras", says: "the model's configuration"),
    Case(file: "finetuned-mobilenet.h5", says: "the model's configuration"),
    Case(
      file: "finetuned-mobilenet.h5", io: "finetuned-mobilenet-base", architecture: "mobilenet",
      says: "mobilenet (alpha 0.03125", unused: 2),
    Case(file: "vgg16.frossard.npz", says: "Frossard's names"),
    Case(
      file: "vgg16.tensorpack.npz", writer: "tensorpack", says: "trained with", transforms: ["none", rows]),
    Case(file: "resnet.tensorpack.npz", size: square, says: "as tensorpack, epsilon 1e-05"),
    Case(
      file: "resnet.tensorpack.npz", io: "resnet.tensorpack-caffe", size: square, writer: "tensorpack-caffe",
      says: "as stated"),
    Case(
      file: "resnet.tensorpack.npz", io: "resnet.tensorpack-aligned", size: square,
      writer: "tensorpack-aligned", says: "as stated"),
  ]

  @Test(arguments: cases)
  func convertsAndAgreesWithItsWriter(_ c: Case) throws {
    try withFolder { folder in
      var options = Converter.Options()
      options.recipe.inputSize = c.size
      options.recipe.architecture = c.architecture
      options.recipe.writer = c.writer
      let name =
        c.io
        ?? c.file.split(separator: ".").dropLast(c.file.hasSuffix("weights.h5") ? 2 : 1)
        .joined(separator: ".")
      options.verifier.ioPath = fixture("dialects/\(name).io.npz")
      let report = try Converter(options: options).convert(
        fixture("dialects/\(c.file)"), to: folder.appending(path: "model.zoo").path)
      let check = try #require(report.verification).check("recorded inputs and outputs")
      #expect(check.status == .passed)
      #expect(report.explanation.contains(c.says), "\(report.explanation)")
      #expect(Set(report.tensors.map(\.transform)) == c.transforms)
      #expect(report.unused.count == c.unused, "\(report.unused)")
    }
  }

  @Test(arguments: [
    ("vgg16.frossard.npz", Preprocessing.caffeRGB), ("vgg16.tensorpack.npz", .caffe),
    ("resnet.tensorpack.npz", .torchBGR), ("resnet_th_dim_ordering_th_kernels.h5", .caffe),
  ])
  func theRecipeKnowsThePixels(file: String, mode: Preprocessing) throws {
    #expect(try Recipe(path: fixture("dialects/\(file)")).card.preprocessing == mode)
  }

  // MARK: Kernels

  private func kernels(_ shape: Shape, _ layout: WeightFileLayout, _ path: String = "weights.h5")
    -> MemoryFile
  {
    var file = MemoryFile(
      layout: layout, tensors: [TensorEntry(name: "a", shape: shape, elementType: .float32)])
    file.path = path
    file.writer = layout == .namedArrays ? nil : "keras 1"
    return file
  }

  @Test func shapesSayWhereChannelsAre() throws {
    let order = try KernelLayout(of: kernels([64, 3, 3, 3], .legacyWeights), stated: nil)
    #expect(order.axesAreChannelsFirst && order.isRotated && order.rowsAreChannelsFirst)
    #expect(try KernelLayout(of: kernels([3, 3, 3, 64], .legacyWeights), stated: nil) == .tensorFlow)
    let published = kernels([64, 3, 3, 3], .legacyWeights, "a/x_th_dim_ordering_tf_kernels.h5")
    #expect(try KernelLayout(of: published, stated: nil).isRotated == false)
  }

  @Test func whatNothingSaysIsRefused() throws {
    let both = try #require(throws: ZooError.self) {
      try KernelLayout(of: kernels([3, 3, 3, 3], .legacyWeights), stated: nil)
    }
    #expect(both.code == .ambiguous)
    #expect(both.what == "ambiguous kernels" && both.remedy?.contains("RecipeOptions.kernelLayout") == true)
    let rotation = try #require(throws: ZooError.self) {
      try KernelLayout(of: kernels([64, 3, 3, 3], .namedArrays), stated: nil)
    }
    #expect(rotation.code == .ambiguous && rotation.why.contains("rotates"))
    #expect(try KernelLayout(of: kernels([64, 3, 3, 3], .namedArrays), stated: .caffe).isRotated == false)
    #expect(try KernelLayout(of: kernels([3, 3, 3, 3], .legacyWeights), stated: .theano).isRotated)
  }

  // MARK: Dictionaries

  /// The arrays of `file` under other names.
  private func rename(
    _ file: any WeightFile, to path: String, _ name: (Int, TensorEntry) -> String
  ) throws {
    try NumPyFile.write(to: path, overwrite: false) { writer throws(ZooError) in
      for (index, entry) in file.tensors.enumerated() {
        guard let tensor = try? file.read(entry) else { continue }
        try writer.add(name(index, entry), Tensor(shape: entry.shape, values: tensor.floats()))
      }
    }
  }

  @Test(arguments: ["model/backbone/", "module."])
  func dictionariesUnderAnyPrefix(prefix: String) throws {
    try withFolder { folder in
      let path = folder.appending(path: "prefixed.npz").path
      try rename(WeightFiles.open(path: fixture("dialects/resnet.bf16.npz")), to: path) {
        prefix + (prefix.hasSuffix(".") ? $1.name.replacing("/", with: ".") : $1.name)
      }
      var options = Converter.Options()
      options.recipe.inputSize = Self.odd
      options.verifier.ioPath = fixture("dialects/resnet.bf16.io.npz")
      let report = try Converter(options: options).convert(
        path, to: folder.appending(path: "model.zoo").path)
      #expect(report.tensors.allSatisfy { $0.witnesses.contains("names") })
    }
  }

  /// The same names mean the same in every container.
  @Test(arguments: ["vgg16.tensorpack", "vgg16.frossard", "resnet.tensorpack"])
  func namesOfOtherWritersInSafetensors(name: String) throws {
    try withFolder { folder in
      let archive = fixture("dialects/\(name).npz")
      let path = folder.appending(path: "\(name).safetensors").path
      try safetensors(of: WeightFiles.open(path: archive)).write(to: URL(filePath: path))
      let options = RecipeOptions(inputSize: name.hasPrefix("resnet") ? Self.square : nil)
      let (found, expected) = try (
        Recipe(path: path, options: options), Recipe(path: archive, options: options)
      )
      #expect(found.graph == expected.graph)
      #expect(found.card.preprocessing == expected.card.preprocessing)
      #expect(found.binding.unused.isEmpty)
      for (one, other) in zip(found.binding.assignments, expected.binding.assignments) {
        #expect(one.entry.name == other.entry.name && one.rule == .name && one.transform == other.transform)
        #expect(
          try found.weights.tensor(for: one.slot).floats() == expected.weights.tensor(for: one.slot).floats())
      }
    }
  }

  private func safetensors(of file: any WeightFile) throws -> Data {
    let layout = try SafetensorsWriter(
      tensors: file.tensors.map { .init(name: $0.name, shape: $0.shape, elementType: .float32) },
      metadata: [:])
    var data = Data(layout.start)
    for (entry, offset) in zip(file.tensors, layout.offsets) {
      try #require(offset == data.count)
      for value in try file.read(entry).floats() {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
      }
    }
    return data
  }

  @Test func namesThatSayNothingAreAmbiguous() throws {
    try withFolder { folder in
      let path = folder.appending(path: "unnamed.npz").path
      try rename(WeightFiles.open(path: fixture("dialects/resnet.bf16.npz")), to: path) { i, _ in "w\(i)" }
      let error = try #require(throws: ZooError.self) {
        try Recipe(path: path, options: RecipeOptions(inputSize: Self.odd))
      }
      #expect(error.code == .ambiguous && error.what == "ambiguous weights")
      #expect(error.why.contains("'w1' and 'w2'"), "\(error)")
    }
  }

  @Test(.enabled(if: RealFiles.exist, Comment(rawValue: RealFiles.absence)))
  func batchNormsSettleWhatNamesDoNot() throws {
    try withFolder { folder in
      let (path, swapped) = (folder.appending(path: "a.npz").path, folder.appending(path: "b.npz").path)
      let file = try WeightFiles.open(path: RealFiles.mobileNetFeatures)
      try rename(file, to: path) { i, _ in "w\(i)" }
      let recipe = try Recipe(path: path)
      #expect(recipe.card.architecture == "mobilenet")
      #expect(recipe.binding.assignments.allSatisfy { $0.witnesses == [.shape, .testimony] })

      var order = file.tensors
      let places = try ["conv_pw_8", "conv_pw_9"].map { layer in
        try #require(order.firstIndex { $0.layer == layer })
      }
      order.swapAt(places[0], places[1])
      try NumPyFile.write(to: swapped, overwrite: false) { writer throws(ZooError) in
        for (index, entry) in order.enumerated() {
          guard let tensor = try? file.read(entry) else { continue }
          try writer.add("w\(index)", Tensor(shape: entry.shape, values: tensor.floats()))
        }
      }
      let error = try #require(throws: ZooError.self) { try Recipe(path: swapped) }
      #expect(error.code == .ambiguous && error.what == "ambiguous weights")
    }
  }

  @Test func aBackboneUnderLayersThatAreNotSupported() throws {
    var file = MemoryFile(
      layout: .legacyModel, tensors: SmallNetworks.entries(of: try SmallNetworks.mobileNet.graph(), .named))
    file.modelConfiguration = .object([
      "class_name": .string("Sequential"),
      "config": .object([
        "name": .string("mine"),
        "layers": .array([
          .object(["class_name": .string("Mine"), "config": .object(["name": .string("odd")])])
        ]),
      ]),
    ])
    #expect(errorCode { try Recipe(file: file) } == .malformed)
    let recipe = try Recipe(
      file: file, options: RecipeOptions(architecture: "mobilenet", inputSize: Extent2D(32, 32)))
    #expect(recipe.card.architecture == "mobilenet")
    #expect(recipe.explanation.contains("the configuration is not used"), "\(recipe.explanation)")
  }

  @Test(.enabled(if: RealFiles.exist, Comment(rawValue: RealFiles.absence)))
  func aBackboneAmongForeignTensors() throws {
    let recipe = try Recipe(
      path: RealFiles.folder + "/retinaface-mobilenet025/retinaface_mobilenet025.h5",
      options: RecipeOptions(architecture: "mobilenet"))
    #expect(recipe.graph.parameterCount == 218_544)
    #expect(recipe.binding.unused.count == 138)
    #expect(recipe.binding.assignments.allSatisfy { $0.witnesses == [.names, .order, .shape] })
  }
}
