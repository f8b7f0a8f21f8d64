import Testing
import ZooCompression
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// Files of version 3, put together byte by byte from docs/zoo-format.md: a dense layer of 2 inputs and 3 units.
extension SpecifiedFile {
  /// A file whose kernel has these bytes.
  init(
    kernelType: String, _ kernel: [UInt8], details: [(String, [UInt8])] = [], length: Int? = nil
  ) {
    self.init()
    version = 3
    let record =
      Self.kernelRecord(
        type: kernelType, length: UInt64(length ?? kernel.count), checksum: Self.checksum(kernel))
    let start = (kernel.count + 63) / 64 * 64
    entries = Self.entries(tensors: [
      details.isEmpty ? record : Self.with(details: CBOR.map(details), record),
      Self.biasRecord(offset: UInt64(start)),
    ])
    data = kernel + [UInt8](repeating: 0, count: start - kernel.count) + Self.bias
  }

  /// The record with an eighth element.
  static func with(details: [UInt8], _ record: [UInt8]) -> [UInt8] { [0x88] + record.dropFirst() + details }

  static func checksum(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { TensorChecksum(hashing: $0).bytes }
  }

  /// A byte string.
  static func string(_ bytes: [UInt8]) -> [UInt8] { CBOR.head(2, UInt64(bytes.count)) + bytes }

  /// Parts, each but the last one filled up to a multiple of 64.
  static func parts(_ parts: [UInt8]...) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in parts { bytes += [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64) + part }
    return bytes
  }

  static func halves(_ values: Float...) -> [UInt8] { values.flatMap { littleEndian($0.float16Bits) } }

  static func singles(_ values: Float...) -> [UInt8] { values.flatMap { littleEndian($0.bitPattern) } }

  /// Six values that are 1.5, whose first plane is a frame of one repeated byte (RFC 8878, an RLE block).
  static func framed(
    frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 6, 0x33, 0, 0, 0x7f], length: UInt32? = nil,
    planes: [UInt64] = [1, 2, 2, 2], plain: [UInt8]? = nil
  ) -> SpecifiedFile {
    SpecifiedFile(
      kernelType: "f32", littleEndian(length ?? UInt32(frame.count)) + [0x80, 0, 0] + frame,
      details: [("planes", CBOR.ints(planes)), ("plain", string(plain ?? checksum(allOneAndAHalf)))])
  }

  static let allOneAndAHalf = [UInt8]([[UInt8]](repeating: singles(1.5), count: 6).joined())
}

@Suite struct SmallerTensorsTests {
  private func kernel(_ specified: SpecifiedFile) throws -> [Float] {
    let file = try open(specified.bytes)
    for record in file.tensors { try file.verifyChecksum(record) }
    #expect(try file.tensor(for: file.tensors[1].slot).floats() == [7, 8, 9])
    return try file.tensor(for: file.tensors[0].slot).floats()
  }

  @Test func bfloat16IsRead() throws {
    let bytes = [1, 2, 3, 4, 5, 6].flatMap { littleEndian(UInt16(Float($0).bitPattern >> 16)) }
    #expect(try kernel(SpecifiedFile(kernelType: "bf16", bytes)) == [1, 2, 3, 4, 5, 6])
  }

  /// Row-major, as the kernel itself, with a scale for each unit.
  @Test func eightBitsAreRead() throws {
    let codes: [Int8] = [1, -2, 3, 127, -127, 0]
    let bytes = SpecifiedFile.parts(SpecifiedFile.singles(1, 0.5, 2), codes.map(UInt8.init(bitPattern:)))
    #expect(try kernel(SpecifiedFile(kernelType: "i8", bytes)) == [1, -1, 6, 127, -63.5, 0])
  }

  /// Unit by unit: the two inputs of a unit share a byte, the first one in its low bits.
  @Test func fourBitsAreRead() throws {
    let bytes = SpecifiedFile.parts(SpecifiedFile.halves(1, -0.5, 2), [0x21, 0x8f, 0x70])
    #expect(try kernel(SpecifiedFile(kernelType: "i4", bytes)) == [1, 0.5, 0, 2, 4, 14])
    let affine = SpecifiedFile.parts(
      SpecifiedFile.halves(1, -0.5, 2), SpecifiedFile.halves(-1, 0, 0.25), [0x21, 0x8f, 0x70])
    let group = [("group", CBOR.head(0, 64))]
    #expect(
      try kernel(SpecifiedFile(kernelType: "u4", affine, details: group)) == [0, -7.5, 0.25, 1, -4, 14.25])
  }

  @Test func planesAreRead() throws {
    // 1 to 6: the exponents and the first mantissa bits are raw, the two other planes zero.
    let bytes: [UInt8] = [0, 0, 0x7f, 0x80, 0x80, 0x81, 0x81, 0x81, 0, 0, 0x80, 0, 0x40, 0x80]
    let specified = SpecifiedFile(
      kernelType: "f32", bytes,
      details: [
        ("planes", CBOR.ints([0, 0, 2, 2])), ("plain", SpecifiedFile.string(SpecifiedFile.kernelChecksum)),
      ])
    #expect(try decoded(specified).floats() == [1, 2, 3, 4, 5, 6])
    #expect(try decoded(.framed()).floats() == [Float](repeating: 1.5, count: 6))
  }

  private func decoded(_ specified: SpecifiedFile) throws -> StoredTensor {
    try withTemporaryPath { path in
      try writeBytes(specified.bytes, to: path)
      let file = try ZooFile(path: path, frames: Zstandard.shared)
      for record in file.tensors { try file.verifyChecksum(record) }
      return try file.tensor(for: file.tensors[0].slot)
    }
  }

  @Test func errorsAreRead() throws {
    let error = CBOR.array([[0xf9, 0x38, 0], [0xf9, 0x40, 0], [0xf9, 0x34, 0]])
    var bits: [UInt8] = []
    for value in 1...6 { bits += littleEndian(Float(value).float16Bits) }
    let file = try open(SpecifiedFile(kernelType: "f16", bits, details: [("error", error)]).bytes)
    #expect(
      file.tensors[0].storageError
        == StorageError(largestError: 0.5, largestValue: 2, rootMeanSquare: 0.25))
  }

  /// An entry `integers`: ranges of a node, and nodes that stay in floats.
  static func integers(
    _ ranges: [(node: UInt64, lowest: [Float], highest: [Float])], floats: [UInt64] = []
  ) -> SpecifiedFile {
    func singles(_ values: [Float]) -> [UInt8] {
      // A half where that is exact, which is the shortest.
      CBOR.array(values.map { [0xf9] + littleEndian($0.float16Bits).reversed() })
    }
    var file = SpecifiedFile()
    file.version = 3
    let entry = CBOR.map([
      (
        "ranges",
        CBOR.array(
          ranges.map { CBOR.array([CBOR.head(0, $0.node), singles($0.lowest), singles($0.highest)]) })
      ), ("floats", CBOR.ints(floats)),
    ])
    file.entries.append(("integers", entry))
    return file
  }

  @Test func integersAreRead() throws {
    let file = try open(Self.integers([(0, [-1], [2]), (1, [0, 0, -1], [1, 0.5, 4])], floats: [1]).bytes)
    let record = try #require(file.document.integers)
    #expect(
      record.ranges
        == [
          "x": ValueRange(lowest: [-1], highest: [2]),
          "d": ValueRange(lowest: [0, 0, -1], highest: [1, 0.5, 4]),
        ])
    #expect(record.floatLayers == ["d"])
    let plain = try open(SpecifiedFile().bytes)
    #expect(file.contentHash != plain.contentHash)
    // Written again, it is the same.
    try withTemporaryPath { path in
      try ZooWriter(document: file.document, plan: StoragePlan()).write(
        to: path, overwrite: false, weights: file)
      #expect(try ZooFile(path: path).document == file.document)
    }
  }

  /// Without a decoder the file opens, its other tensors can be had, and the error says what to do.
  @Test func withoutADecoder() throws {
    let file = try open(SpecifiedFile.framed().bytes)
    #expect(try file.tensor(for: file.tensors[1].slot).floats() == [7, 8, 9])
    let error = #expect(throws: ZooError.self) { try file.tensor(for: file.tensors[0].slot) }
    #expect(error?.code == .unsupported && error?.remedy?.contains("CompressedFiles") == true)
  }

  // MARK: Hostile files

  struct Refused: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let says: String
    let file: SpecifiedFile
  }

  static let refusedWhenOpened: [Refused] = {
    func raw(_ details: [(String, [UInt8])]) -> SpecifiedFile {
      SpecifiedFile(kernelType: "f32", SpecifiedFile.kernel, details: details)
    }
    let plain = ("plain", SpecifiedFile.string(SpecifiedFile.kernelChecksum))
    func planes(_ planes: [UInt64]) -> (String, [UInt8]) { ("planes", CBOR.ints(planes)) }
    let short = [UInt8](repeating: 0, count: 10)
    var old = SpecifiedFile(kernelType: "bf16", [UInt8](repeating: 0, count: 12))
    old.version = 2
    var biasCodes = SpecifiedFile()
    biasCodes.version = 3
    biasCodes.entries = SpecifiedFile.entries(tensors: [
      SpecifiedFile.kernelRecord(),
      SpecifiedFile.kernelRecord(role: 3, type: "i8", shape: [3], offset: 64, length: 12),
    ])
    var oldIntegers = integers([(0, [0], [1])])
    oldIntegers.version = 2
    return [
      Refused(
        testDescription: "integers of a later version", says: "'integers' is unknown", file: oldIntegers),
      Refused(testDescription: "a range upside down", says: "not in order", file: integers([(0, [2], [1])])),
      Refused(
        testDescription: "a range without an end", says: "float", file: integers([(0, [0], [.infinity])])),
      Refused(testDescription: "an empty range", says: "not in order", file: integers([(0, [], [])])),
      Refused(
        testDescription: "ranges of other channels", says: "expected 1 or 3",
        file: integers([(1, [0, 0], [1, 1])])),
      Refused(testDescription: "ranges of no layer", says: "not there", file: integers([(7, [0], [1])])),
      Refused(
        testDescription: "ranges out of order", says: "not in order",
        file: integers([(1, [0], [1]), (0, [0], [1])])),
      Refused(testDescription: "floats of no layer", says: "not there", file: integers([], floats: [9])),
      Refused(testDescription: "a type of a later version", says: "'bf16' is unknown", file: old),
      Refused(testDescription: "codes of a bias", says: "such weights can't have", file: biasCodes),
      Refused(testDescription: "empty details", says: "empty map", file: emptyDetails()),
      Refused(testDescription: "unknown detail", says: "'zebra'", file: raw([("zebra", [0])])),
      Refused(
        testDescription: "group of floats", says: "it has groups", file: raw([("group", CBOR.head(0, 32))])),
      Refused(
        testDescription: "unknown group", says: "in groups of 33",
        file: SpecifiedFile(
          kernelType: "i4", [UInt8](repeating: 0, count: 67), details: [("group", CBOR.head(0, 33))])),
      Refused(
        testDescription: "length of codes", says: "need 70",
        file: SpecifiedFile(kernelType: "i8", [UInt8](repeating: 0, count: 69))),
      Refused(testDescription: "plain without planes", says: "is not coded", file: raw([plain])),
      Refused(
        testDescription: "planes without plain", says: "no checksum of its decoded",
        file: SpecifiedFile(kernelType: "f32", short, details: [planes([0, 0, 2, 2])])),
      Refused(
        testDescription: "too few planes", says: "3 planes",
        file: SpecifiedFile(kernelType: "f32", short, details: [planes([0, 0, 2]), plain])),
      Refused(
        testDescription: "unknown coding", says: "unknown coding",
        file: SpecifiedFile(kernelType: "f32", short, details: [planes([0, 0, 2, 3]), plain])),
      Refused(
        testDescription: "all planes raw", says: "all of its planes are raw",
        file: SpecifiedFile(kernelType: "f32", short, details: [planes([0, 0, 0, 0]), plain])),
      Refused(
        testDescription: "larger than plain", says: "need only 24", file: raw([planes([0, 0, 1, 2]), plain])),
      Refused(
        testDescription: "planes of four bits", says: "its type is i4",
        file: SpecifiedFile(kernelType: "i4", short, details: [planes([1]), plain])),
    ]
  }()

  private static func emptyDetails() -> SpecifiedFile {
    var file = SpecifiedFile()
    file.version = 3
    file.entries = SpecifiedFile.entries(tensors: [
      SpecifiedFile.with(details: [0xa0], SpecifiedFile.kernelRecord()), SpecifiedFile.biasRecord(),
    ])
    return file
  }

  @Test(arguments: refusedWhenOpened)
  func isRefusedWhenOpened(refused: Refused) throws {
    let error = #expect(throws: ZooError.self) { _ = try open(refused.file.bytes) }
    #expect(error?.description.contains(refused.says) == true, "\(error?.description ?? "no error")")
  }

  static let refusedWhenDecoded: [Refused] = {
    let frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 6, 0x33, 0, 0, 0x7f]
    func changed(_ index: Int, _ byte: UInt8) -> [UInt8] {
      var frame = frame
      frame[index] = byte
      return frame
    }
    func framed(_ name: String, _ says: String, _ frame: [UInt8], length: UInt32? = nil) -> Refused {
      Refused(testDescription: name, says: says, file: .framed(frame: frame, length: length))
    }
    let codes = [UInt8](repeating: 0, count: 6)
    func scales(_ scale: Float) -> [UInt8] { SpecifiedFile.parts(SpecifiedFile.singles(1, scale, 1), codes) }
    return [
      framed("no frame", "no frame", changed(0, 0)),
      framed("a skippable frame", "no frame", [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]),
      framed("with a window", "no frame", changed(4, 0)),
      framed("with a dictionary", "no frame", changed(4, 0x21)),
      framed("fewer bytes", "has 5 bytes, expected 6", changed(5, 5)),
      framed("more bytes", "has 7 bytes, expected 6", changed(5, 7)),
      framed("fewer in its block", "is damaged", changed(6, 0x2b)),
      framed("more in its block", "is damaged", changed(6, 0x3b)),
      framed("another frame behind", "is damaged", frame + [0x50, 0x2a]),
      framed("lengths that don't add up", "its parts have", frame, length: 9),
      framed("a huge length", "its parts have", frame, length: .max),
      Refused(
        testDescription: "no room for the lengths", says: "no room",
        file: SpecifiedFile(
          kernelType: "f32", [1, 0, 0],
          details: [
            ("planes", CBOR.ints([1, 2, 2, 2])),
            ("plain", SpecifiedFile.string(SpecifiedFile.kernelChecksum)),
          ])),
      Refused(
        testDescription: "other values than it says", says: "XXH3",
        file: .framed(plain: SpecifiedFile.kernelChecksum)),
      Refused(
        testDescription: "a code of -128", says: "-128",
        file: SpecifiedFile(
          kernelType: "i8", SpecifiedFile.parts(SpecifiedFile.singles(1, 1, 1), codes.dropLast() + [0x80]))),
      Refused(
        testDescription: "a negative scale", says: "a scale is -1.0",
        file: SpecifiedFile(kernelType: "i8", scales(-1))),
      Refused(
        testDescription: "an infinite scale", says: "a scale is inf",
        file: SpecifiedFile(kernelType: "i8", scales(.infinity))),
      Refused(
        testDescription: "a minimum that is no number", says: "a minimum is nan",
        file: SpecifiedFile(
          kernelType: "u4",
          SpecifiedFile.parts(
            SpecifiedFile.halves(1, 1, 1), SpecifiedFile.halves(0, .nan, 0), Array(codes.prefix(3))))),
    ]
  }()

  @Test(arguments: refusedWhenDecoded)
  func isRefusedWhenDecoded(refused: Refused) throws {
    let error = #expect(throws: ZooError.self) { _ = try decoded(refused.file) }
    #expect(error?.description.contains(refused.says) == true, "\(error?.description ?? "no error")")
    #expect(error?.location.contains("d/kernel") == true)
  }

  /// What a few bytes stand for is refused before it is allocated.
  @Test func whatWouldFillTheMemoryIsRefused() throws {
    var specified = SpecifiedFile()
    specified.version = 3
    let (inputs, units) = (UInt64(65_535), UInt64(65_535))
    specified.entries = SpecifiedFile.entries(
      tensors: [
        SpecifiedFile.with(
          details: CBOR.map([
            ("planes", CBOR.ints([2, 2, 2, 2])),
            ("plain", SpecifiedFile.string(SpecifiedFile.kernelChecksum)),
          ]), SpecifiedFile.kernelRecord(shape: [inputs, units], length: 4))
      ],
      operations: [
        SpecifiedFile.operation("input", [("shape", CBOR.ints([inputs]))]),
        SpecifiedFile.operation(
          "dense",
          [("units", CBOR.head(0, units)), ("use_bias", [0xf4]), ("activation", CBOR.text("linear"))]),
      ])
    specified.data = [0, 0, 0, 0]
    let error = #expect(throws: ZooError.self) { try open(specified.bytes) }
    #expect(error?.code == .tooLarge, "\(error?.description ?? "")")
  }
}
