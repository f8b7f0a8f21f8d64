import Foundation
import Testing
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Keras 3's store with layers in other places than `layers`: nothing in it is dropped.
@Suite struct StoreTests {
  @Test(arguments: ["weights.h5", "old.weights.h5", "changed.weights.h5"])
  func layersOfAnAttributeAreSeen(layout: String) throws {
    let file = try WeightFiles.open(path: fixture("stores/by-class.\(layout)"))
    #expect(file.layout == .kerasStore)
    #expect(file.tensors.count == 137)
    let first = try file.entry("backbone/layers/conv2d/vars/0")
    #expect(first.storeKey == StoreKey(container: "backbone", className: "conv2d", ordinal: 0, variable: 0))
    #expect(first.layer == (layout.hasPrefix("old") ? nil : "conv1"))
    #expect(file.tensors.prefix(2).map(\.name) == ["layers/dense/vars/0", "layers/dense/vars/1"])
    #expect(file.ignored.isEmpty)
  }

  @Test func layersWithoutWeightsAreListedToo() throws {
    let file = try WeightFiles.open(path: fixture("models/mobilenet.weights.h5"))
    let layers = Set(file.layerNames)
    #expect(layers.count == 91 && layers.isSuperset(of: ["conv1", "conv1_relu", "conv_pad_2", "reshape_2"]))
    // Without names, by their groups.
    let older = try WeightFiles.open(path: fixture("models/mobilenet.old.weights.h5"))
    #expect(Set(older.layerNames).isSuperset(of: ["re_lu", "zero_padding2d_1", "reshape"]))
    #expect(!older.layerNames.contains("conv2d"))
  }

  @Test(arguments: ["weights.h5", "keras"])
  func everyGroupOfASubclassedModelIsListed(layout: String) throws {
    let file = try WeightFiles.open(path: fixture("stores/subclass.\(layout)"))
    var expected: Set = ["vars/0"]
    for (layer, variables) in [
      ("block1/layers/conv2d", 2), ("block1/layers/batch_normalization", 4), ("block2/conv2d", 2),
      ("block2/conv2d_1", 2), ("head", 2),
    ] {
      for variable in 0..<variables { expected.insert("\(layer)/vars/\(variable)") }
    }
    #expect(Set(file.tensors.map(\.name)) == expected)
    #expect(file.tensors.last?.name == "vars/0")
    #expect(file.attributes == ["block1", "block2", "head"])
    for entry in file.tensors { #expect(try file.read(entry).shape == entry.shape) }
  }

  @Test func pathsOfWindowsAreTheSamePlaces() throws {
    let file = try WeightFiles.open(path: fixture("stores/windows.keras"))
    #expect(file.tensors.count == 10)
    let entry = try file.entry("layers\\conv2d_1/vars/0")
    #expect(entry.storeKey == StoreKey(container: "", className: "conv2d", ordinal: 1, variable: 0))
    #expect(file.attributes.isEmpty)
  }

  /// Legacy HDF5 lists its weights in attributes, a store numbers them: a dataset beside them is neither's.
  @Test(
    arguments: [
      ("unlisted.h5", "dialects/custom.k2w.h5", "our_first/our_first/mask"),
      ("unlisted.weights.h5", "stores/beside.weights.h5", "layers/conv2d/mask"),
    ])
  func whatNoListNamesIsListed(name: String, original: String, mask: String) throws {
    let whole = try WeightFiles.open(path: fixture(original))
    let file = try WeightFiles.open(path: fixture("stores/\(name)"))
    #expect(file.tensors.count == whole.tensors.count + 2)
    #expect(Set(file.tensors.suffix(2).map(\.name)) == [mask, "extra/table"])
    #expect(file.tensors.suffix(2).allSatisfy { $0.layer == nil && $0.storeKey == nil })
    #expect(file.ignored.map(\.name) == ["note"])
    #expect(try file.read(file.entry("extra/table")).floats() == [0, 1, 2, 3])
  }

  @Test func aModelWithoutWeightsIsAModel() throws {
    for name in ["stores/unbuilt.h5", "stores/unbuilt.keras"] {
      let file = try WeightFiles.open(path: fixture(name))
      #expect(file.tensors.isEmpty && file.modelConfiguration != nil, "\(name)")
    }
  }

  @Test func bfloat16WithoutItsNameIsReadWithARemark() throws {
    let file = try WeightFiles.open(path: fixture("stores/bfloat16.h5"))
    #expect(file.tensors.allSatisfy { $0.elementType == .bfloat16 })
    #expect(file.remark?.contains("bfloat16") == true)
    for entry in file.tensors {
      #expect(try file.read(entry).floats().allSatisfy { abs($0) < 2 }, "\(entry.name)")
    }
    #expect(try WeightFiles.open(path: fixture("containers/bfloat16.weights.h5")).remark == nil)
  }
}

/// Files of other kinds are named for what they are, with what to do.
@Suite struct ForeignFileTests {
  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
  private static let picture = "Classifier"

  static let files: [(bytes: [UInt8], name: String, remedy: String)] = [
    (
      bytes("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"), "Git LFS pointer",
      "git lfs pull"
    ),
    (bytes("<!DOCTYPE html>\n<html><head></head></html>"), "web page", "Download"),
    (bytes("\u{feff}  \n<HTML lang='en'>"), "web page", "Download"),
    (bytes("<?xml version=\"1.0\"?><!-- x --><html>"), "web page", "Download"),
    (bytes("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"), "XML document", "Download"),
    (
      bytes(#"{"class_name": "Sequential", "config": {"layers": []}}"#), "configuration, without weights",
      "RecipeOptions.configuration"
    ),
    (bytes(#"{"format": "layers-model", "modelTopology": {}}"#), "TensorFlow.js", "tensorflowjs_converter"),
    (bytes(#"{"message": "Not Found"}"#), "JSON document", "Weight files are"),
    ([0x08, 0x01, 0x12, 0x9f, 0x01, 0x0a, 0x1a, 0x0a, 0x00, 0x00], "SavedModel", "load_model"),
    ([0x08, 0x07, 0x12, 0x07] + bytes("pytorch:"), "ONNX", "model.save"),
    (
      [0x0a, 0x1f, 0x0a, 0x05] + bytes("input\u{12}\u{0b}Placeholder*\u{0b}dtype"), "frozen TensorFlow",
      "Keras 2"
    ),
    (
      [UInt8](repeating: 0, count: 100) + [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb], "checkpoint",
      "load_weights"
    ),
    (bytes("model_checkpoint_path: \"model.ckpt\"\n"), "checkpoint", "load_weights"),
    ([0x1c, 0, 0, 0] + bytes("TFL3") + [0, 0], "TensorFlow Lite", ".keras"),
    ([0x80, 0x04, 0x95, 0x10, 0x4e, 0x2e], "pickle", "numpy.savez"),
    (bytes("GIF89a") + [1, 0, 1, 0], "GIF", picture),
    (bytes("RIFF\u{1}\0\0\0WEBPVP8 "), "WebP", picture),
    (bytes("BM\u{1}\0\0\0\0\0\0\0\u{36}\0\0\0"), "BMP", picture),
    ([0x49, 0x49, 0x2a, 0x00, 8, 0, 0, 0], "TIFF", picture),
    ([0, 0, 0, 0x1c] + bytes("ftypavif"), "AVIF", picture),
    ([0xff, 0xd8, 0xff, 0xe0], "JPEG", picture),
    ([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], "gzip", "Unpack"),
    ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0, 0, 0, 0], "xz", "Unpack"),
    ([UInt8](repeating: 0x61, count: 257) + bytes("ustar\0") + [0], "tar archive", "Unpack"),
    (bytes("GGUF") + [3, 0, 0, 0], "GGUF", "Weight files are"),
    (bytes("MATLAB 5.0 MAT-file, Platform: GLNXA64"), "MATLAB", "Weight files are"),
  ]

  @Test func eachKindIsNamed() throws {
    for (bytes, name, remedy) in Self.files {
      let error = try #require(try withFile(bytes) { refusal($0) }, "\(name)")
      #expect(error.code == .unsupported && error.why.contains(name), "\(name): \(error)")
      #expect(error.remedy?.contains(remedy) == true, "\(name): \(error.remedy ?? "")")
    }
  }

  /// A stored ZIP archive of empty members with these names.
  private func archive(_ names: [String]) -> [UInt8] {
    func number(_ value: Int, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(value >> (8 * $0) & 0xff) } }
    var (local, directory): ([UInt8], [UInt8]) = ([], [])
    for name in names {
      let common = number(20, 2) + number(0, 8) + number(0, 12) + number(name.utf8.count, 2) + number(0, 2)
      directory += Array("PK\u{1}\u{2}".utf8) + number(20, 2) + common + number(0, 10)
      directory += number(local.count, 4) + Array(name.utf8)
      local += Array("PK\u{3}\u{4}".utf8) + common + Array(name.utf8)
    }
    return local + directory + Array("PK\u{5}\u{6}".utf8) + number(0, 4) + number(names.count, 2)
      + number(names.count, 2) + number(directory.count, 4) + number(local.count, 4) + number(0, 2)
  }

  @Test func archivesAreNamedByTheirMembers() throws {
    for (names, says) in [
      (["model/constants.pkl", "model/code/__torch__.py"], "TorchScript"),
      (["export/saved_model.pb", "export/variables/variables.index"], "SavedModel"),
      (["readme.txt", "model.h5"], "ZIP archive with model.h5"),
    ] {
      let error = try #require(try withFile(archive(names)) { refusal($0) }, "\(says)")
      #expect(error.code == .unsupported && error.why.contains(says), "\(error)")
      #expect(error.remedy != nil)
    }
  }

  @Test func foldersAreNamedByTheirFiles() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, says) in [
      (nil, "a folder without a Keras model"), ("model.h5", "a folder"),
      ("checkpoint", "TensorFlow checkpoint"),
      ("saved_model.pb", "SavedModel"),
    ] {
      if let name { try Data("x".utf8).write(to: folder.appending(path: name)) }
      let error = try #require(refusal(folder.path))
      #expect(error.code == .unsupported && error.why.contains(says), "\(error)")
      if name == "model.h5" { #expect(error.remedy?.contains("/model.h5") == true) }
    }
    try Data("x".utf8).write(to: folder.appending(path: "model.ckpt.index"))
    #expect(refusal(folder.appending(path: "model.ckpt").path)?.why.contains("checkpoint") == true)
  }

  @Test func objectsOfNumPyComeWithAWayOut() throws {
    let list = try #require(refusal(fixture("stores/objects.npz")))
    #expect(list.code == .unsupported && list.remedy?.contains("numpy.savez") == true)
    let dictionary = try #require(refusal(fixture("stores/dictionary.npy")))
    #expect(dictionary.code == .unsupported && dictionary.remedy?.contains(".item()") == true)
  }
}
