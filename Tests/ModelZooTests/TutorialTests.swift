import Foundation
import ModelZooTools
import Testing
import ZooTestSupport

/// The tutorial's code is the code of this test: it is compiled, run, and compared with the page.
@Suite("tutorial") struct TutorialTests {
  @Test func yourOwnClassifier() throws {
    try withFolder { folder in
      try Letters.copy(["A", "L", "X"], to: folder.appending(path: "flowers"))
      try FileManager.default.copyItem(
        at: folder.appending(path: "flowers/L/L-1.bmp"), to: folder.appending(path: "photo.jpg"))
      try FileManager.default.copyItem(
        atPath: fixture("digits/digits.h5"), toPath: folder.appending(path: "mobilenet.h5").path)
      let label = try Self.run(in: folder)
      #expect(label == "L")
    }
  }

  // The tutorial's lines, with the folder before each path.
  private static func run(in folder: URL) throws -> String {
    func at(_ name: String) -> String { folder.appending(path: name).path }
    // BEGIN
    let flowers = try ImageDataset(path: at("flowers"))
    print(flowers.tasks[0].classNames)
    for warning in flowers.warnings { print(warning) }

    try Model.convert(at("mobilenet.h5"), to: at("mobilenet.zoo"))

    var options = HeadTrainer.Options()
    options.threads = 2
    options.cacheFolder = at("cache")
    let trainer = try HeadTrainer(backbone: at("mobilenet.zoo"), options: options)
    let report = try trainer.train(on: flowers, named: "flowers", to: at("flowers.zoo"))

    if let measured = report.tasks[0].measured, let accuracy = measured.accuracy {
      print("\(accuracy.value) right, with 95 % certainty between \(accuracy.low) and \(accuracy.high)")
      print("guessing gives \(measured.largestClass ?? 0)")
      for own in measured.classes { print(own.name, own.recall ?? 0) }
    }

    let classifier = try Classifier(path: at("flowers.zoo"))
    let best = try classifier.classify(Picture(path: at("photo.jpg")), top: 1)[0]
    print(best.label, best.probability)
    // END
    return best.label
  }

  @Test func thePageHasThisCode() throws {
    let page = try String(
      contentsOf: packageRoot.appending(
        path: "Sources/ModelZooTools/ModelZooTools.docc/YourOwnClassifier.md"), encoding: .utf8)
    let blocks = page.components(separatedBy: "```swift\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }
    let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
    let code = try #require(
      source.components(separatedBy: "// BEGIN\n").dropFirst().first?.components(separatedBy: "    // END")
        .first)
    func lines(_ text: String) -> [String] {
      text.replacing("HeadTrainer.defaultCacheFolder", with: "\"cache\"").replacing(/at\(("[^"]*")\)/) {
        $0.1
      }
      .split(separator: "\n").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }
    #expect(blocks.count == 5)
    #expect(blocks.flatMap(lines) == lines(code))
  }
}
