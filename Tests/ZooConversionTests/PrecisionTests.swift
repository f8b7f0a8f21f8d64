import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTestSupport
import ZooVerification
import ZooWeightFiles

/// Networks that are not computed in 32 bits where they come from, and weights that are no numbers.
@Suite struct PrecisionTests {
  private func path(_ name: String) -> String { fixture("precisions/\(name)") }

  private func options(io: String? = nil) -> Converter.Options {
    var options = Converter.Options()
    options.verifier.ioPath = io.map { path("\($0).io.npz") }
    options.overwrite = true
    return options
  }

  @Test(
    "recorded outputs are good to the original's precision",
    arguments: [
      ("int8.keras", "int8", 0.05), ("bfloat16.keras", "bfloat16", 0.05),
      ("mixed-bfloat16.k2.h5", "bfloat16", 0.05),
      ("mixed-float16.keras", "float16", nil),
    ] as [(String, String, Double?)])
  func recordedOutputs(name: String, precision: String, share: Double?) throws {
    try withFolder { folder in
      let output = folder.appending(path: "m.zoo").path
      let report = try Converter(options: options(io: name)).convert(path(name), to: output)
      #expect(report.precision == precision)
      let check = try #require(report.verification?.checks.last)
      #expect(check.status == .passed && check.detail.contains("computes in \(precision)"), "\(check.detail)")
      let (error, tolerance) = (try #require(check.largestError), try #require(check.tolerance))
      if share == nil {
        // Against a truth in double precision ours are far better than the original's.
        #expect(try #require(check.errorRatio) < 0.01)
      } else {
        #expect(error > 1e-4 * tolerance && error < tolerance)
      }
      // The file remembers it.
      let zoo = try ZooFile(path: output)
      #expect(zoo.document.source?.precision?.rawValue == precision)
      var verifier = Verifier.Options()
      verifier.ioPath = path("\(name).io.npz")
      #expect(try Verifier.verify(zoo, options: verifier).checks.allSatisfy { $0.status != .failed })
    }
  }

  @Test func aNetworkOf32BitsIsHeldToThem() throws {
    var options = options()
    options.dryRun = true
    let report = try Converter(options: options).convert(fixture("models/mobilenet.keras"), to: "unused.zoo")
    #expect(report.precision == nil)
  }

  /// Legacy files have kernels and their updates apart.
  @Test func lowRankUpdatesAreAdded() throws {
    var options = options(io: "lora.h5")
    options.dryRun = true
    let report = try Converter(options: options).convert(path("lora.h5"), to: "unused.zoo")
    #expect(report.verification?.checks.last?.status == .passed)
    #expect(report.unused.isEmpty && report.tensors.count { $0.transform.contains("LoRA") } == 2)
  }

  @Test func weightsThatAreNoNumbersAreNamed() throws {
    try withFolder { folder in
      let output = folder.appending(path: "m.zoo").path
      for verifies in [true, false] {
        var options = options()
        options.verify = verifies
        let report = try Converter(options: options).convert(path("faults.k2.h5"), to: output)
        #expect(report.faults.map(\.slot) == ["scale/variance", "conv/kernel", "norm/moving_variance"])
        #expect(report.faults.map(\.notNumbers) == [1, 3, 0])
        #expect(report.faults.map(\.infinite) == [0, 1, 0])
        #expect(report.faults.map(\.negativeVariances) == [1, 0, 2])
        #expect(report.warnings.count == 3, "\(report.warnings)")
        #expect(
          report.warnings[1].contains("'conv/kernel' has bad values: of 108, 3 not a number, 1 infinite"))
        #expect(try ZooFile(path: output).document.testCase == nil)
      }
      var strict = options()
      strict.isStrict = true
      let unwritten = folder.appending(path: "strict.zoo").path
      let error = #expect(throws: ZooError.self) {
        try Converter(options: strict).convert(path("faults.k2.h5"), to: unwritten)
      }
      #expect(error?.code == .warned && error?.category == .badInput)
      #expect(error?.why.contains("'scale/variance'") == true && !isFile(unwritten))
    }
  }

  @Test func aStatedVarianceBelowZeroIsRefused() throws {
    let error = #expect(throws: ZooError.self) { try Recipe(path: path("variance.keras")) }
    #expect(error?.code == .malformed && error?.why.contains("'variance'") == true, "\(error as Any)")
  }

  @Test func whatTrainingLeavesIsNoWarning() throws {
    for name in ["trained.h5", "trained.keras"] {
      var options = options()
      options.dryRun = true
      let report = try Converter(options: options).convert(fixture("dialects/\(name)"), to: "unused.zoo")
      #expect(!report.unused.isEmpty)
      #expect(!report.warnings.contains { $0.contains("optimizer") }, "\(report.warnings)")
    }
  }

  @Test func theInputSizeIsThatOfTheRecordedInputs() throws {
    var options = Converter.Options()
    options.dryRun = true
    options.verifier.ioPath = fixture("stores/by-class.io.npz")
    let report = try Converter(options: options).convert(
      fixture("stores/by-class.weights.h5"), to: "unused.zoo")
    #expect(report.variant.contains("32x32") && report.explanation.contains("input size 32x32, as in"))
    // A size that somebody states holds.
    options.recipe.inputSize = Extent2D(64, 64)
    let converter = Converter(options: options)
    let error = #expect(throws: ZooError.self) {
      try converter.convert(fixture("stores/by-class.weights.h5"), to: "unused.zoo")
    }
    #expect(error?.code == .doesNotFit)
  }
}
