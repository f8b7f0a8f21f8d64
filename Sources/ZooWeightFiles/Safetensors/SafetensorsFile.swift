import ZooSystem
import ZooTensor

/// The tensors of a safetensors file, by the names that it gives them.
final class SafetensorsFile: WeightFile {
  let path: String
  let layout = WeightFileLayout.safetensors
  let writer: String?
  let tensors: [TensorEntry]
  let ignored: [(name: String, reason: String)]
  let modelConfiguration: JSONValue? = nil

  private let bytes: ByteSlice
  private let ranges: [String: Range<Int>]

  /// Opens the file that `bytes` are.
  init(path: String, bytes: ByteSlice) throws(ZooError) {
    let header = try SafetensorsHeader(of: bytes, location: path)
    self.path = path
    self.bytes = bytes
    writer = header.metadata["writer"]
    let entries = header.tensors.map { tensor in
      let parts = TensorNames.parts(ofArray: tensor.name)
      return TensorEntry(
        name: tensor.name, shape: tensor.shape, elementType: tensor.elementType, layer: parts.layer,
        variable: parts.layer == nil ? nil : parts.variable)
    }
    tensors = entries.filter { !TensorNames.isCounter($0) }
    ignored = entries.filter(TensorNames.isCounter).map { ($0.name, TrainingState.counter) }
    ranges = Dictionary(
      header.tensors.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
  }

  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    guard let range = ranges[entry.name], let data = bytes.part(at: range.lowerBound, count: range.count),
      let tensor = StoredTensor(shape: entry.shape, elementType: entry.elementType, bytes: data)
    else {
      throw ZooError(.malformed, "safetensors file", at: "\(path), \(entry.name)", "no such tensor")
    }
    return tensor
  }
}
