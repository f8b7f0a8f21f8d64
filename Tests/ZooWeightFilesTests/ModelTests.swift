import Testing
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Genuine Keras files: every layout of a model holds the same values for every layer.
@Suite struct ModelTests {
  @Test(arguments: ["h5", "k2.h5", "k2w.h5", "weights.h5", "keras"])
  func everyLayoutOfMobileNetEqualsTheNamedArrays(layout: String) throws {
    let named = try WeightFiles.open(path: fixture("models/mobilenet.npz"))
    let file = try WeightFiles.open(path: fixture("models/mobilenet.\(layout)"))
    #expect(file.tensors.count == 137)
    #expect(try file.byLayer() == named.byLayer())
    #expect((file.modelConfiguration != nil) == ["h5", "k2.h5", "keras"].contains(layout))
    #expect(file.writer?.hasPrefix("keras ") == true)
  }

  @Test func positionsFollowTheNames() throws {
    let named = try WeightFiles.open(path: fixture("models/mobilenet.npz"))
    let positional = try WeightFiles.open(path: fixture("models/mobilenet.pos.npz"))
    #expect(named.layout == .namedArrays)
    #expect(positional.layout == .positionalArrays)
    #expect(positional.tensors.first?.name == "arr_0")
    #expect(positional.tensors.allSatisfy { $0.layer == nil && $0.variable == nil })
    for (a, b) in zip(named.tensors, positional.tensors) {
      #expect(try named.read(a).floats() == positional.read(b).floats())
    }
  }

  @Test(arguments: [("resnet", "k2w.h5"), ("vgg19", "h5"), ("mobilenet", "h5")])
  func storesWithoutNamesHoldTheSameLayers(model: String, layout: String) throws {
    let named = try WeightFiles.open(path: fixture("models/\(model).\(layout)")).byLayer()
    let file = try WeightFiles.open(path: fixture("models/\(model).old.weights.h5"))
    #expect(file.layout == .kerasStore)
    #expect(file.tensors.allSatisfy { $0.layer == nil && $0.storeKey != nil })
    #expect(try Set(file.byLayer().values) == Set(named.values))
  }

  @Test func folderEqualsWeights() throws {
    let folder = try WeightFiles.open(path: fixture("models/vgg16.keras"))
    let weights = try WeightFiles.open(path: fixture("models/vgg16.k2w.h5"))
    #expect(folder.layout == .kerasArchive)
    #expect(try FileFormat.recognise(path: fixture("models/vgg16.keras")) == .kerasFolder)
    #expect(try folder.byLayer() == weights.byLayer())
  }

  @Test func namesAreTakenApart() throws {
    let legacy = try WeightFiles.open(path: fixture("models/mobilenet.k2.h5"))
    let bias = try legacy.entry("model_weights/conv_dw_1_bn/conv_dw_1_bn/moving_mean:0")
    #expect(bias.layer == "conv_dw_1_bn")
    #expect(bias.variable == "moving_mean")
    let store = try WeightFiles.open(path: fixture("models/mobilenet.weights.h5"))
    let kernel = try store.entry("layers/conv2d_3/vars/0")
    #expect(kernel.layer == "conv_pw_3")
    #expect(kernel.storeKey == StoreKey(container: "", className: "conv2d", ordinal: 3, variable: 0))
  }

  @Test func contiguousTensorsAreNotCopied() throws {
    for name in ["mobilenet.k2w.h5", "mobilenet.keras", "mobilenet.npz"] {
      let file = try WeightFiles.open(path: fixture("models/\(name)"))
      for entry in file.tensors { #expect(try file.read(entry).bytes.owner is MappedFile) }
    }
  }
}

/// Files that people trained and published, beside the project where they exist.
@Suite struct RealFileTests {
  static let folder = packageRoot.deletingLastPathComponent().appendingPathComponent("shared/real").path
  static let arePresent: Bool = {
    let present =
      (try? FileFormat.recognise(path: file("mobilenet025-imagenet-top/mobilenet_v1_0.25_224.h5"))) == .hdf5
    if !present { print("real weight files are absent: \(folder) does not exist; their tests are left out") }
    return present
  }()
  static func file(_ path: String) -> String { "\(folder)/\(path)" }

  @Test(
    .enabled(if: arePresent, "the folder shared/real beside the project"),
    arguments: [
      ("mobilenet025-imagenet-top/mobilenet_v1_0.25_224.h5", 137, WeightFileLayout.legacyModel),
      ("mobilenet025-imagenet-notop/mobilenet_2_5_224_tf_no_top.h5", 135, .legacyWeights),
      ("mobilenet025-96-vww/vww_96.h5", 164, .legacyModel),
      ("resnet8-cifar10/pretrainedResnet.h5", 48, .legacyModel),
      ("retinaface-mobilenet025/retinaface_mobilenet025.h5", 273, .legacyWeights),
      ("tm-mobilenetv2-waste/keras_model.h5", 263, .legacyModel),
    ])
  func opens(path: String, count: Int, layout: WeightFileLayout) throws {
    let file = try WeightFiles.open(path: Self.file(path))
    #expect(file.tensors.count == count)
    #expect(file.layout == layout)
    for entry in file.tensors {
      #expect(entry.layer != nil && entry.variable != nil)
      #expect(try file.read(entry).floats().allSatisfy(\.isFinite))
    }
  }

  @Test(.enabled(if: arePresent, "the folder shared/real beside the project"))
  func withTopAndWithoutAgree() throws {
    let top = try WeightFiles.open(path: Self.file("mobilenet025-imagenet-top/mobilenet_v1_0.25_224.h5"))
      .byLayer()
    let bare = try WeightFiles.open(
      path: Self.file("mobilenet025-imagenet-notop/mobilenet_2_5_224_tf_no_top.h5"))
    for (layer, values) in try bare.byLayer() { #expect(top[layer] == values) }
  }

  @Test(.enabled(if: arePresent, "the folder shared/real beside the project"))
  func nestedModelsNameTheirInnermostLayers() throws {
    let file = try WeightFiles.open(path: Self.file("tm-mobilenetv2-waste/keras_model.h5"))
    #expect(try file.entry("model_weights/sequential_1/Conv1/kernel:0").layer == "Conv1")
    #expect(try file.entry("model_weights/sequential_3/dense_Dense2/kernel:0").layer == "dense_Dense2")
    let trained = try WeightFiles.open(path: Self.file("resnet8-cifar10/pretrainedResnet.h5"))
    #expect(trained.ignored.map(\.name) == ["optimizer_weights"])
  }
}
