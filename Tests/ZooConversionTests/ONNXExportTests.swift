import Foundation
import Testing
import ZooConversion
import ZooExport
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

@Suite struct ONNXExportTests {
  private func export(
    _ source: String, to output: URL, layout: ImageLayout = .nhwc
  ) throws -> (report: Exporter.Report, contents: ONNXContents) {
    let report = try Exporter(path: source, output: output.path, layout: layout).export(overwrite: false)
    let bytes = [UInt8](try Data(contentsOf: output))
    #expect(report.bytes == bytes.count && report.format == "onnx" && report.data == nil)
    return (report, try ONNXContents(bytes))
  }

  /// An array of a NumPy archive in double precision.
  private func array(_ name: String, of archive: NumPyArchive) throws -> ONNXEvaluator.Array? {
    guard let tensor = try archive.array(named: name) else { return nil }
    return ONNXEvaluator.Array(tensor.shape.dimensions, tensor.doubles())
  }

  @Test("what Keras wrote computes the same", arguments: ["mobilenet.h5", "nasnet-32.h5", "resnet.keras"])
  func values(file: String) throws {
    try withFolder { folder in
      let (report, contents) = try export(fixture("models/\(file)"), to: folder.appending(path: "m.onnx"))
      #expect(report.tensors > 20 && report.widened == 0)
      let stem = file.prefix { $0 != "." }
      let io = try NumPyArchive(path: fixture("models/\(stem).io.npz"))
      let x = try #require(try array("x", of: io))
      let y = try #require(try array("y:64", of: io) ?? array("y", of: io))
      let ours = try ONNXEvaluator(contents).run([x])[0]
      #expect(ours.shape == y.shape)
      let largest = y.values.reduce(0) { max($0, abs($1)) }
      let worst = zip(ours.values, y.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(worst <= 2e-5 * largest, "off by \(worst / largest)")
    }
  }

  /// A last map that is pooled to the size that dense layers read.
  @Test func adaptivePoolingComputesTheSame() throws {
    try withFolder { folder in
      let model = folder.appending(path: "m.zoo").path
      var options = Converter.Options()
      options.verify = false
      options.recipe.inputSize = Extent2D(97, 49)
      _ = try Converter(options: options).convert(fixture("pytorch/networks/vgg.pth"), to: model)
      let (_, contents) = try export(model, to: folder.appending(path: "m.onnx"))
      let io = try NumPyArchive(path: fixture("pytorch/networks/vgg-pooled.io.npz"))
      let x = try #require(try array("x", of: io))
      let y = try #require(try array("y:64", of: io))
      let ours = try ONNXEvaluator(contents).run([x])[0]
      let worst = zip(ours.values, y.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(ours.shape == y.shape && worst <= 1e-6, "off by \(worst)")
    }
  }

  @Test func theCardIsInTheMetadata() throws {
    try withFolder { folder in
      let model = folder.appending(path: "m.zoo").path
      var options = FixtureModelTests.options(for: "mobilenet.npz", storage: .f16)
      options.verify = false
      options.largestStorageError = .infinity
      options.recipe.labels = (0..<10).map { ClassLabel(id: "", name: "class \"\($0)\"") }
      _ = try Converter(options: options).convert(fixture("models/mobilenet.npz"), to: model)
      let zoo = try ZooFile(path: model)
      let (report, contents) = try export(model, to: folder.appending(path: "m.onnx"), layout: .nchw)
      let halves = zoo.tensors.count { $0.elementType == .float16 }
      #expect(report.widened == halves && halves > 0 && report.tensors == zoo.tensors.count)
      let card = zoo.document.card
      #expect(contents.producer == "zoo" && contents.name == card.architecture)
      let metadata = contents.metadata
      #expect(metadata["architecture"] == "mobilenet" && metadata["variant"] == card.variant)
      #expect(metadata["preprocessing"] == "tf" && metadata["layout"] == "nchw")
      #expect(metadata["licence"] == card.licence && metadata["citation"] == card.citation)
      #expect(metadata["source_sha256"] == zoo.document.source?.sha256)
      #expect(metadata["writer"] == ZooDocument.currentTool)
      let labels = try JSONValue(parsing: Array((metadata["labels"] ?? "").utf8), location: "labels")
      #expect(labels.array?.compactMap(\.string) == zoo.document.labels.map(\.name))
      #expect(contents.inputs[0].remark == "RGB, x / 127.5 - 1")
      #expect(contents.initializers.allSatisfy { $0.type == 1 || $0.type == 7 })
    }
  }

  @Test func theMetadataSayHowPicturesAreBroughtToSize() throws {
    try withFolder { folder in
      let weights = folder.appending(path: "model.safetensors")
      try FileManager.default.copyItem(
        at: URL(filePath: fixture("pytorch/networks/resnet.safetensors")), to: weights)
      try Data(
        #"{"architecture": "resnet50", "pretrained_cfg": {"interpolation": "bicubic", "crop_pct": 0.95}}"#
          .utf8
      ).write(to: folder.appending(path: "config.json"))
      let model = folder.appending(path: "m.zoo").path
      var options = Converter.Options()
      options.verify = false
      _ = try Converter(options: options).convert(weights.path, to: model)
      for (number, source) in [weights.path, model].enumerated() {
        let (_, contents) = try export(source, to: folder.appending(path: "\(number).onnx"))
        #expect(contents.metadata["resampling"] == "bicubic" && contents.metadata["crop"] == "0.95")
      }
      let (_, other) = try export(fixture("models/mobilenet.h5"), to: folder.appending(path: "other.onnx"))
      #expect(other.metadata["resampling"] == nil && other.metadata["crop"] == nil)
    }
  }
}
