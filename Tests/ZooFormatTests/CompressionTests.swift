import Testing
import ZooCompression
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

/// What `zoo convert --compress` writes.
@Suite struct CompressionTests {
  /// A dense layer without a bias, written compressed and read again.
  private func written(
    _ kernel: StoredTensor, as form: TensorForm = .values(.float32),
    by frames: (any FrameCoder)? = Zstandard.shared
  ) throws -> (record: TensorRecord, stored: StoredTensor, file: ZooFile) {
    var g = GraphBuilder()
    let x = g.add("x", .input(shape: [kernel.shape[0]]))
    let y = g.add("fc", .dense(Dense(units: kernel.shape[1], useBias: false, activation: .linear)), x)
    let graph = try g.build(outputs: [y])
    var plan = StoragePlan(forms: [graph.weightSlots[0]: form])
    plan.frames = frames
    let document = ZooDocument(
      graph: graph, card: ModelCard(architecture: "fc", variant: "", preprocessing: .none))
    return try withTemporaryPath { path in
      let weights = StoredWeights(tensors: ["fc/kernel": kernel])
      let records = try ZooWriter(document: document, plan: plan).write(
        to: path, overwrite: false, weights: weights)
      let bytes = try readBytes(path)
      try ZooWriter(document: document, plan: plan).write(to: path, overwrite: true, weights: weights)
      #expect(try readBytes(path) == bytes)
      let file = try ZooFile(path: path, frames: Zstandard.shared)
      #expect(file.tensors == records)
      try file.verifyChecksum(file.tensors[0])
      return (file.tensors[0], try file.tensor(for: file.tensors[0].slot), file)
    }
  }

  /// Values as weights have them: normally distributed, so that few exponents are frequent.
  private func weights(_ count: Int, deviation: Float = 0.05) -> [Float] {
    let random = CounterRandom(seed: 11)
    return (0..<count).map { index in
      deviation * (0..<12).reduce(Float(0)) { $0 + Float(random.signed(12 * index + $1)) / 2 }
    }
  }

  private func tensor(_ rows: Int, _ columns: Int, _ values: [Float]) -> StoredTensor {
    StoredTensor(shape: [rows, columns], values: values)
  }

  /// Bit for bit, with a last block that is not full.
  @Test func weightsComeBack() throws {
    let values = weights(300 * 511)
    let (record, stored, file) = try written(tensor(300, 511, values))
    #expect(record.planes.prefix(3) == [.frames, .raw, .raw] && record.storageError == nil)
    #expect(stored.floats().map(\.bitPattern) == values.map(\.bitPattern))
    #expect(Double(record.byteCount) < 0.845 * Double(4 * values.count))
    #expect(file.storage == .f32)
  }

  /// Whatever the bits are.
  @Test func allBitsComeBack() throws {
    let odd: [UInt32] = [0, 0x8000_0000, 1, 0x7f80_0000, 0xff80_0000, 0x7fc0_0001, 0xffff_ffff, 0x7f80_0001]
    let bits =
      odd
      + (0..<(100 * 100 - odd.count)).map { UInt32(truncatingIfNeeded: splitMix64(UInt64($0))) & 0x83ff_ffff }
    let kernel = try #require(
      StoredTensor(shape: [100, 100], elementType: .float32, bytes: ByteSlice(HeapBytes(bits))))
    let (record, stored, _) = try written(kernel)
    #expect(record.planes.first == .frames)
    #expect(stored.allBytes == kernel.allBytes)
  }

  /// Random bits can't be coded: the file is a plain one of the version before.
  @Test func whatCannotBeCodedStaysPlain() throws {
    let bits = (0..<10_000).map { UInt32(truncatingIfNeeded: splitMix64(UInt64($0))) }
    let kernel = try #require(
      StoredTensor(shape: [100, 100], elementType: .float32, bytes: ByteSlice(HeapBytes(bits))))
    let (record, stored, _) = try written(kernel)
    #expect(record.planes.isEmpty && record.plainChecksum == nil && record.byteCount == 40_000)
    #expect(stored.allBytes == kernel.allBytes)
    // Neither can few values.
    #expect(try written(tensor(10, 10, weights(100))).record.planes.isEmpty)
  }

  /// Values that really have 16 bits are stored as such, without an error.
  @Test func valuesOf16BitsAreFound() throws {
    let values = weights(128 * 128)
    let halves = Float.roundedToFloat16(values)
    let half = try written(tensor(128, 128, halves))
    #expect(half.record.form == .values(.float16) && half.record.storageError == nil)
    #expect(half.stored.floats() == halves)
    #expect(Double(half.record.byteCount) < 0.87 * Double(2 * values.count))
    let brains = Float.roundedToBFloat16(values)
    let brain = try written(tensor(128, 128, brains))
    #expect(brain.record.form == .values(.bfloat16) && brain.record.storageError == nil)
    #expect(brain.stored.floats() == brains)
    #expect(Double(brain.record.byteCount) < 0.68 * Double(2 * values.count))
  }

  @Test func constantsTakeNextToNothing() throws {
    let (record, stored, _) = try written(tensor(100, 100, [Float](repeating: 0.1, count: 10_000)))
    #expect(record.planes == [.constant, .constant, .constant, .constant] && record.byteCount == 4)
    #expect(stored.floats() == [Float](repeating: 0.1, count: 10_000))
  }

  /// Whole numbers keep their scales as they are.
  @Test func codesAreCoded() throws {
    // Most are small: what is left of 8 bits is worth coding.
    var values = weights(256 * 256)
    for column in 0..<256 { values[column] = 4 }
    let form = QuantizedForm(kind: .int8, channels: 256)
    let (record, stored, file) = try written(tensor(256, 256, values), as: .codes(form))
    #expect(record.planes == [.frames] && record.form == .codes(form))
    let codes = try #require(try file.quantizedTensor(for: record.slot))
    #expect(codes.scales == [Float](repeating: 4 / 127, count: 256))
    #expect(stored.floats() == codes.floats())
    for (value, stored) in zip(values, stored.floats()) { #expect(abs(value - stored) <= 2.001 / 127) }
    #expect(record.storageError.map { $0.largestError > 0 && $0.largestError <= 2.001 / 127 } == true)
  }

  /// A model is the same, coded or not.
  @Test func contentHashIsThatOfThePlainFile() throws {
    let kernel = tensor(128, 128, weights(128 * 128))
    let (coded, plain) = (try written(kernel), try written(kernel, by: nil))
    #expect(!coded.record.planes.isEmpty && plain.record.planes.isEmpty)
    #expect(coded.record.plainChecksum == plain.record.checksum)
    #expect(coded.file.contentHash == plain.file.contentHash && plain.file.contentHash != nil)
  }
}
