import Foundation
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// The path of a new file that nobody else uses, removed after `body`.
func withTemporaryPath<Result>(_ body: (String) throws -> Result) rethrows -> Result {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).zoo").path
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

func readBytes(_ path: String) throws -> [UInt8] {
  ByteSlice(try MappedFile(path: path)).withUnsafeBytes { Array($0) }
}

func writeBytes(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// Opens a file of these bytes.
func open(_ bytes: [UInt8]) throws -> ZooFile {
  try withTemporaryPath { path in
    try writeBytes(bytes, to: path)
    return try ZooFile(path: path)
  }
}

func sha256(_ bytes: [UInt8]) -> [UInt8] { SHA256Hasher.hash(bytes) }

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// Weights in a dictionary.
struct StoredWeights: WeightSource {
  struct Missing: Error {}
  var tensors: [String: StoredTensor]

  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    guard let tensor = tensors[slot.name] else { throw Missing() }
    return tensor
  }
}

/// Weights made up for any slot, the same every time.
struct InventedWeights: WeightSource {
  func tensor(for slot: WeightSlot) throws -> StoredTensor {
    var state = slot.name.utf8.reduce(UInt64(1)) { $0 &* 31 &+ UInt64($1) }
    return StoredTensor(
      shape: slot.shape,
      values: (0..<slot.shape.elementCount).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-33
      })
  }
}

extension StoredTensor {
  /// Single-precision values given by their bits.
  init?(bits: [UInt32]) {
    self.init(shape: [bits.count], elementType: .float32, bytes: ByteSlice(HeapBytes(bits)))
  }

  var allBytes: [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}

/// A small network with everything that a file can hold.
func smallDocument() throws -> ZooDocument {
  var g = GraphBuilder()
  let image = g.add("image", .input(shape: [6, 6, 3]))
  let conv = Operation.convolution(
    Convolution(filters: 4, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true))
  let a = g.add("conv", conv, image)
  let scaled = g.add("scale", .rescaling(Rescaling(scale: [0.1], offset: [1, -2, 0.3])), image)
  let again = g.add("conv:2", conv, [scaled], sharing: a)
  let b = g.add("bn", .batchNormalization(BatchNormalization(epsilon: 1e-3)), a)
  let c = g.add("relu", .activation(.relu6), b)
  let dropped = g.add("drop", .identity(layer: "Dropout"), c)
  let d = g.add("add", .add, again, dropped)
  let e = g.add("gap", .globalAveragePooling(keepDimensions: false), d)
  let f = g.add("fc", .dense(Dense(units: 3, useBias: true, activation: .softmax)), e)
  return ZooDocument(
    graph: try g.build(outputs: [f]),
    card: ModelCard(
      architecture: "small", variant: "6x6, 3 classes", preprocessing: .tf, trainingData: "nothing",
      licence: "CC0", citation: "none", accuracy: "33 %"),
    kerasPlaces: [(a, "conv2d", true), (b, "batch_normalization_1", false), (f, "dense", true)].map {
      KerasPlace(
        node: $0.index,
        steps: [.init(name: "inner", group: "functional"), .init(name: "l\($0.index)", group: $1)],
        isTrainable: $2)
    },
    labels: ["null", "eins", "zwei"].enumerated().map { ClassLabel(id: "n\($0)", name: $1) },
    source: SourceRecord(
      file: "small.h5", sha256: String(repeating: "0f", count: 32), bytes: 123_456, writer: "Keras 3.1",
      layout: "Keras HDF5", lambdas: ["scale": "0.1 * x + [1, -2, 0.3]"], precision: .bfloat16),
    testCase: TestCase(
      generator: "dead-leaves-1", seed: .max, preprocessing: .tf,
      outputs: [
        .init(largest: 0.5, samples: [.init(index: 0, value: 0.1), .init(index: 2, value: 0.5)])
      ], tolerance: 1e-4),
    verification: ["checksums": "agree", "batch norm": "no testimony"],
    training: TrainingRecord(
      backbone: "large.zoo", backboneContent: String(repeating: "1a", count: 32), layers: ["gap"],
      data: "numbers", dataChecksum: String(repeating: "2b", count: 32), pictureCount: 30,
      tasks: [.init(name: "number", kind: .classes, labels: ["null", "eins", "zwei"])],
      pixels: .init(resampling: "bilinear", crop: "0.875", isUpright: true),
      settings: ["head": "linear", "penalty": "0.1"], results: ["accuracy": 0.9, "log loss": 0.25]),
    layerTraining: smallTraining())
}

/// Everything that a file can hold for the training of layers.
private func smallTraining() -> [String: LayerTraining] {
  var (conv, norm, drop, dense) = (LayerTraining(), LayerTraining(), LayerTraining(), LayerTraining())
  conv.isFrozen = true
  conv.regularizers = [.kernel: Regularizer(l1: 0.1, l2: 1e-4), .bias: Regularizer(l2: 0.5)]
  conv.initializers = [.kernel: .orthogonal(gain: 0.5), .bias: .constant(-0.1)]
  norm.momentum = 0.9
  norm.hasOldStatistics = true
  norm.initializers = [
    .gamma: .normal(mean: 1, deviation: 0.02), .beta: .uniform(low: -0.05, high: 0.05), .movingMean: .ones,
  ]
  drop.noise = TrainingNoise(.spatialDropout, 0.3)
  dense.initializers = [
    .kernel: .varianceScaling(.init(0.3, .fanOut, .normal)),
    .bias: .truncatedNormal(mean: 0, deviation: 0.05),
  ]
  return ["conv": conv, "bn": norm, "drop": drop, "fc": dense]
}
