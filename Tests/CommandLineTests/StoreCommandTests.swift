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

  @Test func whatBelongsToNothingIsCounted() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let path = ZooCommand.fixture("stores/by-class.weights.h5")
    let text = try zoo("inspect", path).output
    #expect(
      text.contains("2 tensors belong to nothing: 'layers/dense/vars/0', 'layers/dense/vars/1' ("), "\(text)")
    let unused = try zoo("inspect", path, "--json").jsonObject()["unused"] as? [[String: Any]]
    #expect(unused?.compactMap { $0["name"] as? String } == ["layers/dense/vars/0", "layers/dense/vars/1"])
  }

  /// Whatever the source is called, whichever kernels verified it.
  @Test func theContentHashIsThatOfTheContent() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let source = ZooCommand.fixture("models/mobilenet.k2w.h5")
    func content(_ name: String, _ options: String..., kernels: String? = nil) throws -> String {
      try FileManager.default.copyItem(atPath: source, toPath: zoo.path("\(name).h5"))
      let converted = try zoo.run(
        ["convert", "\(name).h5", "-o", "\(name).zoo"] + options,
        environment: kernels.map { ["ZOO_KERNELS": $0] } ?? [:])
      #expect(converted.status == 0, "\(converted.errors)")
      let hash = try zoo("inspect", "\(name).zoo", "--json").jsonObject()["content"] as? String
      #expect(try zoo("inspect", "\(name).zoo").output.contains("content        \(hash ?? "?")"))
      return try #require(hash)
    }
    let first = try content("first")
    #expect(first.count == 64)
    #expect(try content("second", kernels: "portable") == first)
    #expect(try content("third", "--no-verify") == first)
    #expect(try content("fourth", "--preprocessing", "torch") != first)
    #expect(try content("fifth", "--dtype", "f16", "--largest-error", "1") != first)
    #expect(try content("sixth", "--input-size", "64x64") != first)
    #expect(try zoo("convert", "first.zoo", "-o", "again.zoo").status == 0)
    #expect(try zoo("inspect", "again.zoo", "--json").jsonObject()["content"] as? String == first)
  }

  @Test func whatPythonCodeComputesIsAnOption() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let model = ZooCommand.fixture("lambdas/code.k2.h5")
    let alone = try zoo("convert", model)
    #expect(alone.status == 65 && alone.errors.contains("--lambda 'scale=x / 255'"), "\(alone.errors)")
    let listed = try zoo("inspect", model, "--layers")
    #expect(listed.status == 0 && listed.output.contains("scale") && listed.output.contains("Lambda"))
    let stated = [
      "convert", model, "--lambda", "scale=x / 127.5 - 1", "--io", "\(model).io.npz", "-o", "m.zoo",
    ]
    let result = try zoo.run(stated)
    #expect(
      result.status == 0 && result.output.contains("scale = x / 127.5 - 1, as stated"), "\(result.errors)")
    #expect(result.output.contains("inside the network"))
    let inspected = try zoo("inspect", "m.zoo").output
    #expect(inspected.contains("scale = x / 127.5 - 1") && inspected.contains("inside the network"))
    let picture = ZooCommand.fixture("images/rgb.png")
    let predicted = try zoo("predict", "m.zoo", picture)
    #expect(predicted.status == 0 && predicted.errors.contains("preprocessing inside the network"))
    #expect(try zoo("predict", "m.zoo", picture, "-q").errors.isEmpty)
    #expect(try zoo("convert", model, "--lambda", "scale=x +").status == 64)
    #expect(try zoo("convert", model, "--lambda", "scale").status == 64)
    #expect(try zoo("convert", model, "--lambda", "scale=x", "--lambda", "scale=x").status == 64)
  }

  @Test func warningsMayBeErrors() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let model = ZooCommand.fixture("precisions/faults.k2.h5")
    let warned = try zoo("convert", model, "-o", "m.zoo")
    #expect(warned.status == 0 && warned.errors.contains("zoo: warning: 'conv/kernel' has bad values"))
    let strict = try zoo("convert", model, "-o", "strict.zoo", "--strict")
    #expect(strict.status == 65 && !zoo.exists("strict.zoo"))
    #expect(strict.errors.hasPrefix("zoo: error: warnings are errors in"), "\(strict.errors)")
    let warnings = try zoo("convert", model, "--dry-run", "--json").jsonObject()["warnings"] as? [String]
    #expect(warnings?.count == 3)
    let sound = try zoo(
      "convert", ZooCommand.fixture("models/mobilenet.k2w.h5"), "--strict", "-o", "sound.zoo")
    #expect(sound.status == 0, "\(sound.errors)")
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
      ("by-class-backbone.weights.h5", []), ("int8.keras", []), ("bfloat16.h5", []), ("lora.keras", []),
      ("lambda-code-2.h5", ["--lambda", "lambda=x / 127.5 - 1"]),
      ("lambda-named-2.h5", ["--lambda", "lambda=x / 127.5 - 1"]),
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
