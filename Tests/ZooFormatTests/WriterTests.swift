import Foundation
import Testing
import ZooFormat
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport

@Suite struct WriterTests {
  private func write(
    _ document: ZooDocument, _ storage: StorageType, _ weights: some WeightSource = InventedWeights()
  ) throws -> (bytes: [UInt8], file: ZooFile) {
    try withTemporaryPath { path in
      let records = try ZooWriter(document: document, storage: storage)
        .write(to: path, overwrite: false, weights: weights)
      let file = try ZooFile(path: path)
      #expect(records == file.tensors)
      for record in file.tensors { try file.verifyChecksum(record) }
      return (try readBytes(path), file)
    }
  }

  /// A batch norm of `count` channels, whose moving mean is `tensor`.
  private func single(
    _ tensor: StoredTensor, _ storage: StorageType
  ) throws -> (record: TensorRecord, stored: StoredTensor) {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [tensor.shape.elementCount]))
    let norm = BatchNormalization(epsilon: 1, scale: false, center: false)
    let y = g.add("bn", .batchNormalization(norm), x)
    let document = ZooDocument(
      graph: try g.build(outputs: [y]),
      card: ModelCard(architecture: "bn", variant: "", preprocessing: .none))
    let ones = StoredTensor(shape: tensor.shape, values: tensor.floats().map { _ in 1 })
    let file = try write(
      document, storage,
      StoredWeights(tensors: ["bn/moving_mean": tensor, "bn/moving_variance": ones])
    ).file
    return (file.tensors[0], try file.tensor(for: file.tensors[0].slot))
  }

  @Test(arguments: [StorageType.f32, .f16, .bf16])
  func everythingComesBack(storage: StorageType) throws {
    let document = try smallDocument()
    let (bytes, file) = try write(document, storage)
    #expect(file.document == document)
    #expect(try write(document, storage).bytes == bytes)
    // What was read and written again is the same file.
    #expect(try write(file.document, .f32, file).bytes == bytes || storage == .f16 || storage == .bf16)
  }

  /// What is not there takes no bytes, and changes nothing of what the model is.
  @Test func trainingOfLayersIsOptional() throws {
    let document = try smallDocument()
    var plain = document
    plain.layerTraining = [:]
    let (whole, bare) = (try write(document, .f32), try write(plain, .f32))
    func hasEntry(_ bytes: [UInt8]) -> Bool {
      bytes.firstRange(of: Array("layer_training".utf8)) != nil
    }
    #expect(hasEntry(whole.bytes) && !hasEntry(bare.bytes))
    #expect(bare.file.document.layerTraining.isEmpty)
    #expect(whole.file.contentHash == bare.file.contentHash)
  }

  @Test func singlesAreKeptBitForBit() throws {
    let bits: [UInt32] = [
      0, 0x8000_0000, 1, 0x807f_ffff, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0xffff_ffff,
      0x3f80_0001,
    ]
    let (record, stored) = try single(try #require(StoredTensor(bits: bits)), .f32)
    #expect(stored.allBytes == bits.flatMap { littleEndian($0) })
    #expect(record.storageError == nil)
  }

  @Test func halvesAreKeptOrWidenedExactly() throws {
    let halves: [UInt16] = [0, 0x8000, 1, 0x3c01, 0x7bff, 0xfc00]
    let source = try #require(
      StoredTensor(shape: [6], elementType: .float16, bytes: ByteSlice(HeapBytes(halves))))
    let kept = try single(source, .f16)
    #expect(kept.stored.allBytes == source.allBytes && kept.record.storageError == nil)
    let widened = try single(source, .f32)
    #expect(widened.stored.elementType == .float32 && widened.stored.doubles() == source.doubles())
  }

  @Test func doublesAreRounded() throws {
    let values = [0.1, 1e-50, 1e300, -0.0]
    let source = try #require(
      StoredTensor(shape: [4], elementType: .float64, bytes: ByteSlice(HeapBytes(values))))
    let bits = try single(source, .f32).stored.floats().map(\.bitPattern)
    #expect(bits == values.map { Float($0).bitPattern })
  }

  @Test func halfPrecisionRecordsItsError() throws {
    let (record, stored) = try single(StoredTensor(shape: [3], values: [1, 1 + 0x1p-12, -2]), .f16)
    #expect(record.elementType == .float16)
    #expect(stored.floats() == [1, 1, -2])
    #expect(record.storageError == StorageError(largestError: 0x1p-12, largestValue: 2))
    #expect(record.storageError?.relative == 0x1p-13)
    let exact = try single(StoredTensor(shape: [3], values: [1, .infinity, .nan]), .f16)
    #expect(exact.record.elementType == .float16 && exact.record.storageError == nil)
  }

  @Test func whatHalfPrecisionCannotHoldStaysSingle() throws {
    let (record, stored) = try single(StoredTensor(shape: [2], values: [1e5, 1]), .f16)
    #expect(record.elementType == .float32 && record.storageError == nil)
    #expect(stored.floats() == [1e5, 1])
  }

  @Test func existingFileStaysUnlessForced() throws {
    let document = try smallDocument()
    try withTemporaryPath { path in
      try Data([1]).write(to: URL(fileURLWithPath: path))
      let writer = ZooWriter(document: document, storage: .f32)
      let error = #expect(throws: ZooError.self) {
        try writer.write(to: path, overwrite: false, weights: InventedWeights())
      }
      #expect(error?.code == .cannotCreate)
      #expect(try readBytes(path) == [1])
      var calls: [Int] = []
      try writer.write(to: path, overwrite: true, weights: InventedWeights()) { done, total in
        calls.append(done)
        #expect(done <= total)
      }
      #expect(calls == calls.sorted() && !calls.isEmpty)
      #expect(try ZooFile(path: path).document == document)
    }
  }

  @Test func failuresLeaveNothing() throws {
    let document = try smallDocument()
    withTemporaryPath { path in
      let writer = ZooWriter(document: document, storage: .f32)
      #expect(throws: StoredWeights.Missing.self) {
        try writer.write(to: path, overwrite: false, weights: StoredWeights(tensors: [:]))
      }
      let wrong = StoredTensor(shape: [1], values: [1])
      #expect(
        errorCode {
          try writer.write(
            to: path, overwrite: false, weights: StoredWeights(tensors: ["conv/kernel": wrong]))
        } == .malformed)
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func documentsThatBreakTheSpecificationAreRefused() throws {
    let good = try smallDocument()
    var documents = [ZooDocument](repeating: good, count: 5)
    documents[0].labels.removeLast()
    documents[1].testCase?.outputs[0].samples[0].value = .nan
    documents[2].testCase?.tolerance = 0
    documents[3].source?.sha256 = "abc"
    documents[4].testCase?.outputs[0].samples[1].index = 3
    for document in documents {
      withTemporaryPath { path in
        #expect(
          errorCode {
            try ZooWriter(document: document, storage: .f32)
              .write(to: path, overwrite: false, weights: InventedWeights())
          } == .malformed)
        #expect(!FileManager.default.fileExists(atPath: path))
      }
    }
  }

  /// At most the weights' bytes, 1 % and 64 KiB, with labels and a full test case, in either type.
  @Test(arguments: [StorageType.f32, .f16, .bf16])
  func overheadIsSmall(storage: StorageType) throws {
    let networks: [(any NetworkDefinition, Head)] = [
      (MobileNet(alpha: 0.25), .imageNet), (MobileNet(alpha: 0.25), .features(.none)),
      (NASNet.mobile, .imageNet), (NASNet.mobile, .features(.avg)),
    ]
    for (definition, head) in networks {
      let graph = try definition.graph(input: InputShape(224, 224), head: head)
      var document = try smallDocument()
      let outputCount = graph[graph.outputs[0]].shape.elementCount
      let classes = head == .imageNet ? 1000 : 0
      document.graph = graph
      document.kerasPlaces = []
      document.training = nil
      document.layerTraining = [:]
      document.labels = (0..<classes).map {
        ClassLabel(id: "n0\(1_440_764 + $0)", name: "some name of it \($0)")
      }
      document.testCase?.outputs = [
        .init(
          largest: 0.1,
          samples: (0..<min(512, outputCount)).map { .init(index: $0, value: 1 / Double($0 + 3)) })
      ]
      let (bytes, file) = try write(document, storage)
      #expect(file.document == document)
      let weights = file.tensors.reduce(0) { $0 + $1.byteCount }
      let overhead = bytes.count - weights
      #expect(overhead <= weights / 100 + 65536, "\(overhead) bytes over \(weights)")
    }
  }
}
