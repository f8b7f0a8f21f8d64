import Foundation
import Testing

/// Trained files and photographs that lie beside the repository; they are not part of it.
@Suite("Real files", .enabled(if: ZooCommand.hasShared, "there is no ../shared/real"))
struct RealFileTests {
  private static func real(_ path: String) -> String { ZooCommand.shared.appendingPathComponent(path).path }
  private static let top = real("mobilenet025-imagenet-top/mobilenet_v1_0.25_224.h5")
  private static let noTop = real("mobilenet025-imagenet-notop/mobilenet_2_5_224_tf_no_top.h5")

  @Test func theImageNetMobileNetPredictsAsKerasDoes() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let converted = try zoo(
      "convert", Self.top, "-o", "m.zoo", "--io", Self.real("mobilenet025-imagenet-top/io.npz"))
    #expect(converted.status == 0, "\(converted.errors)")
    #expect(converted.output.contains("recorded inputs and outputs"))
    let expected = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: Self.real("expected.json"))))
        as? [String: [[Any]]])
    let names = expected.keys.sorted()
    let rows = try #require(
      zoo.run(["predict", "m.zoo", "--json"] + names.map { Self.real("images/\($0)") }).json()
        as? [[String: Any]])
    for (name, row) in zip(names, rows) {
      let predictions = try #require(row["predictions"] as? [[String: Any]])
      for (ours, theirs) in zip(predictions, try #require(expected[name])) {
        #expect(ours["id"] as? String == theirs[0] as? String, "\(name)")
        #expect(ours["label"] as? String == theirs[1] as? String, "\(name)")
        let (a, b) = (try #require(ours["probability"] as? Double), try #require(theirs[2] as? Double))
        #expect(abs(a - b) < 0.02, "\(name): \(a) and \(b)")
      }
    }
  }

  @Test func thePublishedBackboneConverts() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo("convert", Self.noTop, "-o", "b.zoo", "--json")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try result.jsonObject()["architecture"] as? String == "mobilenet")
    #expect(try result.jsonObject()["publishedFile"] as? String == "mobilenet_2_5_224_tf_no_top.h5")
    #expect(try zoo("verify", "b.zoo", "--images", Self.real("images")).status == 0)
    let size = try #require(FileManager.default.attributesOfItem(atPath: zoo.path("b.zoo"))[.size] as? Int)
    #expect(size <= 218_544 * 4 * 101 / 100 + 65536)
  }

  @Test func halfPrecisionMakesATrainedMobileNetSmaller() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let io = Self.real("mobilenet025-imagenet-top/io.npz")
    let result = try zoo("convert", Self.top, "-o", "h.zoo", "--dtype", "f16", "--io", io)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(try zoo("verify", "h.zoo", "--io", io).status == 0)
    let size = try #require(FileManager.default.attributesOfItem(atPath: zoo.path("h.zoo"))[.size] as? Int)
    #expect(size < 475_544 * 4 * 62 / 100)
  }

  /// Caffe preprocessing for a network trained with tf's: the statistics say so.
  @Test func wrongPreprocessingIsNamed() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo("convert", Self.top, "-o", "m.zoo", "--preprocessing", "caffe")
    #expect(result.status == 1)
    #expect(result.errors.contains("tf"), "\(result.errors)")
    #expect(try zoo.contents().isEmpty)
  }

  /// Home-made networks, whose statistics single one preprocessing out.
  @Test(
    arguments: [
      ("tm-mobilenetv2-waste/keras_model.h5", "tf"), ("mobilenet025-96-vww/vww_96.h5", "unit"),
    ])
  func preprocessingIsFoundByTheStatistics(file: String, mode: String) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let found = try zoo("convert", Self.real(file), "-o", "m.zoo")
    #expect(found.status == 0, "\(found.errors)")
    #expect(found.output.contains("preprocessing  \(mode), found by the batch-norm statistics"))
    #expect(try zoo("verify", "m.zoo").output.contains("m.zoo: verified"))
    #expect(try zoo("predict", "m.zoo", Self.real("images/dog.jpg")).errors.isEmpty)
    let contradicted = try zoo("convert", Self.real(file), "-o", "n.zoo", "--preprocessing", "none")
    #expect(contradicted.status == 1 && contradicted.errors.contains("'\(mode)', not with 'none'"))
    #expect(
      try zoo("convert", Self.real(file), "-o", "n.zoo", "--preprocessing", "none", "--no-verify").status == 0
    )
    let verified = try zoo("verify", "n.zoo")
    #expect(verified.status == 1 && !verified.output.contains(": verified"))
  }
}
