import Foundation
import Testing
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// PyTorch's files in every form, against what torch reads from them.
@Suite struct PyTorchTests {
  /// The tensors that torch found in `file`, by their names.
  private func expected(_ file: String) throws -> [String: StoredTensor] {
    let all = try NumPyArchive(path: fixture("pytorch/expected.npz"))
    var found: [String: StoredTensor] = [:]
    for entry in all.tensors
    where entry.name.hasPrefix("\(file):") && !entry.name.hasSuffix(":n_averaged") {
      found[String(entry.name.dropFirst(file.count + 1))] = try all.read(entry)
    }
    // Counters of training are left out, and NumPy's reader leaves them out by the same rule.
    return found
  }

  private static let files = [
    "state.pth", "legacy.pth", "protocol5.pth", "no-checksums.pth", "module.pth", "module-legacy.pth",
    "parallel.pth", "checkpoint.pth", "nested.pth", "ema.pth", "tree.pth", "list.pt", "tensor.pt",
    "parameters.pth", "types.pt", "half.pth", "strided.pt", "strided-legacy.pt", "flat.pth", "older.pth",
    "script.pt",
  ]

  @Test func everyFileIsListed() throws {
    #expect(try Set(fixtures("pytorch", ".pth", ".pt")) == Set(Self.files))
  }

  @Test(arguments: files) func everyTensorIsAsTorchHasIt(name: String) throws {
    let expected = try expected(name)
    let file = try WeightFiles.open(path: fixture("pytorch/\(name)"))
    #expect(file.layout == .pyTorch && file.writer?.hasPrefix("PyTorch") == true)
    // What TorchScript calls buffers may be persistent or not.
    let entries = file.tensors.filter { name != "script.pt" || !$0.name.hasSuffix(".passing") }
    #expect(Set(entries.map(\.name)) == Set(expected.keys))
    for entry in entries {
      let truth = try #require(expected[entry.name])
      let found = try file.read(entry)
      #expect(found.shape == entry.shape && found.shape == truth.shape, "\(entry.name)")
      #expect(found.elementType == entry.elementType)
      #expect(found.doubles() == truth.doubles(), "\(entry.name)")
    }
  }

  @Test func elementTypesAreThoseOfTheFile() throws {
    let file = try WeightFiles.open(path: fixture("pytorch/types.pt"))
    let types: [String: ElementType] = [
      "float16": .float16, "bfloat16": .bfloat16, "float32": .float32, "float64": .float64, "int8": .int8,
      "int16": .int16, "int32": .int32, "int64": .int64, "uint8": .uint8, "bool": .bool, "uint16": .uint16,
      "uint64": .uint64,
    ]
    #expect(
      Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.elementType) }) == types)
    #expect(
      try WeightFiles.open(path: fixture("pytorch/half.pth")).tensors.allSatisfy {
        $0.elementType == .float16
      })
  }

  @Test func tensorsThatLieInOrderAreNotCopied() throws {
    let file = try WeightFiles.open(path: fixture("pytorch/strided.pt"))
    for (name, isCopied) in [("base", false), ("row", false), ("one", false), ("transposed", true)] {
      #expect(try (file.read(file.entry(name)).bytes.owner is HeapBytes) == isCopied, "\(name)")
    }
  }

  @Test func checkpointsSayWhatTheyHoldBesides() throws {
    let file = try WeightFiles.open(path: fixture("pytorch/checkpoint.pth"))
    #expect(file.remark == "its weights are in 'state_dict'")
    let ignored = Dictionary(file.ignored.map { ($0.name, $0.reason) }, uniquingKeysWith: { a, _ in a })
    #expect(ignored["optimizer"] == "the optimizer's state")
    #expect(ignored["model_ema"]?.contains("'state_dict', which are read") == true)
    #expect(ignored["features.0.bn.num_batches_tracked"] == "a counter of training")
    #expect(ignored.count == 4)
    #expect(
      try WeightFiles.open(path: fixture("pytorch/nested.pth")).remark
        == "its weights are in 'model.state_dict'")
    #expect(try WeightFiles.open(path: fixture("pytorch/state.pth")).remark == nil)
    #expect(
      try WeightFiles.open(path: fixture("pytorch/script.pt")).writer == "PyTorch (TorchScript)")
  }

  /// Neither opening nor reading runs what a pickle would have Python call.
  @Test(arguments: ["command.pth", "command-beside.pth"]) func nothingRuns(name: String) throws {
    let traces = ["/tmp/zoo-pickle-ran", FileManager.default.currentDirectoryPath + "/zoo-pickle-ran"]
    for trace in traces { try? FileManager.default.removeItem(atPath: trace) }
    let error = refusal(fixture("malformed/\(name)"))
    if name == "command.pth" {
      #expect(error?.why.contains("no tensors") == true)
    } else {
      #expect(error == nil)
      #expect(try WeightFiles.open(path: fixture("malformed/\(name)")).tensors.map(\.name) == ["weight"])
    }
    for trace in traces { #expect(!FileManager.default.fileExists(atPath: trace)) }
  }

  @Test func aLongPickleMeetsItsLimits() throws {
    var limits = ReadingLimits()
    limits.instructions = 50
    ReadingLimits.$scoped.withValue(limits) {
      let error = refusal(fixture("pytorch/state.pth"))
      #expect(error?.code == .unsupported && error?.why == "more than 50 instructions")
      #expect(error?.remedy?.contains("instructions") == true)
    }
    limits = ReadingLimits()
    limits.objects = 20
    ReadingLimits.$scoped.withValue(limits) {
      #expect(refusal(fixture("pytorch/legacy.pth"))?.why == "more than 20 values are noted")
    }
    limits = ReadingLimits()
    limits.tensors = 3
    ReadingLimits.$scoped.withValue(limits) {
      #expect(refusal(fixture("pytorch/state.pth"))?.why == "more than 3 tensors")
    }
    limits = ReadingLimits()
    limits.text = 100
    ReadingLimits.$scoped.withValue(limits) {
      #expect(refusal(fixture("pytorch/state.pth"))?.why.contains("more than 100") == true)
      #expect(refusal(fixture("pytorch/legacy.pth"))?.why == "more than 100 bytes")
    }
  }
}
