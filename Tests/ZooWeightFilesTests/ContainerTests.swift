import Testing
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// Four tensors of known values in every variant of HDF5 and NumPy files.
@Suite struct ContainerTests {
  /// `conv/kernel`, `conv/bias`, `dense/kernel`, `dense/bias`.
  static let shapes: [Shape] = [[3, 3, 2, 4], [4], [8, 5], [5]]

  static func values(_ k: Int) -> [Float] {
    (0..<shapes[k].elementCount).map { Float((37 * $0 + 11 * k) % 201 - 100) / 64 }
  }

  private func check(_ path: String, tolerance: Float = 0, zeros: Set<Int> = []) throws -> any WeightFile {
    let file = try WeightFiles.open(path: fixture(path))
    #expect(file.tensors.map(\.shape) == Self.shapes)
    try checkValues(of: file.tensors, in: file, path, tolerance: tolerance, zeros: zeros)
    return file
  }

  private func checkValues(
    of entries: [TensorEntry], in file: any WeightFile, _ path: String, tolerance: Float = 0,
    zeros: Set<Int> = []
  ) throws {
    for (k, entry) in entries.enumerated() {
      let expected =
        zeros.contains(k) ? [Float](repeating: 0, count: entry.shape.elementCount) : Self.values(k)
      for (found, value) in zip(try file.read(entry).floats(), expected) {
        #expect(abs(found - value) <= tolerance * abs(value), "\(path), \(entry.name)")
      }
    }
  }

  @Test func hdf5() throws {
    for name in try fixtures("containers", ".h5")
    where !["lzf.h5", "unallocated.h5", "bfloat16.weights.h5"].contains(name) {
      let file = try check("containers/\(name)")
      #expect(file.tensors.map(\.layer) == ["conv", "conv", "dense", "dense"])
      #expect(file.tensors.map(\.variable) == ["kernel", "bias", "kernel", "bias"])
    }
    _ = try check("containers/unallocated.h5", zeros: [3])
    let store = try check("containers/bfloat16.weights.h5", tolerance: 1 / 256)
    #expect(store.tensors.allSatisfy { $0.elementType == .bfloat16 })
    #expect(store.tensors.map(\.layer) == ["conv", "conv", "dense", "dense"])
    #expect(refusal(fixture("containers/lzf.h5"))?.code == .unsupported)
  }

  @Test func elementTypesAreThoseOfTheFile() throws {
    for (name, type) in [("little-f2", ElementType.float16), ("big-f4", .float32), ("big-f8", .float64)] {
      for ending in ["h5", "npz"] {
        let file = try WeightFiles.open(path: fixture("containers/\(name).\(ending)"))
        #expect(file.tensors.allSatisfy { $0.elementType == type })
      }
    }
  }

  @Test func numPy() throws {
    for name in try fixtures("containers", ".npz")
    where !["odd-shapes.npz", "integers.npz", "bfloat16.npz"].contains(name) {
      _ = try check("containers/\(name)")
    }
    _ = try check("containers/bfloat16.npz", tolerance: 1 / 256)
    let array = try NumPyArchive.input(path: fixture("containers/kernel.npy"))
    #expect(array == Tensor(shape: Self.shapes[0], values: Self.values(0)))
  }

  /// The format's own library sorts by size of element and name.
  @Test func safetensors() throws {
    let names = ["conv/kernel", "conv/bias", "dense/kernel", "dense/bias"]
    let types: [(String, ElementType)] = [
      ("little-f2", .float16), ("little-f4", .float32), ("little-f8", .float64), ("bfloat16", .bfloat16),
      ("dots", .float32),
    ]
    for (name, type) in types {
      let path = "containers/\(name).safetensors"
      let file = try WeightFiles.open(path: fixture(path))
      #expect(file.layout == .safetensors && file.tensors.count == 4)
      #expect(file.tensors.allSatisfy { $0.elementType == type })
      let entries = try names.map { name in
        let parts = name.split(separator: "/").map(String.init)
        return try #require(file.tensors.first { $0.layer == parts[0] && $0.variable == parts[1] })
      }
      #expect(entries.map(\.shape) == Self.shapes)
      try checkValues(of: entries, in: file, path, tolerance: type == .bfloat16 ? 1 / 256 : 0)
    }
    #expect(
      try WeightFiles.open(path: fixture("containers/dots.safetensors")).writer == "make_safetensors.py")
  }

  @Test(arguments: ["npz", "safetensors"])
  func oddShapes(ending: String) throws {
    let file = try WeightFiles.open(path: fixture("containers/odd-shapes.\(ending)"))
    let scalar = try file.read(file.entry("scalar"))
    #expect(scalar.shape == [] && scalar.floats() == [1.5])
    let one = try file.read(file.entry("one"))
    #expect(one.shape == [1] && one.floats() == [1.5])
    let empty = try file.read(file.entry("empty"))
    #expect(empty.shape == [0, 3] && empty.floats().isEmpty)
  }

  @Test(arguments: ["npz", "safetensors"])
  func integers(ending: String) throws {
    let file = try WeightFiles.open(path: fixture("containers/integers.\(ending)"))
    for entry in file.tensors {
      let values = try file.read(entry).doubles()
      let wrapped = Double(sign: .plus, exponent: entry.elementType.byteCount * 8, significand: 1)
      switch entry.elementType {
      case .bool: #expect(values == [0, 0, 0, 0, 1, 1])
      case .int8, .int16, .int32, .int64: #expect(values == [-3, -2, -1, 0, 1, 2])
      default: #expect(values == [wrapped - 3, wrapped - 2, wrapped - 1, 0, 1, 2])
      }
    }
  }

  @Test func formatsAreRecognisedByContent() throws {
    let expected: [(String, FileFormat)] = [
      ("containers/userblock.h5", .hdf5), ("containers/comment.npz", .npz), ("containers/kernel.npy", .npy),
      ("containers/dots.safetensors", .safetensors), ("malformed/header-past-end.safetensors", .safetensors),
      ("models/mobilenet.keras", .kerasArchive), ("malformed/text.h5", .unknown),
      ("malformed/empty.npz", .unknown), ("malformed/truncated.png", .png),
      ("malformed/truncated.jpg", .jpeg),
    ]
    for (path, format) in expected {
      #expect(try FileFormat.recognise(path: fixture(path)) == format, "\(path)")
    }
    #expect(errorCode { try FileFormat.recognise(path: "/nowhere/at/all") } == .cannotOpen)
  }
}
