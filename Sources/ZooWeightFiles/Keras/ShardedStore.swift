import ZooSystem
import ZooTensor

/// Keras 3's weights in several files: `NAME.weights.json` has a `weight_map` from groups of variables
/// (`/layers/dense/vars`) to the name of a file beside it, or to several where a group is spread.
final class ShardedStore: WeightFile {
  let path: String
  let layout = WeightFileLayout.kerasShards
  let writer: String? = "keras 3"
  let tensors: [TensorEntry]
  let ignored: [(name: String, reason: String)]
  let modelConfiguration: JSONValue? = nil
  let sourcePaths: [String]

  private let shardByTensor: [String: KerasFile]

  /// Far more than any model has.
  private static let shardLimit = 10_000

  /// Whether `bytes` look like an index.
  static func isIndex(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.first(where: { !" \n\r\t".utf8.contains($0) }) == UInt8(ascii: "{") else { return false }
    return String(decoding: bytes.prefix(1 << 16), as: UTF8.self).contains("\"weight_map\"")
  }

  init(path: String, index bytes: ByteSlice) throws(ZooError) {
    let map = try Self.weightMap(bytes, at: path)
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    var found: [String: KerasFile] = [:]
    var contents: [TensorEntry] = []
    var ignored: [(name: String, reason: String)] = []
    let names = Set(map.values.joined()).sorted()
    for name in names {
      let shard = try Self.shard(name, in: folder, of: path)
      for entry in shard.tensors {
        let group = entry.name.lastIndex(of: "/").map { "/" + entry.name[..<$0] } ?? "/"
        guard map[group]?.contains(name) == true else {
          throw Self.malformed(
            path, "shard '\(name)' holds '\(entry.name)', which the index places elsewhere")
        }
        guard found.updateValue(shard, forKey: entry.name) == nil else {
          throw Self.malformed(path, "two shards hold '\(entry.name)'")
        }
      }
      contents += shard.tensors
      for part in shard.ignored where !ignored.contains(where: { $0.name == part.name }) {
        ignored.append(part)
      }
    }
    try Self.checkGroups(of: map, contents, at: path)
    self.path = path
    tensors = StoreLayout.sorted(contents)
    self.ignored = ignored
    shardByTensor = found
    sourcePaths = [path] + names.map { folder + $0 }
  }

  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    guard let shard = shardByTensor[entry.name] else {
      throw Self.malformed(path, "no shard holds '\(entry.name)'")
    }
    return try shard.read(entry)
  }

  private static func weightMap(
    _ bytes: ByteSlice, at path: String
  ) throws(ZooError) -> [String: [String]] {
    let index = try JSONValue(parsing: bytes, location: path)
    guard let members = index["weight_map"]?.object, !members.isEmpty else {
      throw malformed(path, "it has no weight_map, or an empty one")
    }
    var map: [String: [String]] = [:]
    var names: Set<String> = []
    for (group, value) in members {
      let files = value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
      guard !files.isEmpty, files.count == value.array?.count ?? 1 else {
        throw malformed(path, "'\(group)' is mapped to neither a file name nor a list of them")
      }
      for name in files {
        // Shards lie beside their index: a name that leads elsewhere is no name that Keras writes.
        guard !name.isEmpty, name != ".", name != "..", !name.contains(where: { "/\\\0".contains($0) }) else {
          throw ZooError(
            .unsupported, "index of shards", at: path,
            "'\(name)' leads out of the folder and is not followed")
        }
      }
      names.formUnion(files)
      guard names.count <= shardLimit else { throw malformed(path, "more than \(shardLimit) shards") }
      map[group] = files
    }
    return map
  }

  private static func shard(
    _ name: String, in folder: String, of path: String
  ) throws(ZooError) -> KerasFile {
    guard isFile(folder + name) else {
      throw malformed(path, "its shard '\(name)' is missing")
    }
    let bytes = ByteSlice(try WeightFiles.map(folder + name))
    guard try FileFormat.recognise(bytes: bytes, location: folder + name) == .hdf5 else {
      throw malformed(path, "its shard '\(name)' is not an HDF5 file")
    }
    let shard = try KerasFile.open(path: folder + name, bytes: bytes, isShard: true)
    guard shard.layout == .kerasStore else {
      throw malformed(path, "its shard '\(name)' does not have the layout of Keras 3")
    }
    return shard
  }

  /// Checks that every group of layers that the index names is there, and none has gaps.
  private static func checkGroups(
    of map: [String: [String]], _ tensors: [TensorEntry], at path: String
  ) throws(ZooError) {
    var indices: [String: Set<Int>] = [:]
    for tensor in tensors {
      guard let cut = tensor.name.lastIndex(of: "/"), let key = tensor.storeKey else { continue }
      indices["/" + tensor.name[..<cut], default: []].insert(key.variable)
    }
    for group in map.keys.sorted() where StoreLayout.isLayer(group) {
      guard let found = indices[group] else {
        throw malformed(path, "the index lists '\(group)', but no shard has it")
      }
      guard found == Set(0..<found.count) else {
        throw malformed(path, "the variables of '\(group)' are not numbered 0 to \(found.count - 1)")
      }
    }
  }

  private static func malformed(_ path: String, _ why: String) -> ZooError {
    ZooError(.malformed, "index of shards", at: path, why)
  }
}
