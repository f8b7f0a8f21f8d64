import Foundation
import ModelZooTools
import Testing
import ZooTestSupport
import ZooWeightFiles

/// Networks of any inputs and outputs, compared with what Keras computed.
@Suite struct NetworkTests {
  /// Arrays of an `.io.npz` file by name.
  private func arrays(_ path: String) throws -> [String: Tensor] {
    let file = try WeightFiles.open(path: fixture(path))
    var arrays: [String: Tensor] = [:]
    for entry in file.tensors {
      arrays[entry.name] = Tensor(shape: entry.shape, values: try file.read(entry).floats())
    }
    return arrays
  }

  private func expectNear(_ found: Tensor?, _ expected: Tensor?, _ place: String) throws {
    let (found, expected) = (try #require(found), try #require(expected))
    #expect(found.shape == expected.shape, "\(place)")
    let largest = expected.values.map(abs).max() ?? 0
    for (a, b) in zip(found.values, expected.values) where abs(a - b) > 2e-5 * max(largest, 1) {
      Issue.record("\(place): \(a), expected \(b)")
      return
    }
  }

  @Test(arguments: ["nested.keras", "nested.k2.h5"])
  func severalInputsAndOutputs(file: String) throws {
    let model = try Model(converting: fixture("layers/\(file)"))
    let io = try arrays("layers/\(file).io.npz")
    #expect(model.inputs.count == 2 && model.outputs.count == 3)
    #expect(model.inputs.map(\.shape) == [[4, 4, 3], [4, 4, 3]])
    let inputs = try [#require(io["x"]), #require(io["x1"])]
    let network = try Network(model: model)
    let results = try network.run(inputs)
    for (index, key) in ["y", "y1", "y2"].enumerated() {
      try expectNear(results.outputs[index].tensor, io[key], "\(file), \(key)")
      #expect(results.outputs[index].name == model.outputs[index].name)
    }
    let named = Dictionary(uniqueKeysWithValues: zip(model.inputs.map(\.name), inputs))
    #expect(try network.run(named) == results)
    #expect(try model.run(named) == results)
    // One example alone: its weights are streamed.
    let one = try model.run(named.mapValues { $0.first(1) })
    #expect(one.outputs[0].tensor.values == results.outputs[0].tensor.first(1).values)
  }

  @Test func innerLayersComeFromTheSamePass() throws {
    for name in ["mobilenet", "nasnet-32", "resnet"] {
      let files = try FileManager.default.contentsOfDirectory(atPath: fixture("models"))
        .filter { $0.hasPrefix("\(name).") && !$0.hasSuffix(".io.npz") && !$0.contains(".txt") }.sorted()
      let model = try Model(converting: fixture("models/\(#require(files.first))"))
      let io = try arrays("models/\(name).io.npz")
      let taps = io.keys.filter { $0.hasPrefix("tap:") && !$0.hasSuffix(":64") }.sorted()
      let layers = taps.map { String($0.dropFirst(4)) }
      let input = try #require(io["x"])
      let results = try model.run([model.inputs[0].name: input], layers: layers)
      #expect(results.layers.map(\.name) == layers)
      try expectNear(results.outputs[0].tensor, io["y"], name)
      let backbone = try Backbone(model: model, layers: layers)
      let features = try backbone.featuresByLayer(preprocessed: input)
      #expect(backbone.layers == layers && features.map(\.name) == layers)
      for (index, layer) in layers.enumerated() {
        try expectNear(results[layer], io["tap:\(layer)"], "\(name), \(layer)")
        try expectNear(features[index].tensor, io["tap:\(layer)"], "\(name), \(layer), backbone")
        #expect(
          features[index].tensor.shape.dimensions.dropFirst() == backbone.featureShapes[index].dimensions[...]
        )
      }
    }
  }

  @Test func layersPoolWhereTheyAreMaps() throws {
    let model = try Model(converting: ModelZooTests.weights)
    let pictures = Array(try ModelZooTests.pictures().prefix(3))
    let backbone = try Backbone(model: model, layers: ["conv_pw_5_relu", "predictions"], pooling: .average)
    let features = try backbone.featuresByLayer(of: pictures)
    #expect(features.map(\.tensor.shape) == [[3, 64], [3, 10]])
    #expect(
      try features[0].tensor
        == Backbone(model: model, layer: "conv_pw_5_relu", pooling: .average).features(of: pictures))
    #expect(try features[0].tensor == backbone.features(of: pictures))
    #expect(throws: ZooError.self) { try Backbone(model: model, layers: []) }
    let unknown = try #require(throws: ZooError.self) { try Backbone(model: model, layers: ["conv1", "no"]) }
    #expect(unknown.code == .unknownLayer && unknown.remedy == "Model.layerNames lists them.")
  }

  @Test func wrongInputsAreNamed() throws {
    let model = try Model(converting: fixture("layers/nested.keras"))
    let names = model.inputs.map(\.name)
    let input = Tensor(zeros: [1, 4, 4, 3])
    func error(_ inputs: [String: Tensor]) throws -> ZooError {
      try #require(throws: ZooError.self) { try model.run(inputs) }
    }
    let missing = try error([names[0]: input])
    #expect(missing.code == .missing && missing.why.contains("'\(names[1])'"))
    let other = try error([names[0]: input, names[1]: input, "z": input])
    #expect(other.code == .doesNotFit && other.why.contains("'z'"))
    let shape = try error([names[0]: input, names[1]: Tensor(zeros: [1, 4, 3])])
    #expect(shape.code == .doesNotFit && shape.why.contains("1x4x3") && shape.location.contains(names[1]))
    let batch = try error([names[0]: input, names[1]: Tensor(zeros: [2, 4, 4, 3])])
    #expect(batch.code == .doesNotFit)
    #expect(
      try model.run([names[0]: Tensor(zeros: [0, 4, 4, 3]), names[1]: Tensor(zeros: [0, 4, 4, 3])])
        .outputs[0].tensor.shape[0] == 0)
  }

  // MARK: Classifiers

  @Test func aPreprocessedTensorIsClassified() throws {
    let model = try Model(converting: ModelZooTests.weights)
    let classifier = try Classifier(model: model)
    let io = try arrays("models/mobilenet.io.npz")
    let input = try #require(io["x"])
    let predictions = try classifier.classify(preprocessed: input, top: 10)
    let values = try classifier.values(preprocessed: input)
    #expect(predictions.count == 2 && values.shape == [2, 10])
    for (example, best) in predictions.enumerated() {
      for prediction in best {
        #expect(prediction.value == values[example: example].values[prediction.classIndex])
      }
    }
    #expect(throws: ZooError.self) { try classifier.classify(preprocessed: Tensor(zeros: [32, 32, 3])) }
  }

  /// The activation of the logits is the output, whatever the network ends in.
  @Test(arguments: [
    "one-sigmoid.h5", "two-layers.keras", "sigmoids.h5", "logits.keras", "logits.k2.h5", "rescaling.keras",
  ])
  func logitsAreWhatTheActivationIsOf(file: String) throws {
    let classifier = try Classifier(model: Model(converting: fixture("heads/\(file)")))
    let pictures = try ModelZooTests.pictures()
    let (logits, values) = (try classifier.logits(of: pictures), try classifier.values(of: pictures))
    #expect(logits.shape == values.shape)
    for example in pictures.indices {
      let row = logits[example: example].values.map(Double.init)
      let sum = row.reduce(0) { $0 + exp($1) }
      let expected =
        switch classifier.outputKind {
        case .classes: row.map { exp($0) / sum }
        case .independent, .twoClasses: row.map { 1 / (1 + exp(-$0)) }
        case .values: row
        }
      for (value, other) in zip(values[example: example].values, expected) {
        #expect(abs(Double(value) - other) <= 1e-5 * max(1, abs(other)), "\(file)")
      }
    }
    #expect(classifier.outputKind == .values || logits != values)
  }

  @Test func logitsShareTheWeights() throws {
    let model = try Model(converting: ModelZooTests.weights)
    let classifier = try Classifier(model: model)
    let once = model.preparedBytes
    let logits = try classifier.logits(preprocessed: Tensor(zeros: [1, 32, 32, 3]))
    #expect(logits.shape == [1, 10] && model.preparedBytes == once)
    #expect(try classifier.logits(of: ModelZooTests.pictures()).shape == [10, 10])
  }
}

extension Tensor {
  /// The first examples.
  fileprivate func first(_ count: Int) -> Tensor {
    let shape = Shape([count] + shape.dimensions.dropFirst())
    return Tensor(shape: shape, values: Array(values.prefix(shape.elementCount)))
  }
}
