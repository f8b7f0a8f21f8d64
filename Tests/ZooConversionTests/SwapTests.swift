import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooVerification
import ZooWeightFiles

/// Two tensors of one shape exchanged in a trained file: nothing but the statistics can tell.
///
/// docs/verification.md lists what is seen and what is not.
@Suite(.enabled(if: RealFiles.exist, Comment(rawValue: RealFiles.absence)))
struct SwapTests {
  /// Layers and the roles of their tensors that change places.
  struct Swap: Sendable, CustomTestStringConvertible {
    let a: String
    let b: String
    let variables: [String]
    var testDescription: String { "\(a) <-> \(b): \(variables.joined(separator: ", "))" }
  }

  private static let norm = ["gamma", "beta", "moving_mean", "moving_variance"]

  static let swaps: [Swap] = [
    Swap(a: "conv_pw_8", b: "conv_pw_9", variables: ["kernel"]),
    Swap(a: "conv_pw_7", b: "conv_pw_11", variables: ["kernel"]),
    Swap(a: "conv_dw_8", b: "conv_dw_9", variables: ["depthwise_kernel"]),
    Swap(a: "conv_dw_7", b: "conv_dw_11", variables: ["depthwise_kernel"]),
    Swap(a: "conv_pw_8_bn", b: "conv_pw_9_bn", variables: norm),
    Swap(a: "conv_dw_9_bn", b: "conv_dw_10_bn", variables: norm),
    Swap(a: "conv_pw_8_bn", b: "conv_pw_9_bn", variables: ["moving_mean"]),
    Swap(a: "conv_dw_8_bn", b: "conv_dw_9_bn", variables: ["moving_mean"]),
    Swap(a: "conv_pw_8_bn", b: "conv_pw_9_bn", variables: ["moving_variance"]),
    Swap(a: "conv1_bn", b: "conv_dw_1_bn", variables: ["moving_variance"]),
    Swap(a: "conv1_bn", b: "conv_dw_1_bn", variables: ["moving_mean"]),
    Swap(a: "conv1_bn", b: "conv_dw_1_bn", variables: norm),
    Swap(a: "conv_dw_8_bn", b: "conv_pw_8_bn", variables: ["beta"]),
    Swap(a: "conv1_bn", b: "conv_dw_1_bn", variables: ["gamma"]),
    Swap(a: "conv_pw_6_bn", b: "conv_dw_7_bn", variables: ["gamma"]),
    Swap(a: "conv_dw_8_bn", b: "conv_dw_10_bn", variables: ["gamma"]),
    Swap(a: "conv_pw_7_bn", b: "conv_pw_9_bn", variables: ["gamma"]),
  ]

  @Test(arguments: swaps)
  func aSwapIsFoundAndNamed(swap: Swap) throws {
    try withFolder { folder in
      let input = folder.appending(path: "swapped.h5").path
      let output = folder.appending(path: "swapped.zoo").path
      try write(swap, to: input)

      let failure = try #require(throws: ZooError.self) {
        try Converter().convert(input, to: output)
      }
      #expect(failure.code == .verificationFailed && names(swap, failure.description), "\(failure)")
      #expect(!FileManager.default.fileExists(atPath: output))

      var unverified = Converter.Options()
      unverified.verify = false
      _ = try Converter(options: unverified).convert(input, to: output)
      let report = try Verifier.verify(ZooFile(path: output))
      #expect(!report.passed)
      let check = try #require(report.firstFailure)
      #expect(check.name == "batch-norm statistics")
      #expect(names(swap, "\(check.location ?? ""): \(check.detail)"), "\(report.text)")
    }
  }

  /// Whether a text has the name of one of the swapped layers as a word.
  private func names(_ swap: Swap, _ text: String) -> Bool {
    let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_") }
    return words.contains { $0 == swap.a || $0 == swap.b }
  }

  /// Writes the trained file with the bytes of the tensors exchanged.
  private func write(_ swap: Swap, to path: String) throws {
    let file = try WeightFiles.open(path: RealFiles.mobileNet)
    var bytes = try Data(contentsOf: URL(filePath: RealFiles.mobileNet))
    for variable in swap.variables {
      let ranges = try [swap.a, swap.b].map { layer in
        let entry = try #require(
          file.tensors.first { $0.layer == layer && $0.variable == variable }, "\(layer)/\(variable)")
        let tensor = try file.read(entry)
        #expect(tensor.bytes.owner is MappedFile)
        return tensor.bytes.range
      }
      try #require(ranges[0].count == ranges[1].count)
      let (a, b) = (bytes[ranges[0]], bytes[ranges[1]])
      #expect(a != b)
      bytes[ranges[0]] = b
      bytes[ranges[1]] = a
    }
    try bytes.write(to: URL(filePath: path))
  }
}

/// Trained files as they are.
@Suite(.enabled(if: RealFiles.exist, Comment(rawValue: RealFiles.absence)))
struct TrainedFileTests {
  /// But for 4 bits, which networks with depthwise layers are refused.
  @Test(
    arguments: [RealFiles.mobileNet, RealFiles.mobileNetFeatures],
    StorageType.allCases.filter { $0 != .int4 })
  func aTrainedFileAgreesAndIsSmall(path: String, storage: StorageType) throws {
    try withFolder { folder in
      let output = folder.appending(path: "model.zoo").path
      var options = Converter.Options()
      options.storage = storage
      _ = try Converter(options: options).convert(path, to: output)
      let zoo = try ZooFile(path: output)
      let report = try Verifier.verify(zoo)
      #expect(report.passed)
      #expect(try report.check("batch-norm statistics").status == .passed, "\(report.text)")
      expectSmall(zoo)
    }
  }

  /// Networks that are not in the catalogue, trained on other pictures: whatever the statistics say, it
  /// is no alarm.
  @Test(arguments: [
    "mobilenet025-96-vww/vww_96.h5", "resnet8-cifar10/pretrainedResnet.h5",
    "tm-mobilenetv2-waste/keras_model.h5",
  ])
  func anotherDomainIsNoAlarm(path: String) throws {
    try withFolder { folder in
      let input = RealFiles.folder + "/" + path
      let output = folder.appending(path: "model.zoo").path
      var options = Converter.Options()
      options.verifier.ioPath =
        URL(filePath: input).deletingLastPathComponent().appending(path: "io.npz").path
      _ = try Converter(options: options).convert(input, to: output)
      let report = try Verifier.verify(ZooFile(path: output), options: options.verifier)
      #expect(report.passed, "\(report.text)")
    }
  }

  @Test func wrongPreprocessingIsNamed() throws {
    try withFolder { folder in
      var options = Converter.Options()
      options.recipe.preprocessing = .caffe
      let failure = try #require(throws: ZooError.self) {
        try Converter(options: options).convert(
          RealFiles.mobileNet, to: folder.appending(path: "model.zoo").path)
      }
      #expect(failure.code == .verificationFailed)
      #expect(failure.why.contains("agree with preprocessing 'tf', not with 'caffe'"), "\(failure)")
    }
  }
}
