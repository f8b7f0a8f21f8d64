import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooReference
import ZooRuntime
import ZooTensor
import ZooTestSupport
import ZooVerification
import ZooWeightFiles

/// Genuine Keras files of reduced networks, in every layout, against what Keras computes with them.
@Suite struct FixtureModelTests {
  /// The files' names, `NAME.LAYOUT`.
  static let files: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: fixture("models"))) ?? []
    return names.filter { !$0.hasSuffix(".io.npz") }.sorted()
  }()

  static func name(of file: String) -> String { String(file.prefix { $0 != "." }) }
  static func io(of file: String) -> String { fixture("models/\(name(of: file)).io.npz") }

  /// The pooling at the end, which weights alone don't tell.
  static func pooling(of file: String) -> ZooGraph.Operation? {
    switch name(of: file) {
    case "mobilenet-notop-avg": .globalAveragePooling(keepDimensions: false)
    case "nasnet-35-notop-max": .globalMaxPooling(keepDimensions: false)
    default: nil
    }
  }

  /// The network that Keras ran.
  static func recordedGraph(_ graph: Graph, of file: String) throws -> Graph {
    guard let pooling = pooling(of: file) else { return graph }
    var layers = graph.nodes.map {
      Graph.Layer(name: $0.name, operation: $0.operation, inputs: $0.inputs.map(\.index))
    }
    layers.append(Graph.Layer(name: "pooling", operation: pooling, inputs: [graph.outputs[0].index]))
    return try Graph(layers: layers, outputs: [layers.count - 1])
  }

  static func options(for file: String, storage: StorageType = .f32) -> Converter.Options {
    var options = Converter.Options()
    options.storage = storage
    if pooling(of: file) == nil { options.verifier.ioPath = io(of: file) }
    // Names and shapes of a network's weights don't tell a size that is no square.
    if file.hasPrefix("vgg19.") { options.recipe.inputSize = Extent2D(64, 32) }
    if file.hasPrefix("resnet.") { options.recipe.inputSize = Extent2D(40, 33) }
    if file.hasPrefix("mobilenet") || file.hasPrefix("nasnet-32") {
      options.recipe.inputSize = Extent2D(32, 32)
    }
    if file.hasPrefix("nasnet-35") { options.recipe.inputSize = Extent2D(35, 35) }
    return options
  }

  @Test func thereAreFixtures() { #expect(Self.files.count == 42) }

  @Test(arguments: files)
  func convertsAndAgreesWithKeras(file: String) throws {
    try withFolder { folder in
      let output = folder.appending(path: "model.zoo").path
      let options = Self.options(for: file)
      let report = try Converter(options: options).convert(fixture("models/\(file)"), to: output)
      #expect(report.unused.isEmpty)
      let zoo = try ZooFile(path: output)
      let verification = try Verifier.verify(zoo, options: options.verifier)
      #expect(verification.passed, "\(verification.text)")
      let graph = try Self.recordedGraph(zoo.document.graph, of: file)
      let comparison = try IOComparison(path: Self.io(of: file), graph: graph)
        .check(weights: zoo, relativeTolerance: Tolerances.outputs(.f32), threads: 2)
      #expect(comparison.status == .passed, "\(comparison)")
      #expect(try #require(comparison.errorRatio) < 1.5)
      expectSmall(zoo)
    }
  }

  @Test(arguments: Set(files.map(name)).sorted())
  func halfPrecisionLosesLittle(name: String) throws {
    let file = try #require(Self.files.first { Self.name(of: $0) == name })
    try withFolder { folder in
      let output = folder.appending(path: "model.zoo").path
      var options = Self.options(for: file)
      options.verifier.ioPath = nil
      options.storage = .f16
      let report = try Converter(options: options).convert(fixture("models/\(file)"), to: output)
      #expect(report.tensors.allSatisfy { ($0.storageError ?? 0) <= 0x1p-11 })
      let zoo = try ZooFile(path: output)
      let finding = try #require(zoo.document.verification[VerificationReport.Check.precision(.f16)])
      #expect(
        finding.hasPrefix("passed, largest error ") && finding.hasSuffix(" of 0.05 allowed"), "\(finding)")
      let tolerance = VerificationReport.tolerance(
        of: VerificationReport.Check.precision(.f16), in: zoo.document.verification)
      #expect(tolerance == Tolerances.precision(.f16))
      let verification = try Verifier.verify(zoo)
      #expect(verification.passed, "\(verification.text)")
      let graph = try Self.recordedGraph(zoo.document.graph, of: file)
      let comparison = try IOComparison(path: Self.io(of: file), graph: graph)
        .check(weights: zoo, relativeTolerance: Tolerances.precision(.f16), threads: 2)
      #expect(comparison.status == .passed, "\(comparison)")
      expectSmall(zoo)
    }
  }

  /// The layouts of one network hold the same weights.
  @Test(arguments: Set(files.map(name)).sorted())
  func layoutsGiveTheSameTensors(name: String) throws {
    var known: [String: (checksum: TensorChecksum, file: String)] = [:]
    for file in Self.files where Self.name(of: file) == name {
      try withFolder { folder in
        let output = folder.appending(path: "model.zoo").path
        var options = Self.options(for: file)
        options.verify = false
        _ = try Converter(options: options).convert(fixture("models/\(file)"), to: output)
        let tensors = try ZooFile(path: output).tensors
        if !known.isEmpty { #expect(Set(known.keys) == Set(tensors.map(\.name)), "\(file)") }
        for tensor in tensors {
          let first = known[tensor.name, default: (tensor.checksum, file)]
          #expect(tensor.checksum == first.checksum, "\(tensor.name) of \(file) and of \(first.file)")
          known[tensor.name] = first
        }
      }
    }
  }

  /// The reference engine and Keras in double precision differ by rounding alone.
  @Test(arguments: Set(files.map(name)).sorted())
  func theReferenceEngineIsKerasInDoublePrecision(name: String) throws {
    let file = try #require(Self.files.first { Self.name(of: $0) == name })
    let recipe = try Recipe(path: fixture("models/\(file)"), options: Self.options(for: file).recipe)
    let graph = try Self.recordedGraph(recipe.graph, of: file)
    let recorded = try WeightFiles.open(path: Self.io(of: file))
    func array(_ name: String) throws -> StoredTensor? {
      try recorded.tensors.first { $0.name == name }.map(recorded.read)
    }
    let stored = try #require(try array("x"))
    let input = Tensor(shape: stored.shape, values: stored.floats())
    var targets: [String: Value] = ["y": graph.outputs[0]]
    for entry in recorded.tensors where entry.name.hasPrefix("tap:") && !entry.name.hasSuffix(":64") {
      let value: Value = try #require(graph.value(named: String(entry.name.dropFirst(4))))
      targets[entry.name] = value
    }
    #expect(targets.count == 9)
    let engine = try ReferenceEngine(graph: graph, weights: recipe.weights)
    for example in 0..<input.shape[0] {
      let values = try engine.run([ReferenceTensor(input, example: example)], keeping: Set(targets.values))
      for (name, value) in targets {
        let ours = try #require(values[value]).values
        let truth = try #require(try array(name + ":64")).doubles()
        try #require(truth.count == ours.count * input.shape[0], "\(name)")
        let largest = truth.reduce(0) { max($0, abs($1)) }
        let part = truth[example * ours.count..<(example + 1) * ours.count]
        let error = zip(ours, part).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(error <= 1e-9 * largest, "\(name): \(error / largest)")
      }
    }
  }

  @Test(
    "files with nested and shared layers convert, and hold each weight once", arguments: ["k2.h5", "keras"])
  func nestedModels(layout: String) throws {
    try withFolder { folder in
      let output = folder.appending(path: "model.zoo").path
      var options = Converter.Options()
      options.verifier.ioPath = fixture("layers/nested.\(layout).io.npz")
      let report = try Converter(options: options).convert(fixture("layers/nested.\(layout)"), to: output)
      let check = try #require(report.verification).check("recorded inputs and outputs")
      #expect(check.status == .passed, "\(check.detail)")
      let zoo = try ZooFile(path: output)
      let graph = zoo.document.graph
      #expect(graph.nodes.contains { $0.name == "first_conv:4" && $0.sharing != nil })
      #expect(zoo.tensors.map(\.name) == graph.weightSlots.map(\.name))
      #expect(Set(zoo.tensors.map(\.name)).count == 16)
    }
  }
}

/// The format's promise: the weights' bytes, one hundredth more, and 64 KiB.
func expectSmall(_ zoo: ZooFile, sourceLocation: SourceLocation = #_sourceLocation) {
  let weights = zoo.tensors.reduce(0) { $0 + $1.byteCount }
  #expect(zoo.byteCount <= weights + weights / 100 + 65536, "\(zoo.path)", sourceLocation: sourceLocation)
}
