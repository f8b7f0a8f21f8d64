import Foundation
import ModelZooTools
import Testing

/// Classifiers with every kind of end, and what Keras makes of the same pictures.
@Suite struct HeadTests {
  private static let fixtures = ModelZooTests.folder.deletingLastPathComponent()

  private func model(_ file: String) throws -> Model {
    try Model(converting: Self.fixtures.appending(path: "heads/\(file)").path)
  }

  private static func expected(_ file: String) throws -> [String: [Double]] {
    let data = try Data(contentsOf: fixtures.appending(path: "heads/predictions.json"))
    return try #require(JSONDecoder().decode([String: [String: [Double]]].self, from: data)[file])
  }

  @Test(
    arguments: [
      ("one-sigmoid.h5", .twoClasses), ("two-layers.keras", .twoClasses), ("sigmoids.h5", .independent),
      ("logits.keras", .values), ("logits.k2.h5", .values), ("rescaling.keras", .classes),
      ("normalization.h5", .classes),
    ] as [(String, OutputKind)])
  func valuesAreKeras(file: String, kind: OutputKind) throws {
    let model = try model(file)
    let classifier = try Classifier(model: model)
    #expect(classifier.outputKind == kind)
    for (name, values) in try Self.expected(file) {
      let picture = try Picture(path: ModelZooTests.folder.appending(path: "pictures/\(name)").path)
      let predictions = try classifier.classify(picture, top: 9)
      #expect(predictions.count == (kind == .twoClasses ? 2 : values.count))
      #expect(zip(predictions, predictions.dropFirst()).allSatisfy { $0.value >= $1.value })
      for prediction in predictions {
        let value =
          kind == .twoClasses
          ? (prediction.classIndex == 1 ? values[0] : 1 - values[0]) : values[prediction.classIndex]
        #expect(abs(Double(prediction.value) - value) <= 1e-5 * max(1, abs(value)), "\(file), \(name)")
        #expect(prediction.outputKind == kind)
        #expect(prediction.probability.isNaN == (kind == .values))
      }
    }
  }

  @Test func greyPicturesGoIn() throws {
    let model = try model("grey.h5")
    #expect(model.inputShape == [12, 10, 1] && model.preprocessing == .unknown)
    let maps = try Backbone(model: model, pooling: .average)
    let picture = try Picture(width: 1, height: 1, rgb: [200, 200, 200])
    #expect(try maps.features(of: [picture]).shape == [1, 4])
    let classified = try Classifier(model: model).classify(picture, top: 3)
    #expect(classified.count == 3 && abs(classified.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
  }

  @Test func pixelsThatTheNetworkScalesAreKnown() throws {
    for file in ["rescaling.keras", "normalization.h5"] { #expect(try model(file).preprocessing == .none) }
    for file in ["logits.keras", "sigmoids.h5"] { #expect(try model(file).preprocessing == .unknown) }
  }
}
