import ZooSystem
import ZooTensor

/// The weights that a PyTorch file holds, found in whatever `torch.save` was given: a dictionary of tensors,
/// a checkpoint with one in it, a module, or an archive of TorchScript.
struct StateDictionary {
  private(set) var tensors: [(name: String, tensor: TorchTensor)] = []
  private(set) var ignored: [(name: String, reason: String)] = []
  /// The keys under which the weights are in a checkpoint: `state_dict`, or `ema.model`.
  private(set) var path: [String] = []

  private let heap: PickleHeap
  private let location: String
  private let limits = ReadingLimits.current
  private var steps = 0

  /// Under which a checkpoint has its weights; the first that is there counts.
  private static let names = [
    "state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params",
    "state_dict_ema", "model_ema", "ema_state_dict", "ema", "params_ema",
  ]
  private static let dictionaries = [
    "collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict",
  ]
  private static let nameLimit = 1000

  /// Finds the weights in what the pickle describes.
  ///
  /// - Throws: where a tensor is damaged or of a kind that is not read, or a limit is exceeded.
  init(in root: PickleValue, of heap: PickleHeap, location: String) throws(ZooError) {
    self.heap = heap
    self.location = location
    let weights = try weights(in: root)
    try collect(weights)
  }

  // MARK: Which part has the weights

  /// What holds the weights of a checkpoint, else `root` itself.
  private mutating func weights(in root: PickleValue) throws(ZooError) -> PickleValue {
    var value = root
    while path.count < 8, let entries = entries(ofDictionary: value),
      !entries.contains(where: { TorchTensor.isTensor($0.value, in: heap) })
    {
      var holders: [(key: String, value: PickleValue)] = []
      for entry in entries where try holdsTensors(entry.value) { holders.append(entry) }
      let others = holders.filter { !Self.isTraining($0.key) }
      let named = Self.names.lazy.compactMap { name in others.first { $0.key == name } }.first
      guard let chosen = named ?? (others.count == 1 ? others.first : nil) else { break }
      path.append(chosen.key)
      for holder in holders where holder.key != chosen.key {
        ignored.append(
          (
            holder.key,
            Self.isTraining(holder.key)
              ? TrainingState.optimizer : "other weights than those of '\(chosen.key)', which are read"
          ))
      }
      value = chosen.value
    }
    return value
  }

  private static func isTraining(_ key: String) -> Bool {
    let key = key.lowercased()
    return ["optim", "scheduler", "scaler", "amp", "callbacks", "loops"].contains { key.hasPrefix($0) }
      || key.hasSuffix("optimizer") || key.hasSuffix("scheduler") || key.hasSuffix("scaler")
  }

  private mutating func holdsTensors(_ value: PickleValue) throws(ZooError) -> Bool {
    var open = [value]
    var seen: Set<Int> = []
    while let next = open.popLast() {
      guard case .object(let number) = next, seen.insert(number).inserted, let object = heap[next] else {
        continue
      }
      if TorchTensor.isTensor(next, in: heap) { return true }
      try count(object.items.count + object.values.count + object.arguments.count + 1)
      open += object.items + object.values + object.arguments + [object.state]
    }
    return false
  }

  // MARK: Its tensors

  /// Notes all tensors in `root` under the names that `state_dict()` gives them.
  private mutating func collect(_ root: PickleValue) throws(ZooError) {
    var open: [(value: PickleValue, name: String?, depth: Int)] = [(root, "", 0)]
    var seen: Set<String> = []
    while let (value, name, depth) = open.popLast() {
      if TorchTensor.isTensor(value, in: heap) {
        guard let name else { throw unsupported("a name of more than \(Self.nameLimit) bytes") }
        try add(value, named: name, &seen)
        continue
      }
      guard depth <= limits.depth else {
        throw unsupported("its values are nested more than \(limits.depth) deep", limit: "depth")
      }
      let children = children(of: value)
      try count(children.count)
      for (key, child) in children.reversed() {
        guard case .object = child else { continue }
        guard let key else {
          open.append((child, name, depth + 1))
          continue
        }
        let isShort = (name?.utf8.count ?? 0) + key.utf8.count < Self.nameLimit
        open.append((child, isShort ? name.map { $0.isEmpty ? key : "\($0).\(key)" } : nil, depth + 1))
      }
    }
  }

  private mutating func add(
    _ value: PickleValue, named name: String, _ seen: inout Set<String>
  ) throws(ZooError) {
    let name = name.isEmpty ? "tensor" : name
    let tensor = try TorchTensor(value, in: heap, location: "\(location), \(name)")
    guard seen.insert(name).inserted else {
      throw ZooError(.malformed, "PyTorch file", at: "\(location), \(name)", "two tensors have this name")
    }
    guard seen.count <= limits.tensors else {
      throw unsupported("more than \(limits.tensors) tensors", limit: "tensors")
    }
    tensors.append((name, tensor))
  }

  /// What is inside a value, with the part that it adds to names; nil for none.
  private func children(of value: PickleValue) -> [(key: String?, value: PickleValue)] {
    if let entries = entries(ofDictionary: value) { return entries.map { ($0.key, $0.value) } }
    guard let object = heap[value] else { return [] }
    switch object.kind {
    case .list, .tuple, .set:
      return object.items.enumerated().map { ("\($0.offset)", $0.element) }
    case .dictionary, .persistent: return []
    case .record:
      let items = object.items.enumerated().map { (key: String?("\($0.offset)"), value: $0.element) }
      return attributes(of: object) + unique(object.keys, object.values).map { ($0.key, $0.value) } + items
    }
  }

  /// The attributes of an object: of a module its parameters, buffers and modules, else all of them.
  private func attributes(of object: PickleHeap.Object) -> [(key: String?, value: PickleValue)] {
    var all: [(key: String, value: PickleValue)] = []
    // A state may be a dictionary, or one with a dictionary of slots.
    for part in [object.state] + (heap.tuple(object.state) ?? []) {
      all += entries(ofDictionary: part) ?? []
    }
    let parts = ["_parameters", "_buffers", "_modules"].compactMap { name in all.first { $0.key == name } }
    guard !parts.isEmpty else { return all.map { ($0.key, $0.value) } }
    let passing = all.first { $0.key == "_non_persistent_buffers_set" }.flatMap { names(in: $0.value) } ?? []
    return parts.flatMap { part in
      (entries(ofDictionary: part.value) ?? [])
        .filter { part.key != "_buffers" || !passing.contains($0.key) }
        .map { ($0.key, $0.value) }
    }
  }

  /// The texts of a set, which older protocols make by a call with a list.
  private func names(in value: PickleValue) -> Set<String>? {
    guard let object = heap[value] else { return nil }
    let items = object.kind == .record ? object.arguments.first.flatMap { heap[$0]?.items } : object.items
    return items.map { Set($0.compactMap(\.text)) }
  }

  /// The entries of a dictionary, of whatever class, in its order; nil for what is none.
  private func entries(ofDictionary value: PickleValue) -> [(key: String, value: PickleValue)]? {
    guard let object = heap[value] else { return nil }
    switch object.kind {
    case .dictionary: return unique(object.keys, object.values)
    case .record where Self.dictionaries.contains(object.callee.global ?? ""):
      // Python 2 makes an OrderedDict of a list of pairs.
      let pairs =
        object.arguments.first.flatMap { heap[$0]?.items }?
        .compactMap { heap[$0]?.items }.filter { $0.count == 2 } ?? []
      return unique(pairs.map { $0[0] } + object.keys, pairs.map { $0[1] } + object.values)
    default: return nil
    }
  }

  /// The entries whose keys are texts or numbers; of a key that is set twice, the later value.
  private func unique(
    _ keys: [PickleValue], _ values: [PickleValue]
  ) -> [(key: String, value: PickleValue)] {
    var places: [PickleValue: Int] = [:]
    var entries: [(key: String, value: PickleValue)] = []
    for (key, value) in zip(keys, values) {
      guard let name = key.text ?? key.integer.map(String.init) else { continue }
      if let place = places[key] {
        entries[place].value = value
      } else {
        places[key] = entries.count
        entries.append((name, value))
      }
    }
    return entries
  }

  // MARK: Limits

  private mutating func count(_ more: Int) throws(ZooError) {
    steps += more
    guard steps <= limits.objects else {
      throw unsupported("more than \(limits.objects) values", limit: "objects")
    }
  }

  private func unsupported(_ why: String, limit: String? = nil) -> ZooError {
    ZooError(.unsupported, "PyTorch file", at: location, why, remedy: limit.map(ReadingLimits.remedy))
  }
}
