import Foundation
import ModelZooTools
import Testing
import ZooSystem

/// The library as another program uses it, with the trained network of handwritten digits.
@Suite struct ModelZooTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/digits")
  static let weights = folder.appending(path: "digits.h5").path
  static let digits = [
    "zero.png", "one.png", "two.png", "three.jpg", "four.png", "five.png", "six.png", "seven.jpg",
    "eight.jpg",
    "nine.png",
  ]

  static func pictures() throws -> [Picture] {
    try digits.map { try Picture(path: folder.appending(path: "pictures/\($0)").path) }
  }

  /// Calls `body` with the model converted to a file, which is removed afterwards.
  private func withModel<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory.appending(path: "digits-\(UUID().uuidString).zoo").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Model.convert(Self.weights, to: path)
    return try body(path)
  }

  // MARK: Model

  @Test func aModelSaysWhatItIs() throws {
    try withModel { path in
      for model in [try Model(path: path), try Model(converting: Self.weights)] {
        #expect(model.architecture == "mobilenet")
        #expect(model.inputShape == [32, 32, 3])
        #expect(model.outputShapes == [[10]])
        #expect(model.parameterCount == 221_114)
        #expect(model.layerNames.contains("conv_pw_13_relu"))
        #expect(Set(model.layerNames).count == model.layerNames.count)
      }
      #expect(try Model(path: path).path == path)
    }
  }

  @Test func convertingReplacesOnlyWhenTold() throws {
    try withModel { path in
      let before = try Data(contentsOf: URL(filePath: path))
      let error = try #require(throws: ZooError.self) { try Model.convert(Self.weights, to: path) }
      #expect(error.category == .cannotCreate)
      #expect(error.description.contains(path))
      try Model.convert(Self.weights, to: path, overwrite: true)
      #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }
  }

  @Test func whatIsNoModelIsRefused() throws {
    let absent = try #require(throws: ZooError.self) { try Model(path: "/absent/model.zoo") }
    #expect(absent.category == .cannotOpen)
    #expect(absent.description.contains("/absent/model.zoo"))
    let picture = Self.folder.appending(path: "pictures/one.png").path
    let wrong = try #require(throws: ZooError.self) { try Model(path: picture) }
    #expect(wrong.category == .badInput)
    let weights = try #require(throws: ZooError.self) { try Model(path: Self.weights) }
    #expect(weights.code == .malformed && weights.location == Self.weights)
    let labels = Self.folder.appending(path: "labels.txt").path
    #expect(throws: ZooError.self) { try Backbone(path: labels) }
    #expect(throws: ZooError.self) {
      try Model.convert(labels, to: "/tmp/never-\(UUID().uuidString).zoo")
    }
    let unknown = try #require(throws: ZooError.self) {
      try Model(converting: Self.weights, architecture: "alexnet")
    }
    #expect(unknown.category == .usage)
    #expect(unknown.remedy?.contains("mobilenet") == true)
  }

  // MARK: Classifier

  @Test func theClassifierReadsDigits() throws {
    let classifier = try Classifier(model: Model(converting: Self.weights))
    let predictions = try classifier.classify(Self.pictures(), top: 3)
    #expect(predictions.map { $0[0].classIndex } == Array(0..<10))
    for best in predictions {
      #expect(best.count == 3)
      #expect(best[0].probability > 0.9)
      #expect(best[0].probability >= best[1].probability && best[1].probability >= best[2].probability)
      // Of the labels.txt beside the weights.
      #expect(Self.digits[best[0].classIndex].hasPrefix(best[0].label))
    }
    let one = try classifier.classify(Self.pictures()[1], top: 99)
    #expect(one.count == 10)
    #expect(abs(one.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
    #expect(try classifier.classify(Self.pictures()[1], top: 0).isEmpty)
    #expect(try classifier.classify([Picture]()).isEmpty)
  }

  @Test func aFileGivesTheSameAsItsSource() throws {
    try withModel { path in
      let (converted, direct) = (
        try Classifier(path: path), try Classifier(model: Model(converting: Self.weights))
      )
      let pictures = try Self.pictures()
      #expect(try converted.classify(pictures) == direct.classify(pictures))
      let features = try (Backbone(path: path), Backbone(model: Model(converting: Self.weights)))
      #expect(try features.0.features(of: pictures) == features.1.features(of: pictures))
    }
  }

  @Test func aBackboneIsNoClassifierWhereThereAreNoClasses() throws {
    let models = Self.folder.deletingLastPathComponent().appending(path: "models")
    let maps = models.appending(path: "nasnet-35-notop-max.k2w.h5").path
    #expect(throws: Never.self) { try Model(converting: maps) }
  }

  // MARK: Backbone

  @Test func featuresHaveTheShapeOfTheLayer() throws {
    let model = try Model(converting: Self.weights)
    let pictures = Array(try Self.pictures().prefix(3))
    let stem = try Backbone(model: model, layer: "conv1")
    #expect(stem.featureShape == [16, 16, 8])
    #expect(try stem.features(of: pictures).shape == [3, 16, 16, 8])
    #expect(stem.layer == "conv1")
    let logits = try Backbone(model: model, layer: "predictions")
    #expect(try logits.features(of: pictures).shape == [3, 10])
    // What goes into the global pooling, although it has one pixel.
    let top = try Backbone(model: model)
    #expect(top.layer == "conv_pw_13_relu" && top.featureShape == [1, 1, 256])
    #expect(try top.features(of: pictures).shape == Shape(checking: [3] + top.featureShape.dimensions))
    #expect(try top.features(of: []).shape.dimensions.first == 0)
  }

  @Test func poolingIsTheMeanAndTheMaximum() throws {
    let model = try Model(converting: Self.weights)
    let pictures = Array(try Self.pictures().prefix(4))
    let maps = try Backbone(model: model, layer: "conv_pw_5_relu").features(of: pictures)
    let means = try Backbone(model: model, layer: "conv_pw_5_relu", pooling: .average)
    let maxima = try Backbone(model: model, layer: "conv_pw_5_relu", pooling: .maximum)
    let (count, pixels, channels) = (4, maps.shape[1] * maps.shape[2], maps.shape[3])
    #expect(pixels > 1)
    #expect(means.featureShape == [channels] && maxima.featureShape == [channels])
    let (mean, maximum) = (try means.features(of: pictures), try maxima.features(of: pictures))
    #expect(mean.shape == [count, channels] && maximum.shape == [count, channels])
    for example in 0..<count {
      for channel in 0..<channels {
        let values = (0..<pixels).map { maps.values[(example * pixels + $0) * channels + channel] }
        #expect(abs(mean.values[example * channels + channel] - values.reduce(0, +) / Float(pixels)) < 1e-5)
        #expect(maximum.values[example * channels + channel] == values.max())
      }
    }
  }

  @Test func aBatchIsItsExamples() throws {
    let backbone = try Backbone(
      model: Model(converting: Self.weights), layer: "conv_pw_9_relu", pooling: .average)
    let pictures = try Self.pictures()
    let batch = try backbone.features(of: pictures)
    for (index, picture) in pictures.enumerated() {
      let alone = try backbone.features(of: [picture])
      #expect(alone.values == batch[example: index].values)
    }
  }

  @Test func preprocessedInputHasToFit() throws {
    let backbone = try Backbone(model: Model(converting: Self.weights))
    #expect(try backbone.features(preprocessed: Tensor(zeros: [2, 32, 32, 3])).shape[0] == 2)
    let error = try #require(throws: ZooError.self) {
      try backbone.features(preprocessed: Tensor(zeros: [1, 32, 31, 3]))
    }
    #expect(error.why.contains("1x32x31x3"), "\(error)")
    #expect(throws: ZooError.self) { try backbone.features(preprocessed: Tensor(zeros: [32, 32, 3])) }
  }

  @Test func wrongChoicesAreErrors() throws {
    let model = try Model(converting: Self.weights)
    let absent = try #require(throws: ZooError.self) { try Backbone(model: model, layer: "conv_pw_99") }
    #expect(absent.category == .usage)
    #expect(absent.description.contains("conv_pw_99"))
    let vector = try #require(throws: ZooError.self) {
      try Backbone(model: model, layer: "predictions", pooling: .average)
    }
    #expect(vector.category == .usage)
    for threads in [0, -1, 100_000] {
      let error = try #require(throws: ZooError.self) { try Backbone(model: model, threads: threads) }
      #expect(error.category == .usage)
    }
  }

  // MARK: Picture

  @Test func aPictureIsDecodedOrMade() throws {
    let picture = try Picture(path: Self.folder.appending(path: "pictures/three.jpg").path)
    #expect(picture.width == 96 && picture.height == 96)
    #expect(try Picture(width: 2, height: 1, rgb: [0, 1, 2, 3, 4, 5]).width == 2)
    #expect(throws: ZooError.self) { try Picture(width: 2, height: 2, rgb: [1, 2, 3]) }
    #expect(throws: ZooError.self) { try Picture(width: 0, height: 0, rgb: []) }
    #expect(throws: ZooError.self) { try Picture(width: .max, height: .max, rgb: []) }
    let wrong = try #require(throws: ZooError.self) { try Picture(path: Self.weights) }
    #expect(wrong.category == .badInput)
    #expect(throws: ZooError.self) { try Picture(path: "/absent.png") }
  }

  // MARK: Threads

  @Test func picturesComeFromBytes() throws {
    let url = Self.folder.appending(path: "pictures/seven.jpg")
    let data = try Data(contentsOf: url)
    let fromFile = try Picture(path: url.path)
    for picture in [
      try Picture(encoded: data), try Picture(encoded: [UInt8](data)),
      try Picture(encoded: data.lazy.map { $0 }),
    ] {
      #expect(picture.image == fromFile.image)
    }
    let damaged = try #require(throws: ZooError.self) {
      try Picture(encoded: data.dropLast(200), name: "upload 7")
    }
    #expect(damaged.code == .malformed && damaged.location == "upload 7")
    let text = try #require(throws: ZooError.self) { try Picture(encoded: Array("a text".utf8)) }
    #expect(text.code == .unsupported && text.location == "memory")
  }

  @Test func manyTasksGetTheSameResults() async throws {
    let backbone = try Backbone(model: Model(converting: Self.weights), pooling: .average, threads: 2)
    let classifier = try Classifier(model: backbone.model)
    let pictures = try Self.pictures()
    let features = try backbone.features(of: pictures)
    let predictions = try classifier.classify(pictures)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<24 {
        group.addTask {
          for _ in 0..<4 {
            if task % 2 == 0 {
              guard try backbone.features(of: pictures) == features else { return false }
            } else {
              guard try classifier.classify(pictures) == predictions else { return false }
            }
          }
          return true
        }
      }
      for try await same in group { #expect(same) }
    }
  }

  /// The number of threads changes the time and nothing else.
  /// The maps of the first layer are larger than one pixel, those of the last are one.
  @Test(arguments: ["conv_pw_11_relu", "conv_pw_12_relu", "conv_pw_13_relu"])
  func threadsDoNotChangeResults(layer: String) throws {
    let model = try Model(converting: Self.weights)
    let pictures = try Self.pictures()
    let one = try Backbone(model: model, layer: layer, threads: 1).features(of: pictures)
    for threads in [2, 3, 7] {
      let backbone = try Backbone(model: model, layer: layer, threads: threads)
      #expect(try backbone.features(of: pictures) == one)
    }
  }
}
