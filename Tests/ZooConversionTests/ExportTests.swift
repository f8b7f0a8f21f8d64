import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// What is exported and converted again is what it was, bit for bit.
@Suite struct ExportTests {
  static let files = [
    "mobilenet.k2w.h5", "nasnet-32.old.weights.h5", "resnet.h5", "vgg16.k2w.h5", "mobilenet-notop-avg.k2w.h5",
  ]

  private func convert(
    _ input: String, to output: String, like file: String, storage: StorageType = .f32
  ) throws -> ZooFile {
    var options = FixtureModelTests.options(for: file, storage: storage)
    options.verify = false
    options.largestStorageError = .infinity
    _ = try Converter(options: options).convert(input, to: output)
    return try ZooFile(path: output)
  }

  private func expectSameTensors(_ a: ZooFile, _ b: ZooFile) {
    #expect(a.tensors.map(\.name) == b.tensors.map(\.name))
    #expect(a.tensors.map(\.checksum) == b.tensors.map(\.checksum))
  }

  @Test(arguments: files, ExportFormat.readable)
  func roundTrip(file: String, format: ExportFormat) throws {
    try withFolder { folder in
      let path = { (name: String) in folder.appending(path: name).path }
      let original = try convert(fixture("models/\(file)"), to: path("a.zoo"), like: file)
      let exported = path("a.\(format.rawValue)")
      let report = try Exporter(path: path("a.zoo"), output: exported).export(overwrite: false)
      #expect(report.tensors == original.tensors.count && report.widened == 0)
      #expect(report.bytes == (try Data(contentsOf: URL(filePath: exported))).count)
      let file = file == "resnet.h5" ? "resnet.k2w.h5" : file
      expectSameTensors(original, try convert(exported, to: path("b.zoo"), like: file))
      let difference = try ModelDifference(path("a.zoo"), exported, tolerance: 0)
      #expect(difference.same && difference.tensors.count == original.tensors.count)
    }
  }

  @Test(arguments: ExportFormat.readable)
  func halvesStayHalves(format: ExportFormat) throws {
    let file = "mobilenet.npz"
    try withFolder { folder in
      let path = { (name: String) in folder.appending(path: name).path }
      let original = try convert(fixture("models/\(file)"), to: path("a.zoo"), like: file, storage: .f16)
      let exported = path("a.\(format.rawValue)")
      _ = try Exporter(path: path("a.zoo"), output: exported).export(overwrite: false)
      let tensors = try WeightFiles.open(path: exported).tensors
      #expect(tensors.allSatisfy { $0.elementType == .float16 } && tensors.count == original.tensors.count)
      expectSameTensors(original, try convert(exported, to: path("b.zoo"), like: file, storage: .f16))
    }
  }

  @Test func theSameModelGivesTheSameBytes() throws {
    try withFolder { folder in
      for format in ExportFormat.withEndings {
        let outputs = ["a", "b"].map { folder.appending(path: "\($0).\(format.rawValue)") }
        for output in outputs {
          _ = try Exporter(path: fixture("models/vgg19.h5"), output: output.path).export(overwrite: false)
        }
        let data = "/Data/com.apple.CoreML"
        let parts =
          format == .mlpackage
          ? ["/Manifest.json", "\(data)/model.mlmodel", "\(data)/weights/weight.bin"] : [""]
        for part in parts {
          let contents = try outputs.map { try Data(contentsOf: URL(filePath: $0.path + part)) }
          #expect(contents[0] == contents[1], "\(format) \(part)")
        }
      }
    }
  }

  @Test func safetensorsSaysWhatItHolds() throws {
    try withFolder { folder in
      let output = folder.appending(path: "m.safetensors").path
      _ = try Exporter(path: fixture("models/mobilenet.h5"), output: output).export(overwrite: false)
      let file = try WeightFiles.open(path: output)
      #expect(file.writer == ZooDocument.currentTool)
      #expect(file.tensors.contains { $0.name == "conv_dw_1/kernel" })
      let text = String(decoding: try Data(contentsOf: URL(filePath: output)).prefix(400), as: UTF8.self)
      #expect(text.contains("\"architecture\":\"mobilenet\"") && text.contains("\"preprocessing\":\"tf\""))
    }
  }

  /// Models inside models and layers that are called twice have their places in Keras' files again, also by way of
  /// a `.zoo` file, whose graph is flat.
  @Test(arguments: [
    ("layers/nested.keras", "layers/functional/layers/functional/layers/conv2d/vars/0"),
    ("layers/nested.k2.h5", "layers/functional/layers/functional/layers/conv2d/vars/0"),
    ("dialects/finetuned.keras", "layers/functional/layers/conv2d/vars/0"),
    ("dialects/finetuned.k2.h5", "layers/functional/layers/conv2d/vars/0"),
  ])
  func nestedModelsKeepTheirPlaces(file: String, tensor: String) throws {
    try withFolder { folder in
      let path = { (name: String) in folder.appending(path: name).path }
      var options = Converter.Options()
      options.verify = false
      let source = fixture(file)
      _ = try Converter(options: options).convert(source, to: path("a.zoo"))
      #expect(try !ZooFile(path: path("a.zoo")).document.kerasPlaces.isEmpty)
      for format in [ExportFormat.kerasStore, .legacy] {
        let exported = path("a.\(format.rawValue)")
        _ = try Exporter(path: path("a.zoo"), output: exported).export(overwrite: false)
        let difference = try ModelDifference(source, exported, tolerance: 0)
        let same = difference.same
        #expect(same, "\(format): \(difference.matching), \(difference.onlyInFirst)")
        let direct = path("b.\(format.rawValue)")
        _ = try Exporter(path: source, output: direct).export(overwrite: false)
        #expect(try Data(contentsOf: URL(filePath: exported)) == Data(contentsOf: URL(filePath: direct)))
      }
      let names = try WeightFiles.open(path: path("a.weights.h5")).tensors.map(\.name)
      #expect(names.contains(tensor), "\(names)")
    }
  }

  /// What is frozen comes last among the weights of a nested model in Keras 2's layout.
  @Test func frozenLayersComeLast() throws {
    try withFolder { folder in
      let output = folder.appending(path: "a.h5").path
      for (source, other) in [("finetuned.k2.h5", "finetuned.k2w.h5")] {
        _ = try Exporter(path: fixture("dialects/\(source)"), output: output).export(overwrite: true)
        let order = { (path: String) in
          try WeightFiles.open(path: path).tensors.map {
            "\($0.container ?? "") \($0.layer ?? "") \($0.variable ?? "")"
          }
        }
        #expect(try order(output) == order(fixture("dialects/\(other)")))
      }
    }
  }

  /// A file for Keras is never written where its layers' order is not known.
  @Test func sharedWeightsAreExportedByNameAlone() throws {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [4]))
    let once = g.add("dense", .dense(Dense(units: 4, useBias: true)), x)
    let twice = g.add("dense:2", .dense(Dense(units: 4, useBias: true)), [once], sharing: once)
    let card = ModelCard(architecture: "shared", variant: "", preprocessing: .none)
    let document = ZooDocument(graph: try g.build(outputs: [twice]), card: card)
    try withFolder { folder in
      let model = folder.appending(path: "a.zoo").path
      let weights = ComputedWeights {
        StoredTensor(shape: $0.shape, values: (0..<$0.shape.elementCount).map(Float.init))
      }
      try ZooWriter(document: document, storage: .f32).write(to: model, overwrite: false, weights: weights)
      for format in ExportFormat.withEndings {
        let output = folder.appending(path: "a.\(format.rawValue)").path
        let exporter = try Exporter(path: model, output: output)
        if [.kerasStore, .legacy, .legacyModel, .kerasArchive].contains(format) {
          let error = #expect(throws: ZooError.self) { try exporter.export(overwrite: false) }
          #expect(error?.code == .unsupported)
          #expect(error?.location.hasSuffix("'dense:2'") == true)
        } else {
          #expect(try exporter.export(overwrite: false).tensors == 2)
        }
      }
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
          == ["a.mlpackage", "a.npz", "a.onnx", "a.safetensors", "a.zoo"])
    }
  }

  @Test func anEndingThatStandsForNothing() {
    let error = #expect(throws: ZooError.self) {
      try Exporter(path: fixture("models/mobilenet.h5"), output: "m.pb")
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test func anExistingFileStays() throws {
    try withFolder { folder in
      let output = folder.appending(path: "m.h5")
      try Data([1]).write(to: output)
      let exporter = try Exporter(path: fixture("models/mobilenet.h5"), output: output.path)
      let error = #expect(throws: ZooError.self) { try exporter.export(overwrite: false) }
      #expect(error?.code == .cannotCreate)
      #expect(try Data(contentsOf: output) == Data([1]))
      _ = try exporter.export(overwrite: true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["m.h5"])
    }
  }

  @Test(arguments: ["i.onnx", "I.mlpackage"])
  func networksOnEightBitsAreRefused(output: String) throws {
    try withFolder { folder in
      let model = folder.appending(path: "i.zoo").path
      var options = Converter.Options.onEightBits
      options.verify = false
      _ = try Converter(options: options).convert(fixture("models/mobilenet.h5"), to: model)
      let exporter = try Exporter(path: model, output: folder.appending(path: output).path)
      let error = #expect(throws: ZooError.self) { try exporter.export(overwrite: false) }
      #expect(error?.code == .unsupported && error?.why.contains("8 bits") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["i.zoo"])
    }
  }
}
