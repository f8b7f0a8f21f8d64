import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

@Suite struct CoreMLExportTests {
  private func export(
    _ source: String, to output: URL, precision: Exporter.Precision = .f16, overwrite: Bool = false
  ) throws -> (report: Exporter.Report, contents: CoreMLContents) {
    let report = try Exporter(path: source, output: output.path, precision: precision)
      .export(overwrite: overwrite)
    #expect(report.format == "mlpackage" && report.precision == precision.rawValue)
    return (report, try CoreMLContents(path: output.path))
  }

  private func array(_ name: String, of archive: NumPyArchive) throws -> CoreMLEvaluator.Array? {
    guard let tensor = try archive.array(named: name) else { return nil }
    return CoreMLEvaluator.Array(tensor.shape.dimensions, tensor.doubles())
  }

  /// Pixels of 0 to 255, with the channels first, of what enters a network of the preprocessing `tf`.
  private func pixels(_ x: CoreMLEvaluator.Array) -> CoreMLEvaluator.Array {
    let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
    let values = (0..<channels * height * width).map { place in
      let (channel, pixel) = place.quotientAndRemainder(dividingBy: height * width)
      return (x.values[pixel * channels + channel] + 1) * 127.5
    }
    return CoreMLEvaluator.Array([1, channels, height, width], values)
  }

  @Test("what Keras wrote computes the same", arguments: Exporter.Precision.allCases)
  func values(precision: Exporter.Precision) throws {
    try withFolder { folder in
      let output = folder.appending(path: "M.mlpackage")
      let (report, contents) = try export(fixture("models/mobilenet.h5"), to: output, precision: precision)
      #expect(report.tensors > 20 && report.data == nil)
      #expect(report.interface?.contains("takes pictures of 32 x 32 pixels") == true, "\(report)")
      #expect((report.largestError != nil) == (precision == .f16))
      let io = try NumPyArchive(path: fixture("models/mobilenet.io.npz"))
      let x = try #require(try array("x", of: io))
      let y = try #require(try array("y:64", of: io) ?? array("y", of: io))
      let (pixelCount, classCount) = (x.values.count / x.shape[0], y.values.count / y.shape[0])
      let first = CoreMLEvaluator.Array([1] + x.shape.dropFirst(), Array(x.values.prefix(pixelCount)))
      let result = try CoreMLEvaluator(contents).run([pixels(first)])
      let ours = try #require(result.arrays.values.first)
      #expect(ours.shape == [1] + y.shape.dropFirst())
      let expected = Array(y.values.prefix(classCount))
      let largest = expected.reduce(0) { max($0, abs($1)) }
      let worst = zip(ours.values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(worst <= (precision == .f32 ? 2e-5 : 5e-2) * largest, "off by \(worst / largest)")
    }
  }

  @Test func theCardAndTheClassesAreInIt() throws {
    try withFolder { folder in
      let model = folder.appending(path: "m.zoo").path
      var options = FixtureModelTests.options(for: "mobilenet.npz", storage: .f32)
      options.verify = false
      options.recipe.labels = (0..<10).map {
        ClassLabel(id: "n\($0)", name: $0 == 7 ? "class 3" : "class \($0)")
      }
      _ = try Converter(options: options).convert(fixture("models/mobilenet.npz"), to: model)
      let zoo = try ZooFile(path: model)
      let card = zoo.document.card
      let (report, contents) = try export(model, to: folder.appending(path: "M.mlpackage"))
      #expect(report.interface?.hasSuffix("gives classes with their probabilities") == true, "\(report)")
      #expect(report.widened == 0 && report.tensors == zoo.tensors.count)
      let metadata = contents.metadata
      #expect(metadata.text(1).hasPrefix("\(card.architecture), \(card.variant)"))
      #expect(metadata.text(2) == ZooVersion.current && metadata.text(3) == card.citation ?? "")
      #expect(metadata.text(4) == card.licence ?? "")
      let entries = try metadata.messages(100).map { ($0.text(1), $0.text(2)) }
      let further = Dictionary(entries) { first, _ in first }
      #expect(further["preprocessing"] == "tf" && further["precision"] == "f16" && further["labels"] == nil)
      #expect(further["source_sha256"] == zoo.document.source?.sha256)
      #expect(contents.predictedFeature == "classLabel")
      let grey = CoreMLEvaluator.Array([1, 3, 32, 32], [Double](repeating: 100, count: 3 * 32 * 32))
      let result = try CoreMLEvaluator(contents).run([grey])
      let names = (0..<10).map { $0 == 7 ? "class 3 (2)" : "class \($0)" }
      #expect(Set(result.values.keys) == Set(names))
      #expect(result.values[result.label ?? ""] == result.values.values.max())
      let sum: Double = result.values.values.reduce(0, +)
      #expect(abs(sum - 1) < 1e-6)
    }
  }

  /// A file of two dense layers of weights that are 0.5, but for the first one's biases.
  private func model(bias: Float, in folder: URL) throws -> String {
    let path = folder.appending(path: "d.zoo").path
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [3]))
    let first = g.add("first", .dense(Dense(units: 4, useBias: true)), x)
    let second = g.add("second", .dense(Dense(units: 2, useBias: false)), first)
    let graph = try g.build(outputs: [second])
    let weights = ComputedWeights { slot in
      StoredTensor(
        shape: slot.shape,
        values: [Float](repeating: slot.role == .bias ? bias : 0.5, count: slot.shape.elementCount))
    }
    let card = ModelCard(architecture: "dense", variant: "small", preprocessing: .none)
    _ = try ZooWriter(document: ZooDocument(graph: graph, card: card), storage: .f32)
      .write(to: path, overwrite: false, weights: weights)
    return path
  }

  @Test(
    "what is beyond 16 bits is named before anything is written",
    arguments: [
      // A weight, and what comes of weights that fit.
      (70_000, "'first/bias'"), (60_000, "'second'"),
    ] as [(Float, String)])
  func overflows(bias: Float, place: String) throws {
    try withFolder { (folder: URL) throws in
      let model = try model(bias: bias, in: folder)
      let output = folder.appending(path: "M.mlpackage")
      let error = #expect(throws: ZooError.self) { try export(model, to: output) }
      #expect(
        error?.code == .unsupported && error?.location.hasSuffix(place) == true,
        "\(error?.description ?? "")")
      #expect(error?.why.contains("16-bit floats") == true && error?.remedy == "Use --dtype f32.")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["d.zoo"])
      let (report, _) = try export(model, to: output, precision: .f32)
      #expect(
        report.largestError == nil && report.trials == nil
          && report.interface == "takes arrays, and gives arrays")
    }
  }
}
