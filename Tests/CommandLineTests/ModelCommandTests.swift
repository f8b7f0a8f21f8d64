import Foundation
import Testing

/// The commands that use a `.zoo` file, on the trained digits model.
@Suite("zoo inspect, verify, run, predict, features, bench, list")
struct ModelCommandTests {
  private func withDigits(_ body: (ZooCommand) throws -> Void) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo(
      "convert", ConvertTests.digits, "-o", "digits.zoo", "--preprocessing", "tf", "--labels",
      ZooCommand.fixture("digits/labels.txt"))
    try #require(result.status == 0, "\(result.errors)")
    try body(zoo)
  }

  private var pictures: [String] {
    get throws {
      let folder = ZooCommand.fixture("digits/pictures")
      return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { "\(folder)/\($0)" }
    }
  }

  @Test func inspectTellsWhatIsInTheFile() throws {
    try withDigits { zoo in
      let json = try zoo("inspect", "digits.zoo", "--json").jsonObject()
      #expect(json["architecture"] as? String == "mobilenet")
      #expect(json["input_shape"] as? [Int] == [32, 32, 3])
      #expect(json["output_shapes"] as? [[Int]] == [[10]])
      #expect(json["classes"] as? Int == 10)
      #expect(json["preprocessing"] as? String == "tf")
      for key in [
        "format", "parameters", "trainable_parameters", "macs", "layers", "tensors", "source", "verification",
      ] {
        #expect(json[key] != nil, "\(key)")
      }
      let tensors = try #require(json["tensors"] as? [[String: Any]])
      #expect(tensors.count == 137)
      #expect(
        tensors.allSatisfy {
          ($0["checksum"] as? String)?.count == 32 && $0["bytes"] is Int && $0["dtype"] is String
        })
      let layers = try #require(json["layers"] as? [[String: Any]])
      #expect(layers.reduce(0) { $0 + ($1["parameters"] as? Int ?? 0) } == json["parameters"] as? Int)
      #expect(layers.reduce(0) { $0 + ($1["macs"] as? Int ?? 0) } == json["macs"] as? Int)
      let text = try zoo("inspect", "digits.zoo", "--layers", "--tensors")
      #expect(text.status == 0)
      #expect(text.output.contains("conv_pw_13") && text.output.contains("conv1_bn/moving_variance"))
    }
  }

  /// The weight file and the `.zoo` made from it agree on everything that describes the network.
  @Test func inspectAgreesBeforeAndAfterConversion() throws {
    try withDigits { zoo in
      let before = try zoo("inspect", ConvertTests.digits, "--json").jsonObject()
      let after = try zoo("inspect", "digits.zoo", "--json").jsonObject()
      for key in ["architecture", "parameters", "trainable_parameters", "macs", "classes"] {
        #expect(before[key] as? NSObject == after[key] as? NSObject, "\(key)")
      }
      let source = try #require(after["source"] as? [String: Any])
      #expect(source["file"] as? String == "digits.h5")
      #expect((before["source"] as? [String: Any])?["sha256"] as? String == source["sha256"] as? String)
    }
  }

  @Test func predictNamesTheDigits() throws {
    try withDigits { zoo in
      let result = try zoo.run(["predict", "digits.zoo", "--json", "--top", "3"] + pictures)
      #expect(result.status == 0, "\(result.errors)")
      let rows = try #require(result.json() as? [[String: Any]])
      #expect(rows.count == 10)
      for row in rows {
        let image = try #require(row["image"] as? String)
        let best = try #require((row["predictions"] as? [[String: Any]])?.first)
        let name = URL(fileURLWithPath: image).deletingPathExtension().lastPathComponent
        #expect(best["label"] as? String == name)
        #expect((best["probability"] as? Double ?? 0) > 0.5)
        #expect(best["class"] is Int && best["id"] is String)
      }
      let text = try zoo("predict", "digits.zoo", try pictures[0], "--top", "1")
      #expect(text.output.contains("%"))
    }
  }

  @Test func predictRefusesWhatIsNoPicture() throws {
    try withDigits { zoo in
      for name in ["truncated.jpg", "truncated.png", "text.png"] {
        let result = try zoo("predict", "digits.zoo", ZooCommand.fixture("malformed/\(name)"))
        #expect(result.status == 65, "\(name)")
        #expect(result.errors.hasPrefix("zoo: error: ") && result.errors.contains(name))
        #expect(result.output.isEmpty)
      }
      #expect(try zoo("predict", "digits.zoo", "nowhere.jpg").status == 66)
      #expect(try zoo("predict", ConvertTests.digits, "nowhere.jpg").status == 66)
    }
  }

  @Test func runGivesTheSameByBothEnginesAndAnyNumberOfThreads() throws {
    try withDigits { zoo in
      let input = ZooCommand.fixture("models/mobilenet.io.npz")
      var summaries: [[[String: Any]]] = []
      for arguments in [["--threads", "1"], ["--threads", "2"], ["--engine", "reference"]] {
        let result = try zoo.run(
          [
            "run", "digits.zoo", "--input", input, "--tap", "conv_pw_3_relu", "-o", "y.npz", "--force",
            "--json",
          ]
            + arguments)
        #expect(result.status == 0, "\(result.errors)")
        summaries.append(try #require(result.json() as? [[String: Any]]))
      }
      #expect(summaries[0].map { $0["name"] as? String } == ["y", "tap:conv_pw_3_relu"])
      #expect(summaries[0] as NSArray == summaries[1] as NSArray)
      for (fast, reference) in zip(summaries[0], summaries[2]) {
        for key in ["minimum", "maximum", "mean"] {
          let a = try #require(fast[key] as? Double)
          let b = try #require(reference[key] as? Double)
          #expect(abs(a - b) < 1e-4)
        }
      }
    }
  }

  @Test func runSaysWhatDoesNotFit() throws {
    try withDigits { zoo in
      let wrongShape = try zoo(
        "run", "digits.zoo", "--input", ZooCommand.fixture("models/nasnet-35-notop-max.io.npz"))
      #expect(wrongShape.status == 65)
      #expect(wrongShape.errors.contains("expected N x 32x32x3"))
      let noLayer = try zoo(
        "run", "digits.zoo", "--input", ZooCommand.fixture("models/mobilenet.io.npz"), "--tap", "conv99")
      #expect(noLayer.status == 64)
      #expect(noLayer.errors.contains("conv99"))
    }
  }

  @Test func featuresOfAFolder() throws {
    try withDigits { zoo in
      let folder = ZooCommand.fixture("digits/pictures")
      let result = try zoo(
        "features", "digits.zoo", folder, "-o", "f.npz", "--layer", "conv_pw_5_relu", "--pooling", "avg",
        "--batch", "3", "--json")
      #expect(result.status == 0, "\(result.errors)")
      let json = try result.jsonObject()
      #expect(json["shape"] as? [Int] == [10, 64])
      #expect(json["images"] as? Int == 10)
      // Again, without --force: refused before the work.
      #expect(try zoo("features", "digits.zoo", folder, "-o", "f.npz").status == 73)
      // Batches change nothing.
      #expect(
        try zoo(
          "features", "digits.zoo", folder, "-o", "g.npz", "--layer", "conv_pw_5_relu", "--pooling", "avg",
          "--batch", "10"
        ).status == 0)
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: zoo.path("f.npz")))
          == Data(contentsOf: URL(fileURLWithPath: zoo.path("g.npz"))))
    }
  }

  @Test func featuresSkipsAndNamesBadPicturesOfAFolder() throws {
    try withDigits { zoo in
      let folder = zoo.path("pictures")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: try pictures[0], toPath: "\(folder)/good.jpg")
      try FileManager.default.copyItem(
        atPath: ZooCommand.fixture("malformed/truncated.png"), toPath: "\(folder)/bad.png")
      let result = try zoo("features", "digits.zoo", folder, "-o", "f.npz", "--pooling", "max")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("skipped") && result.errors.contains("bad.png"))
      let named = try zoo("features", "digits.zoo", "\(folder)/bad.png", "-o", "h.npz")
      #expect(named.status == 65)
      #expect(!zoo.exists("h.npz"))
    }
  }

  @Test func benchMeasures() throws {
    try withDigits { zoo in
      let json = try zoo("bench", "digits.zoo", "--seconds", "0.1", "--layers", "--json").jsonObject()
      for key in [
        "median_ms", "min_ms", "ms_per_image", "runs", "load_ms", "threads", "batch", "peak_mib", "kernels",
        "layers", "peak_gflops",
      ] {
        #expect(json[key] != nil, "\(key)")
      }
      let steps = try #require(json["layers"] as? [[String: Any]])
      let dense = try #require(steps.first { $0["kernel"] as? String == "dense" })
      for key in ["layers", "macs", "median_ms", "gflops", "share_of_peak", "weights_gb_per_s"] {
        #expect(dense[key] != nil, "\(key)")
      }
      let lines = try zoo("bench", "digits.zoo", "--seconds", "0.1", "--layers").output.split(separator: "\n")
      #expect(lines.contains { $0.hasPrefix("   MS") && $0.hasSuffix("LAYERS") })
    }
  }

  @Test(arguments: ["fixed", "batch"]) func benchMeasuresTraining(batchNorm: String) throws {
    try withDigits { zoo in
      let arguments = ["bench", "digits.zoo", "--training", "--batch-norm", batchNorm, "--seconds", "0.1"]
      let json = try zoo.run(arguments + ["--layers", "--batch", "4", "--json"]).jsonObject()
      for key in [
        "median_ms", "min_ms", "ms_per_image", "runs", "threads", "parameters", "gflop", "gflops",
        "peak_gflops", "training_mib", "peak_mib", "kernels",
      ] {
        #expect(json[key] != nil, "\(key)")
      }
      #expect(json["batch"] as? Int == 4 && json["batch_norm"] as? String == batchNorm)
      let layers = try #require(json["layers"] as? [[String: Any]])
      let shares = layers.compactMap { $0["share"] as? Double }
      #expect(shares.count == layers.count && abs(shares.reduce(0, +) - 1) < 1e-6)
      #expect(layers.contains { $0["gflops"] as? Double ?? 0 > 0 })
      let lines = try zoo.run(arguments + ["--layers"]).output.split(separator: "\n")
      #expect(lines.contains { $0.contains("at batch 16") })
      #expect(lines.contains { $0.hasPrefix("FORWARD MS") && $0.hasSuffix("LAYER") })
    }
  }

  /// Every kernel path that the machine has verifies; an unknown one is named, not ignored.
  @Test(arguments: ["amx", "avx512", "avx2", "neon", "portable"])
  func everyKernelPathVerifies(kernels: String) throws {
    try withDigits { zoo in
      let result = try zoo("verify", "digits.zoo", environment: ["ZOO_KERNELS": kernels])
      if result.status != 0 {
        #expect(result.errors.contains("ZOO_KERNELS"), "\(result.errors)")
        print("This machine has no \(kernels) kernels: \(result.errors)")
      } else {
        #expect(result.output.contains("(\(kernels) kernels)"))
      }
      #expect(try zoo("verify", "digits.zoo", environment: ["ZOO_KERNELS": "sse9"]).errors.contains("sse9"))
    }
  }

  @Test(arguments: [
    [], ["convert"], ["inspect"], ["verify"], ["run"], ["predict"], ["features"], ["bench"], ["list"],
  ])
  func helpHasExamples(command: [String]) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let result = try zoo.run(command + ["--help"])
    #expect(result.status == 0)
    #expect(result.output.contains("Examples:"))
  }

  /// A byte changed anywhere in the tensors is found by its checksum.
  @Test func verifyFindsADamagedTensor() throws {
    try withDigits { zoo in
      let url = URL(fileURLWithPath: zoo.path("digits.zoo"))
      var bytes = try Data(contentsOf: url)
      bytes[bytes.count - 200] ^= 1
      try bytes.write(to: url)
      let result = try zoo("verify", "digits.zoo")
      #expect(result.status == 1)
      #expect(result.output.contains("FAILED") && result.output.contains("checksums"))
      #expect(result.errors.hasPrefix("zoo: error: verification failed in digits.zoo"))
    }
  }

  @Test func aTruncatedModelIsRefused() throws {
    try withDigits { zoo in
      let url = URL(fileURLWithPath: zoo.path("digits.zoo"))
      let bytes = try Data(contentsOf: url)
      for count in [0, 7, 60, 1000, bytes.count / 2, bytes.count - 1] {
        try bytes.prefix(count).write(to: url)
        for command in [
          ["verify", "digits.zoo"], ["inspect", "digits.zoo"], ["predict", "digits.zoo", try pictures[0]],
        ] {
          let result = try zoo.run(command)
          #expect(result.status == 65, "\(command) at \(count): \(result.errors)")
          #expect(result.errors.hasPrefix("zoo: error: ") && result.output.isEmpty)
        }
      }
    }
  }
}
