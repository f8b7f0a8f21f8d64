import Foundation
import ModelZooTools
import Synchronization
import Testing
import ZooTestSupport
import ZooWeightFiles

/// Models from memory, and what a program can read of a model.
@Suite struct ModelContentTests {
  private func withFile<Result>(_ body: (String, Data) throws -> Result) throws -> Result {
    try withFolder { folder in
      let path = folder.appending(path: "digits.zoo").path
      try Model.convert(ModelZooTests.weights, to: path)
      return try body(path, Data(contentsOf: URL(filePath: path)))
    }
  }

  // MARK: From memory

  @Test func aModelComesFromBytes() throws {
    try withFile { path, data in
      let pictures = try ModelZooTests.pictures()
      let expected = try Classifier(path: path).classify(pictures)
      for model in [
        try Model(bytes: data), try Model(bytes: [UInt8](data), name: "a download"),
        try Model(bytes: data.lazy.map { $0 }), try Model(bytes: ([0] + data).dropFirst()),
      ] {
        #expect(try Classifier(model: model).classify(pictures) == expected)
      }
      #expect(try Model(bytes: data, name: "digits").path == "digits")
      #expect(try Model(bytes: data).verify().passed)
    }
  }

  /// At any address, aligned or not; and the owner hears when the bytes are no longer needed.
  @Test func aModelComesFromABuffer() throws {
    try withFile { path, data in
      let pictures = try ModelZooTests.pictures()
      let expected = try Classifier(path: path).classify(pictures)
      let released = Mutex(0)
      for offset in [0, 1, 2, 64] {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: data.count + offset, alignment: 64)
        defer { memory.deallocate() }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[offset...])
        bytes.copyBytes(from: data)
        let before = released.withLock { $0 }
        do {
          let model = try Model(mapped: UnsafeRawBufferPointer(bytes), name: "map") {
            released.withLock { $0 += 1 }
          }
          let classifier = try Classifier(model: model)
          #expect(try classifier.classify(pictures) == expected, "offset \(offset)")
          #expect(released.withLock { $0 } == before)
        }
        #expect(released.withLock { $0 } == before + 1)
      }
    }
  }

  @Test func damagedBytesAreRefusedAsAFileIs() throws {
    try withFile { path, data in
      for count in [0, 7, 100, data.count - 1] {
        let error = try #require(throws: ZooError.self) {
          try Model(bytes: data.prefix(count), name: "upload 7")
        }
        #expect(error.location.hasPrefix("upload 7"), "\(error)")
        let cut = path + ".cut"
        try data.prefix(count).write(to: URL(filePath: cut))
        let ofFile = try #require(throws: ZooError.self) { try Model(path: cut) }
        #expect(ofFile.code == error.code && ofFile.why == error.why)
      }
      var changed = data
      changed[100] ^= 1
      let error = try #require(throws: ZooError.self) { try Model(bytes: changed) }
      #expect(error.code == .damaged && error.location.hasPrefix("memory"))
      let released = Mutex(0)
      changed.withUnsafeBytes { bytes in
        _ = #expect(throws: ZooError.self) {
          try Model(mapped: bytes) { released.withLock { $0 += 1 } }
        }
      }
      #expect(released.withLock { $0 } == 1)
    }
  }

  // MARK: Graph, card, weights

  @Test func theGraphCanBeRead() throws {
    let model = try Model(converting: ModelZooTests.weights)
    #expect(model.layers.map(\.name) == model.layerNames)
    for (index, layer) in model.layers.enumerated() {
      #expect(layer.inputs.allSatisfy { model.layerNames[..<index].contains($0) })
    }
    let conv = try #require(model.layer(named: "conv1"))
    #expect(conv.kind == "convolution" && conv.outputShape == [16, 16, 8])
    #expect(
      conv["strides"] == .ints([2, 2]) && conv["filters"] == .int(8) && conv["kernel"] == .ints([3, 3]))
    #expect(conv["absent"] == nil && conv["use_bias"] == .bool(false))
    #expect(conv.weights.map(\.name) == ["kernel"] && conv.weights[0].shape == [3, 3, 3, 8])
    #expect(conv.parameterCount == 216 && conv.macs == 16 * 16 * 8 * 27 && conv.sharing == nil)
    #expect(conv.inputs == [model.inputs[0].name] && model.inputs[0].shape == [32, 32, 3])
    #expect(model.layers.reduce(0) { $0 + $1.parameterCount } == model.parameterCount)
    #expect(model.layer(named: "no") == nil)
    // Residual connections can be seen.
    let resNet = try Model(architecture: "resnet50", seed: 1)
    #expect(resNet.layers.contains { $0.kind == "add" && $0.inputs.count == 2 })
  }

  @Test func weightsCanBeRead() throws {
    try withFile { path, _ in
      let model = try Model(path: path)
      let file = try WeightFiles.open(path: ModelZooTests.weights)
      let weights = try model.weights(of: "conv1_bn")
      #expect(weights.map(\.name) == ["gamma", "beta", "moving_mean", "moving_variance"])
      for weight in weights {
        let entry = try #require(
          file.tensors.first { $0.name.contains("conv1_bn/") && $0.name.contains(weight.name) })
        #expect(try file.read(entry).floats() == weight.tensor.values)
      }
      #expect(try model.weights(of: "conv1_relu").isEmpty)
      let error = try #require(throws: ZooError.self) { try model.weights(of: "no") }
      #expect(error.code == .unknownLayer)
    }
  }

  @Test func theCardAndTheRecordsCanBeRead() throws {
    try withFile { path, _ in
      let model = try Model(path: path)
      #expect(model.card.architecture == "mobilenet" && model.card.preprocessing == model.preprocessing)
      #expect(model.card.variant == model.variant && model.card.citation != nil)
      let source = try #require(model.source)
      #expect(source.file == "digits.h5" && source.sha256.count == 64)
      let size = try Data(contentsOf: URL(filePath: ModelZooTests.weights)).count
      #expect(source.bytes == size)
      #expect(!model.verification.isEmpty)
      let direct = try Model(converting: ModelZooTests.weights)
      #expect(direct.source == nil && direct.verification.isEmpty)
      #expect(throws: ZooError.self) { try direct.verify() }
    }
  }

  @Test func everyArchitectureHasRandomWeights() throws {
    for known in KnownArchitecture.all {
      let model = try Model(
        architecture: known.name, head: .features(.average), inputSize: .init(96, 96), seed: 7)
      #expect(model.architecture == known.name && model.inputShape == [96, 96, 3])
    }
    func weights(_ seed: UInt64) throws -> [NamedTensor] {
      try Model(architecture: "mobilenet", head: .classifier(classes: 3), seed: seed).weights(
        of: "conv_preds")
    }
    let first = try weights(1)
    #expect(first.map(\.tensor.shape) == [[1, 1, 1024, 3], [3]])
    #expect(try weights(1) == first && weights(2) != first)
    let largest = first[0].tensor.values.map(abs).max() ?? 0
    #expect(largest > 0.07 && largest < 0.08)
    let error = try #require(throws: ZooError.self) { try Model(architecture: "alexnet", seed: 1) }
    #expect(error.code == .unknownArchitecture && error.remedy?.contains("resnet50") == true)
  }

  // MARK: Memory

  @Test func aMemoryLimitIsKeptOrRefused() throws {
    let model = try Model(converting: ModelZooTests.weights)
    let error = try #require(throws: ZooError.self) {
      _ = try Classifier(model: model, options: RunOptions(memoryLimit: 1 << 18))
    }
    #expect(error.code == .tooLarge && model.preparedBytes == 0)
    let shortage = try #require(error.underlyingError as? MemoryShortage)
    #expect(shortage.limit == 1 << 18 && shortage.needed == shortage.weights + shortage.values)
    #expect(error.why.contains("\(shortage.needed)"))
    // What it says is enough, and one byte less is not.
    let classifier = try Classifier(model: model, options: RunOptions(memoryLimit: shortage.needed))
    let input = Tensor(zeros: [5, 32, 32, 3])
    let unlimited = try Classifier(model: model).values(preprocessed: input)
    #expect(try classifier.values(preprocessed: input) == unlimited)
    let less = RunOptions(memoryLimit: shortage.needed - 1)
    #expect(throws: ZooError.self) { _ = try Classifier(model: model, options: less) }
    // Several threads with room for one example alone.
    let threads = RunOptions(threads: 3, memoryLimit: shortage.needed + (1 << 20))
    let several = try Classifier(model: model, options: threads).values(preprocessed: input)
    #expect(zip(several.values, unlimited.values).allSatisfy { abs($0 - $1) < 1e-6 })
    // Weights that are prepared as they are used need less.
    var streamed = RunOptions(exampleCount: 1, memoryLimit: shortage.needed / 2)
    #expect(try Classifier(model: model, options: streamed).values(preprocessed: input) == unlimited)
    streamed.memoryLimit = 1000
    #expect(throws: ZooError.self) { _ = try Classifier(model: model, options: streamed) }
  }
}
