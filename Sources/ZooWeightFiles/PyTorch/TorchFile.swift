import ZooSystem
import ZooTensor

/// The tensors of a file that `torch.save` or `torch.jit.save` wrote.
///
/// The pickle in it is read as data by ``PickleMachine``, so that nothing in it can run.
final class TorchFile: WeightFile {
  let path: String
  let layout = WeightFileLayout.pyTorch
  let writer: String?
  let tensors: [TensorEntry]
  let ignored: [(name: String, reason: String)]
  let modelConfiguration: JSONValue? = nil
  let remark: String?

  private let storages: TorchStorages
  private let views: [String: TorchTensor]

  /// Opens the ZIP archive that `bytes` are, as PyTorch writes them since version 1.6.
  convenience init(path: String, archive bytes: ByteSlice) throws(ZooError) {
    let archive = try ZipArchive(bytes: bytes, location: path)
    guard let pickle = Self.pickle(in: archive) else {
      throw ZooError(.malformed, "PyTorch file", at: path, "it has no data.pkl")
    }
    let folder = String(pickle.name.dropLast(Self.pickleName.count))
    if let order = archive[folder + "byteorder"] {
      let start = try archive.prefix(of: order, count: 16)
      let text = String(decoding: start, as: UTF8.self)
      guard text == "little" else { throw Self.bigEndian(path, "its byteorder is '\(text)'") }
    }
    let limit = ReadingLimits.current.text
    guard pickle.size <= limit else {
      throw ZooError(
        .unsupported, "PyTorch file", at: "\(path), \(pickle.name)",
        "a pickle of \(pickle.size) bytes, more than \(limit)", remedy: ReadingLimits.remedy("text"))
    }
    let contents = try archive.bytes(of: pickle, checked: pickle.checksum != 0)
    let (root, heap) = try contents.withUnsafeBytes { bytes throws(ZooError) in
      var machine = PickleMachine(bytes, location: "\(path), \(pickle.name)")
      return (try machine.run(), machine.heap)
    }
    let isScript = archive[folder + "constants.pkl"] != nil
    try self.init(
      path: path, writer: isScript ? "PyTorch (TorchScript)" : "PyTorch",
      weights: StateDictionary(in: root, of: heap, location: path),
      storages: TorchStorages(archive: archive, folder: folder))
  }

  /// Opens the file that `bytes` are, as PyTorch wrote them before version 1.6: a number, its version, a
  /// dictionary about the system, the object, the keys of its storages (a pickle each), and the storages.
  convenience init(path: String, legacy bytes: ByteSlice) throws(ZooError) {
    var position = 0
    func next() throws(ZooError) -> (PickleValue, PickleHeap) {
      try bytes.withUnsafeBytes { bytes throws(ZooError) in
        var machine = PickleMachine(bytes, at: position, location: path)
        let value = try machine.run()
        position = machine.position
        return (value, machine.heap)
      }
    }
    _ = try next()
    _ = try next()
    let (system, systemHeap) = try next()
    if let order = systemHeap[system].flatMap({ object in
      zip(object.keys, object.values).first { $0.0 == .text("little_endian") }
    }) {
      guard order.1 != .bool(false) else { throw Self.bigEndian(path, "its little_endian is False") }
    }
    let (root, heap) = try next()
    let (keys, keyHeap) = try next()
    let names = keyHeap[keys]?.items.compactMap(\.text)
    guard let names, names.count == keyHeap[keys]?.items.count else {
      throw ZooError(.malformed, "PyTorch file", at: path, "it does not list its storages")
    }
    try self.init(
      path: path, writer: "PyTorch (before 1.6)",
      weights: StateDictionary(in: root, of: heap, location: path),
      storages: TorchStorages(
        of: bytes, keys: names, storages: Self.storages(in: heap, location: path), from: position,
        location: path))
  }

  private init(
    path: String, writer: String, weights: StateDictionary, storages: TorchStorages
  ) throws(ZooError) {
    var entries: [TensorEntry] = []
    var views: [String: TorchTensor] = [:]
    var ignored = weights.ignored
    for (name, tensor) in weights.tensors {
      let location = "\(path), \(name)"
      if tensor.shape.elementCount > 0 { try storages.check(tensor.storage, location: location) }
      if !tensor.isContiguous {
        // A tensor may repeat what it stores.
        try Expansion.check(
          declared: tensor.shape.elementCount * tensor.elementType.byteCount, stored: tensor.reach,
          limit: Expansion.zip
        ) { why, remedy in ZooError(.unsupported, "PyTorch file", at: location, why, remedy: remedy) }
      }
      let parts = TensorNames.parts(ofArray: name)
      let entry = TensorEntry(
        name: name, shape: tensor.shape, elementType: tensor.elementType, layer: parts.layer,
        variable: parts.layer == nil ? nil : parts.variable)
      if TensorNames.isCounter(entry) {
        ignored.append((name, TrainingState.counter))
        continue
      }
      entries.append(entry)
      views[name] = tensor
    }
    self.path = path
    self.writer = writer
    self.tensors = entries
    self.ignored = ignored
    self.views = views
    self.storages = storages
    remark = weights.path.isEmpty ? nil : "its weights are in '\(weights.path.joined(separator: "."))'"
  }

  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    let location = "\(path), \(entry.name)"
    func damaged() -> ZooError { ZooError(.malformed, "PyTorch file", at: location, "no such tensor") }
    guard let tensor = views[entry.name] else { throw damaged() }
    let size = tensor.elementType.byteCount
    let source: ByteSlice
    if tensor.shape.elementCount == 0 {
      source = ByteSlice(HeapBytes([UInt8]()))
    } else {
      let storage = try storages.bytes(of: tensor.storage.key, location: location)
      guard let part = storage.part(at: tensor.start, count: tensor.reach) else { throw damaged() }
      source = part
    }
    var bytes = source
    if !tensor.isContiguous {
      bytes = ByteSlice(
        HeapBytes(count: tensor.shape.elementCount * size) { target in
          source.withUnsafeBytes { tensor.view.copy($0, into: target, size: size) }
        })
    }
    guard let stored = StoredTensor(shape: tensor.shape, elementType: tensor.elementType, bytes: bytes) else {
      throw damaged()
    }
    return stored
  }

  // MARK: Recognising

  private static let pickleName = "data.pkl"

  /// The member of an archive that holds what was saved; nil where there is none.
  static func pickle(in archive: ZipArchive) -> ZipMember? {
    archive.members.first { member in
      member.name.hasSuffix("/\(pickleName)") && member.name.count { $0 == "/" } == 1
        || member.name == pickleName
    }
  }

  /// What the pickle of an older file says of each storage: how many elements it has, and their size.
  private static func storages(
    in heap: PickleHeap, location: String
  ) throws(ZooError) -> [String: (count: Int, size: Int)] {
    var all: [String: (count: Int, size: Int)] = [:]
    for number in heap.objects.indices {
      guard let storage = try TorchStorage(.object(number), in: heap, location: location) else { continue }
      let found = (count: storage.wholeCount, size: storage.elementSize)
      if let known = all.updateValue(found, forKey: storage.key), known != found {
        throw ZooError(
          .malformed, "PyTorch file", at: location, "tensors disagree about storage \(storage.key)")
      }
    }
    return all
  }

  private static func bigEndian(_ path: String, _ why: String) -> ZooError {
    ZooError(
      .unsupported, "PyTorch file", at: path, "it was written on a big-endian machine: \(why)",
      remedy: "Load it with torch.load on a little-endian machine, and save it again with torch.save.")
  }
}
