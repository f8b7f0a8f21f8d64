import Foundation
import ModelZooTools
import Testing
import ZooSystem

/// Where evidence is found, and by what.
@Suite("explanations")
struct ExplanationTests {
  private static let fixtures = ModelZooTests.folder.deletingLastPathComponent()

  private func model(_ file: String) throws -> Model {
    try Model(converting: Self.fixtures.appending(path: file).path)
  }

  private func picture(_ name: String) throws -> Picture {
    try Picture(path: ModelZooTests.folder.appending(path: "pictures/\(name)").path)
  }

  /// Of a linear head, the values of the map add up to the logit, but for the bias: the same for every picture.
  @Test(arguments: ["heads/logits.keras", "heads/sigmoids.h5", "heads/two-layers.keras"])
  func exactMapsAddUpToTheLogit(file: String) throws {
    let explainer = try Explainer(model: try model(file))
    #expect(explainer.method == .classActivation && explainer.layer != nil)
    let classifier = try Classifier(model: explainer.model)
    var offsets: [Float] = []
    for name in ["seven.jpg", "two.png", "eight.jpg"] {
      let picture = try picture(name)
      let index = classifier.outputKind == .twoClasses ? 1 : 0
      let explanation = try explainer.explain(picture, classIndex: index)
      #expect(explanation.height == 5 && explanation.width == 4 && explanation.values.count == 20)
      let logit = try classifier.logits(of: [picture]).values[0]
      offsets.append(logit - explanation.values.reduce(0, +))
    }
    for offset in offsets { #expect(abs(offset - offsets[0]) < 1e-5 * max(1, abs(offsets[0]))) }
  }

  @Test func theOtherOfTwoClassesHasTheOppositeMap() throws {
    let explainer = try Explainer(model: try model("heads/one-sigmoid.h5"))
    let picture = try picture("seven.jpg")
    let one = try explainer.explain(picture, classIndex: 1)
    let other = try explainer.explain(picture, classIndex: 0)
    #expect(zip(one.values, other.values).allSatisfy { $0 == -$1 })
    #expect(abs(one.prediction.value + other.prediction.value - 1) < 1e-6)
  }

  /// The trained network of digits ends in a map of one pixel, and an earlier layer is followed by convolutions.
  @Test func whatHasNoSimpleGradientIsHidden() throws {
    let model = try model("digits/digits.h5")
    for layer in [nil, "conv_pw_3_relu"] {
      let explainer = try Explainer(model: model, layer: layer)
      #expect(explainer.method == .occlusion && explainer.layer == nil)
      let picture = try picture("seven.jpg")
      let explanation = try explainer.explain(picture)
      #expect(explanation.prediction.classIndex == 7 && explanation.values.count == 81)
      // Hiding the digit itself costs more than hiding the corner.
      let middle = explanation.values[4 * 9 + 4]
      #expect(explanation.values.max() ?? 0 > 0 && abs(middle) > abs(explanation.values[0]))
      let centre = try #require(explanation.centre)
      #expect((0.05...0.95).contains(centre.x) && (0.05...0.95).contains(centre.y))
    }
    let exact = try Explainer(model: model, layer: "conv_pw_13_relu")
    #expect(exact.method == .classActivation && exact.layer == "conv_pw_13_relu")
  }

  @Test func overlaysHaveThePicturesSizeAndTheCropsRegion() throws {
    var explainer = try Explainer(model: try model("heads/logits.keras"))
    explainer.fitting = PictureFitting(crop: .aspect)
    var pixels: [UInt8] = []
    for y in 0..<40 { for x in 0..<100 { pixels += [UInt8(x * 2), UInt8(y * 5), 90] } }
    let picture = try Picture(width: 100, height: 40, rgb: pixels)
    let explanation = try explainer.explain(picture)
    // 12 rows of 10 columns: of 100 columns, 33 in the middle are seen.
    #expect(explanation.verticalRange == 0...1 && explanation.horizontalRange == 0.33...0.66)
    let plain = explanation.overlay(on: picture, hasLegend: false)
    #expect(plain.width == 100 && plain.height == 40)
    // Outside of what the network saw nothing is coloured.
    #expect(Array(plain.pixels[0..<90]) == Array(pixels[0..<90]))
    let named = explanation.overlay(on: picture)
    #expect(named.width == 100 && named.height == 57)
  }

  @Test func classesAndLayersAreFoundByName() throws {
    let explainer = try Explainer(model: try model("digits/digits.h5"))
    #expect(try explainer.classIndex(named: "7") == 7)
    #expect(throws: ZooError.self) { try explainer.classIndex(named: "10") }
    let unknown = try #require(throws: ZooError.self) {
      try Explainer(model: try model("digits/digits.h5"), layer: "nothing")
    }
    #expect(unknown.code == .unknownLayer)
    let vector = try #require(throws: ZooError.self) {
      try Explainer(model: try model("digits/digits.h5"), layer: "predictions")
    }
    #expect(vector.code == .invalidArgument)
    let beyond = try #require(throws: ZooError.self) {
      try Explainer(model: try model("heads/logits.keras")).explain(picture("seven.jpg"), classIndex: 3)
    }
    #expect(beyond.code == .invalidArgument)
  }
}
