import Foundation
import Testing

/// Weight files of somebody's own, as the command answers them.
@Suite("Stores and foreign files")
struct StoreCommandTests {
  private static let cases = ZooCommand.root.deletingLastPathComponent().appendingPathComponent(
    "shared/cases")
  private static let casesExist: Bool = {
    let exist = FileManager.default.fileExists(atPath: cases.path)
    if !exist { print("No files at ../shared/cases: the tests that use them do not run.") }
    return exist
  }()
  private static func example(_ name: String) -> String { cases.appendingPathComponent(name).path }

  @Test func everyTensorIsCountedAndCompared() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let first = ZooCommand.fixture("stores/by-class.weights.h5")
    let inspected = try zoo("inspect", first, "--json")
    #expect((try inspected.jsonObject()["tensors"] as? [Any])?.count == 137)
    let changed = try zoo("diff", first, ZooCommand.fixture("stores/by-class.changed.weights.h5"))
    #expect(
      changed.status == 1 && changed.output.contains("137 tensors") && changed.output.contains("1 differ"))
    let trained = ZooCommand.fixture("dialects/trained.keras")
    let same = try zoo("diff", trained, trained)
    #expect(same.status == 0 && same.output.contains("not compared: 'optimizer'"))
    #expect(!same.output.contains("equal"), "\(same.output)")
    #expect(try zoo("inspect", trained).output.contains("optimizer: the optimizer's state"))
  }

  @Test func aConfigurationIsAnOption() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let weights = ZooCommand.fixture("stores/beside.weights.h5")
    let alone = try zoo("convert", weights)
    #expect(alone.status == 65 && alone.errors.contains("--config"), "\(alone.errors)")
    let both = try zoo(
      "convert", weights, "--config", ZooCommand.fixture("stores/beside.json"), "-o", "m.zoo",
      "--io", ZooCommand.fixture("stores/beside.io.npz"))
    #expect(both.status == 0 && zoo.exists("m.zoo"), "\(both.errors)")
  }

  @Test func theHeadThatIsLeftOutIsAWarning() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo(
      "convert", ZooCommand.fixture("stores/by-class.weights.h5"), "--input-size", "32x32", "-o", "m.zoo")
    #expect(result.status == 0)
    #expect(
      result.errors.contains("head, are left out") && result.errors.contains("--config"), "\(result.errors)")
  }

  /// A stretch of zeros in a symbol table, on which libhdf5 runs in circles.
  @Test func aDamagedSmallFileIsRefusedSoon() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: ZooCommand.fixture("models/mobilenet.k2w.h5")))
    bytes.replaceSubrange(3410..<3474, with: Data(count: 64))
    try bytes.write(to: URL(fileURLWithPath: zoo.path("x.h5")))
    let result = try zoo("inspect", "x.h5")
    #expect(result.status == 65)
    #expect(result.errors.contains("did not finish within a second"), "\(result.errors)")
  }

  @Test(.enabled(if: casesExist, "the folder shared/cases beside the project"))
  func theCasesAreAnswered() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    for (name, options) in [
      ("by-class-backbone.weights.h5", ["--input-size", "32x32"]), ("windows-store.keras", []),
      ("json-beside.w.h5", ["--config", Self.example("json-beside.json")]),
    ] {
      let result = try zoo.run(
        ["convert", Self.example(name), "--dry-run", "--io", Self.example("\(name).io.npz")] + options)
      #expect(result.status == 0, "\(name): \(result.errors)")
    }
    let changed = try zoo(
      "diff", Self.example("by-class-backbone.weights.h5"),
      Self.example("by-class-backbone-changed.weights.h5"))
    #expect(changed.status == 1 && changed.output.contains("137 tensors"))
    for (name, says) in [
      ("git-lfs-pointer.h5", "git lfs pull"), ("page.h5", "a web page"), ("numpy-objects.npz", "numpy.savez"),
      ("numpy-dictionary.npy", ".item()"), ("json-beside.json", "--config"),
      ("json-beside.w.h5", "json-beside.json"),
    ] {
      let result = try zoo("convert", Self.example(name), "--dry-run")
      #expect(result.status == 65 && result.errors.contains(says), "\(name): \(result.errors)")
    }
    let remarked = try zoo("inspect", Self.example("bfloat16.h5"))
    #expect(remarked.status == 0 && remarked.output.contains("bfloat16"))
    let headless = try zoo("convert", Self.example("finetuned-weights-2.w.h5"), "--dry-run")
    #expect(headless.status == 0 && headless.errors.contains("left out"), "\(headless.errors)")
  }
}
