import Foundation
import ZooCompression
import ZooConversion
import ZooFormat
import ZooImages
import ZooKeras
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// A parser, what it is fed with, and what must hold of what it accepts.
enum Target: String, CaseIterable {
  /// HDF5 files, in all of Keras' layouts.
  case hdf5
  /// What the helper process says of an HDF5 file, changed.
  case catalogue
  /// `.keras` archives.
  case keras
  case npz
  case npy
  case safetensors
  /// PyTorch's files, new and old.
  case pytorch
  /// Keras configurations, to the graph, and where it is small through both engines.
  case json
  /// `.zoo` files, and where the network is small through both engines.
  case zoo
  case jpeg
  case png
  case webp
  case gif
  case bmp
  case tiff
  /// Lists of pictures with their labels.
  case csv
  /// What was kept of pictures from one training to the next.
  case cache
  /// A number that makes a small network by chance, which both engines train.
  case training

  /// The accepted input contradicts itself.
  struct Inconsistency: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// Whether libhdf5 sees the input.
  var usesHDF5: Bool { self == .hdf5 || self == .keras }

  // MARK: Input

  /// The files of `folder` (the repository's Fixtures) that are changed; the larger ones seldom help.
  func seeds(in fixtures: String) throws -> [[UInt8]] {
    let (folders, endings, limit): ([String], [String], Int) =
      switch self {
      case .hdf5, .catalogue: (["containers", "malformed", "models"], [".h5"], 110_000)
      case .keras: (["malformed", "models"], [".keras"], 300_000)
      case .npz: (["containers", "malformed", "models"], [".npz"], 30_000)
      case .npy: (["containers", "malformed"], [".npy"], 30_000)
      case .safetensors: (["containers", "malformed"], [".safetensors"], 30_000)
      case .pytorch: (["pytorch", "malformed"], [".pth", ".pt"], 30_000)
      case .json: (["architectures"], [".json"], 70_000)
      case .zoo: (["fuzz"], [".zoo"], 400_000)
      case .jpeg: (["images", "malformed", "digits/pictures"], [".jpg"], 30_000)
      case .png: (["images", "malformed", "digits/pictures"], [".png"], 30_000)
      case .webp, .gif, .bmp, .tiff: (["images", "images/oriented"], [".\(rawValue)"], 30_000)
      case .csv, .cache, .training: ([], [], 0)
      }
    var seeds: [[UInt8]] = []
    for folder in folders {
      let path = "\(fixtures)/\(folder)"
      for name in ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
      where endings.contains(where: name.hasSuffix) && name != "crash.h5" {
        guard let data = FileManager.default.contents(atPath: "\(path)/\(name)"), data.count <= limit else {
          continue
        }
        seeds.append(Array(data))
      }
    }
    if self == .catalogue { seeds = seeds.compactMap(AnsweredFile.make) }
    if self == .json { seeds += SmallNetworks.configurations }
    if self == .zoo { seeds += try SmallNetworks.zooFiles() }
    if self == .csv { seeds += TrainingInputs.labels }
    if self == .cache { seeds.append(try TrainingInputs.cacheFile()) }
    if self == .training { seeds.append([]) }
    return seeds
  }

  /// The input of case `number`; always the same for the same seeds.
  func input(_ number: Int, seeds: [[UInt8]]) -> [UInt8] {
    let name = rawValue.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    var random = SplitMix(seed: name &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
    let seed = random.element(of: seeds)
    var mutator = Mutator(random: random, others: seeds)
    switch self {
    case .json:
      return mutator.random.below(4) == 0 ? mutator.mutated(seed) : mutator.mutatedWords(seed)
    case .zoo:
      guard mutator.random.below(8) > 0 else { return mutator.mutated(seed) }
      // Changes in the tensors are found by their checksums; the header is what is parsed.
      let parts = ZooParts(seed)
      let header = mutator.random.below(2) == 0 ? mutator.mutated(parts.header) : mutator.nudged(parts.header)
      return Repair.zoo(preamble: parts.preamble, header: header, data: parts.data)
    case .npz, .keras, .pytorch:
      let bytes = mutator.mutated(seed)
      return mutator.random.below(3) > 0 ? Repair.zip(bytes) : bytes
    case .safetensors:
      guard seed.count > 8, mutator.random.below(3) > 0 else { return mutator.mutated(seed) }
      let end = min(seed.count, 8 + (0..<4).reversed().reduce(0) { $0 << 8 | Int(seed[$1]) })
      let header = mutator.mutatedWords(Array(seed[8..<end]))
      return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + seed[end...]
    case .png:
      let bytes = mutator.mutated(seed)
      return mutator.random.below(4) > 0 ? Repair.png(bytes) : bytes
    case .catalogue:
      let (answer, file) = AnsweredFile.parts(of: seed)
      return AnsweredFile.joined(mutator.mutated(answer), file)
    case .training: return withUnsafeBytes(of: UInt64(number).littleEndian) { Array($0) }
    case .csv: return mutator.random.below(3) == 0 ? mutator.mutated(seed) : mutator.mutatedWords(seed)
    case .hdf5, .npy, .jpeg, .webp, .gif, .bmp, .tiff, .cache: return mutator.mutated(seed)
    }
  }

  // MARK: The parsers

  /// Feeds the parser.
  ///
  /// - Throws: a `ZooError` for an input that it refuses, anything else for a fault.
  func run(_ input: [UInt8], folder: String) throws {
    switch self {
    case .hdf5, .npz, .npy, .safetensors, .pytorch:
      try readAll(write(input, to: "\(folder)/case.\(rawValue)"))
    case .keras: try readAll(write(input, to: "\(folder)/case.keras"))
    case .catalogue:
      let (answer, file) = AnsweredFile.parts(of: input)
      try HDF5Helper.readAll(of: ByteSlice(HeapBytes(file)), answer: answer)
    case .json:
      let document = try JSONValue(parsing: input, location: "case.json")
      let network = try kerasGraph(configuration: document, inputSize: nil)
      try EngineComparison.compare(network.graph, weights: EngineComparison.Weights())
    case .zoo:
      let file = try ZooFile(path: write(input, to: "\(folder)/case.zoo"), frames: Zstandard.shared)
      for record in file.tensors {
        let tensor = try file.tensor(for: record.slot)
        let size = record.shape.elementCount * record.elementType.byteCount
        guard tensor.shape == record.shape, tensor.elementType == record.elementType,
          tensor.bytes.count == size
        else {
          throw Inconsistency("tensor \(record.name) is not as its record says")
        }
        try file.verifyChecksum(record)
      }
      try EngineComparison.compare(file.document.graph, weights: file)
    case .csv: try TrainingInputs.readLabels(write(input, to: "\(folder)/case.csv"), in: folder)
    case .cache: try TrainingInputs.readCache(input, in: folder)
    case .training:
      try TrainingComparison.compare(seed: input.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    case .jpeg, .png, .webp, .gif, .bmp, .tiff:
      let image = try input.withUnsafeBytes {
        try Image(
          decoding: $0, from: "case", limits: ImageLimits(pixels: 1 << 24, fileBytes: 1 << 24), upright: true)
      }
      guard image.pixels.count == image.width * image.height * 3 else {
        throw Inconsistency("\(image.pixels.count) values for \(image.width)x\(image.height) pixels")
      }
    }
  }

  private func write(_ bytes: [UInt8], to path: String) throws -> String {
    // A new file, since the one before may still be mapped.
    try? FileManager.default.removeItem(atPath: path)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Opens the file and reads all of it, twice.
  private func readAll(_ path: String) throws {
    let file = try WeightFiles.open(path: path)
    var names: Set<String> = []
    for entry in file.tensors {
      guard names.insert(entry.name).inserted else { throw Inconsistency("two tensors \(entry.name)") }
      // What may be read one by one would still make a case long.
      guard entry.shape.elementCount <= 1 << 22 else { continue }
      let (first, second) = (try file.read(entry), try file.read(entry))
      guard first.shape == entry.shape, first.elementType == entry.elementType,
        first.doubles().count == entry.shape.elementCount
      else { throw Inconsistency("tensor \(entry.name) is not as its entry says") }
      let same = first.bytes.withUnsafeBytes { one in second.bytes.withUnsafeBytes { one.elementsEqual($0) } }
      guard same else { throw Inconsistency("tensor \(entry.name) differs when read again") }
    }
    if let configuration = file.modelConfiguration {
      _ = try kerasGraph(configuration: configuration, inputSize: nil)
    }
  }
}

/// An HDF5 file behind what the helper says of it, as one input: the answer's length in 8 bytes, the answer,
/// the file.
enum AnsweredFile {
  /// The input for a sound file; nil for one that does not start with HDF5's signature.
  static func make(_ file: [UInt8]) -> [UInt8]? {
    guard file.starts(with: [0x89, 0x48, 0x44, 0x46]) else { return nil }
    return joined(file.withUnsafeBytes { HDF5Helper.answer(about: $0, limits: ReadingLimits()) }, file)
  }

  static func joined(_ answer: [UInt8], _ file: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(answer.count).littleEndian) { Array($0) } + answer + file
  }

  static func parts(of input: [UInt8]) -> (answer: [UInt8], file: [UInt8]) {
    let count = input.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    return (Array(input[8..<8 + count]), Array(input[(8 + count)...]))
  }
}

/// A `.zoo` file taken apart.
struct ZooParts {
  let preamble: [UInt8]
  let header: [UInt8]
  let data: [UInt8]

  /// - Parameter file: a sound file.
  init(_ file: [UInt8]) {
    let end = 64 + (16..<20).reversed().reduce(0) { $0 << 8 | Int(file[$1]) }
    preamble = Array(file[..<64])
    header = Array(file[64..<end])
    data = Array(file[((end + 63) & ~63)...])
  }
}
