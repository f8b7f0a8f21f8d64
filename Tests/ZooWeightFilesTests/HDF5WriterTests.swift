import Foundation
import Testing
import ZooSystem
import ZooTensor
import ZooWeightFiles

@Suite struct HDF5WriterTests {
  /// Calls `body` with the path of a file of this structure in which the data of dataset k is all k + 1.
  private func withHDF5<Result>(
    _ contents: HDF5Contents, _ body: (String) throws -> Result
  ) throws -> Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).h5").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try AtomicFile(path: path, hidden: true)
    let offsets = try HDF5Writer.writeStructure(of: contents, to: file)
    #expect(offsets.count == contents.datasets.count)
    for (k, (dataset, offset)) in zip(contents.datasets, offsets).enumerated() {
      let values = [Float](repeating: Float(k + 1), count: dataset.shape.elementCount)
      switch dataset.elementType {
      case .float16: try Float.float16Bits(of: values).withUnsafeBytes { try file.write($0, at: offset) }
      case .float64: try values.map(Double.init).withUnsafeBytes { try file.write($0, at: offset) }
      default: try values.withUnsafeBytes { try file.write($0, at: offset) }
      }
    }
    try file.commit(overwrite: false)
    return try body(path)
  }

  private func layers(_ names: [String]) -> HDF5Contents {
    var contents = HDF5Contents()
    contents.groups = [("", [("layer_names", .names(names)), ("keras_version", .text("2.15.0"))])]
    for name in names {
      contents.groups.append((name, [("weight_names", .names(["\(name)/kernel:0"]))]))
      contents.datasets.append(.init(path: "\(name)/\(name)/kernel:0", shape: [2], elementType: .float32))
    }
    return contents
  }

  @Test func elementTypesAndShapes() throws {
    var contents = layers(["a"])
    let shapes: [Shape] = [[], [3], [0, 2], [1, 2, 3, 4]]
    let types: [ElementType] = [.float16, .float32, .float64]
    let names = types.flatMap { type in shapes.indices.map { "a/\(type.rawValue)_\($0)" } }
    contents.groups[1].attributes = [("weight_names", .names(names))]
    contents.datasets = types.flatMap { type in
      shapes.enumerated().map {
        .init(path: "a/a/\(type.rawValue)_\($0)", shape: $1, elementType: type)
      }
    }
    try withHDF5(contents) { path in
      let file = try WeightFiles.open(path: path)
      #expect(file.tensors.map(\.shape) == types.flatMap { _ in shapes })
      #expect(file.tensors.map(\.elementType) == types.flatMap { type in shapes.map { _ in type } })
      for (k, entry) in file.tensors.enumerated() {
        #expect(try file.read(entry).floats().allSatisfy { $0 == Float(k + 1) })
      }
    }
  }

  /// A list of names of 90 kB does not fit into one attribute; the order stays.
  @Test func longListsAreSplit() throws {
    let names = (0..<1500).reversed().map { "layer_\($0)_\(String(repeating: "x", count: 50))" }
    try withHDF5(layers(names)) { path in
      let file = try WeightFiles.open(path: path)
      #expect(file.tensors.compactMap(\.layer) == names)
      #expect(try file.read(file.tensors[1499]).floats() == [1500, 1500])
    }
  }

  @Test func layersWithSlashes() throws {
    try withHDF5(layers(["block/conv", "block", "block/conv/deep"])) { path in
      let file = try WeightFiles.open(path: path)
      #expect(file.tensors.compactMap(\.layer) == ["block/conv", "block", "block/conv/deep"])
    }
  }

  @Test(arguments: [".", "a/./b", "a//b", "a/", "nul\0", String(repeating: "n", count: 70_000)])
  func namesThatHDF5CannotHold(name: String) throws {
    let error = #expect(throws: ZooError.self) { try withHDF5(layers([name])) { _ in } }
    #expect(error?.code == .cannotWrite)
  }
}

@Suite struct SafetensorsWriterTests {
  @Test func largerElementsComeFirstAndAllIsAligned() throws {
    let tensors: [(String, Shape, ElementType)] = [
      ("half", [3], .float16), ("single", [2, 2], .float32), ("empty", [0], .float64),
      ("brain", [1], .bfloat16),
      ("slash/and \"quote\"", [], .float64),
    ]
    let writer = try SafetensorsWriter(
      tensors: tensors.map { .init(name: $0.0, shape: $0.1, elementType: $0.2) },
      metadata: ["writer": "test\n"])
    #expect(writer.start.count % 8 == 0)
    for (tensor, offset) in zip(tensors, writer.offsets) { #expect(offset % tensor.2.byteCount == 0) }
    try withFile(writer.start + [UInt8](repeating: 0, count: 6 + 16 + 2 + 8)) { path in
      let file = try WeightFiles.open(path: path)
      #expect(file.writer == "test\n")
      #expect(Set(file.tensors.map(\.name)) == Set(tensors.map(\.0)))
      for tensor in tensors {
        let entry = try file.entry(tensor.0)
        #expect(entry.shape == tensor.1 && entry.elementType == tensor.2)
        #expect(try file.read(entry).floats().allSatisfy { $0 == 0 })
      }
    }
  }
}
