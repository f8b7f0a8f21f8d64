import Testing
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// The bytes of the archive that `add` fills.
func npz(_ add: (inout NumPyArchiveWriter<Never>) -> Void) -> [UInt8] {
  nonisolated(unsafe) var archive: [UInt8] = []
  var writer = NumPyArchiveWriter<Never> { bytes, offset in
    archive.replaceSubrange(offset..<min(offset + bytes.count, archive.count), with: bytes)
  }
  add(&writer)
  writer.finish()
  return archive
}

@Suite struct NumPyWriterTests {
  @Test func whatIsWrittenIsReadAgain() throws {
    let y = Tensor(shape: [2, 3], values: [1, -2, 3.5, 0, .infinity, -0.25])
    let halves: [UInt16] = [0x3c00, 0xc000]
    let archive = npz { writer in
      writer.add("y", y)
      writer.add("tap:conv1", Tensor(shape: [], values: [7]))
      halves.withUnsafeBytes { writer.add("h", shape: [2, 1], elementType: .float16, bytes: $0) }
    }
    try withFile(archive) { path in
      let file = try NumPyArchive(path: path)
      #expect(file.names == ["y", "tap:conv1", "h"])
      #expect(try file.tensor(named: "y") == y)
      #expect(try file.tensor(named: "tap:conv1") == Tensor(shape: [], values: [7]))
      let h = try #require(try file.doubles(named: "h"))
      #expect(h.shape == [2, 1] && h.values == [1, -2])
      #expect(try file.tensor(named: "x") == nil)
      #expect(throws: ZooError.self) { try NumPyArchive.input(path: path) }
    }
  }

  @Test func dataIsAlignedAsNumPyDoes() {
    let archive = npz { $0.add("y", Tensor(shape: [3], values: [1, 2, 3])) }
    let header = String(decoding: archive[35..<35 + 128], as: UTF8.self)
    #expect(header.contains("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"))
    #expect(header.hasSuffix(" \n"))
  }

  @Test func stringsAreUnicode() {
    let archive = npz { $0.add("paths", strings: ["a", "ü😀b"]) }
    let text = String(decoding: archive, as: UTF8.self)
    #expect(text.contains("'descr': '<U3'") && text.contains("'shape': (2,)"))
    let data: [UInt8] =
      [0x61, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [0xfc, 0, 0, 0, 0, 0xf6, 1, 0, 0x62, 0, 0, 0]
    #expect(archive[(35 + 4 + 128)...].starts(with: data))
  }

  @Test func namesOfOlderKerasAndPlainDictionaries() throws {
    let one = Tensor(shape: [1], values: [1])
    let expected: [(String, String?, String?)] = [
      ("block1_conv1/kernel:0", "block1_conv1", "kernel"), ("model/conv1/bias", "model/conv1", "bias"),
      ("block1_conv1_W_1:0", "block1_conv1", "kernel"), ("fc8_b", "fc8", "bias"),
      ("bn_conv1_running_std_1:0", "bn_conv1", "moving_variance"), ("something", nil, nil),
      ("module.conv1.kernel", "module.conv1", "kernel"),
      ("group0/block0/conv1/bn/mean/EMA", "group0/block0/conv1/bn", "moving_mean"),
      ("conv1_1/W", "conv1_1", "kernel"),
    ]
    let archive = npz { writer in for (name, _, _) in expected { writer.add(name, one) } }
    try withFile(archive) { path in
      let file = try WeightFiles.open(path: path)
      #expect(file.tensors.map(\.layer) == expected.map(\.1))
      #expect(file.tensors.map(\.variable) == expected.map(\.2))
    }
  }
}
