import ZooSystem
import ZooTensor

/// Keras 3's store: every layer's variables lie in a group `vars`, numbered, under a path of class
/// names: `layers/conv2d_3/vars/0`, or nested, `layers/functional/layers/conv2d_3/vars/0`.
///
/// A model of a class of its own has its layers under the names of its attributes too:
/// `backbone/layers/conv2d/vars/0`. On Windows, versions up to 3.0 wrote a path as one name,
/// `layers\\conv2d_3`.
enum StoreLayout {
  /// Where layers lie; the second is how the first version with this layout, that of TensorFlow 2.13, calls it.
  private static let roots: Set<String> = [current, older]
  private static let current = "layers"
  private static let older = "_layer_checkpoint_dependencies"
  private static let variables = "vars"
  /// Ends the container of what an attribute of an object holds and no list of layers does.
  private static let attributes = "."

  private static let depthLimit = 64

  /// Members of the root group that are state of training, by what they hold.
  private static let training = [
    "optimizer": TrainingState.optimizer, "metrics": TrainingState.metrics, "_metrics": TrainingState.metrics,
    "loss_tracker": TrainingState.metrics,
    "_loss_tracker": TrainingState.metrics, "compile_metrics": TrainingState.metrics,
    "_compile_metrics": TrainingState.metrics,
    "compile_loss": TrainingState.metrics, "_compile_loss": TrainingState.metrics,
  ]

  /// Whether a file whose root group has these members is a store.
  static func isStore(_ file: HDF5File, members: [(name: String, isDataset: Bool)]) -> Bool {
    let groups = members.lazy.filter { !$0.isDataset }.map(\.name)
    if groups.contains(where: { name in
      parts(of: name).first.map { roots.contains($0) || $0 == variables } == true
    }) {
      return true
    }
    // A shard, or a model without variables of its own, may have nothing but its attributes there.
    for name in groups {
      let inner = (try? file.members(of: name, limit: KerasFile.tensorLimit)) ?? []
      if inner.contains(where: { !$0.isDataset && ($0.name == variables || roots.contains($0.name)) }) {
        return true
      }
    }
    return false
  }

  /// Lists the weights, by container, class and number.
  ///
  /// - Parameter isShard: whether the file is one of several, which may each have a part of a layer.
  static func contents(of file: HDF5File, isShard: Bool = false) throws(ZooError) -> KerasContents {
    var walk = Walk(file: file, isShard: isShard)
    for member in try file.members(of: "", limit: KerasFile.tensorLimit) {
      if let reason = training[parts(of: member.name).first ?? ""] {
        try walk.ignore(member.name, reason, isDataset: member.isDataset)
      } else if member.name == variables, !member.isDataset {
        try walk.addVariables(variables, owner: [])
      } else {
        try walk.visit(member.name, place: [], name: member.name, isDataset: member.isDataset, depth: 0)
      }
    }
    let tensors = walk.sortedTensors
    var contents = KerasContents(tensors: tensors, ignored: walk.ignored)
    if !walk.layersWithoutWeights.isEmpty {
      contents.layers = Set(tensors.compactMap(\.entry.layer)).sorted() + walk.layersWithoutWeights
    }
    return contents
  }

  /// A path or name of groups in its parts, whichever system wrote it.
  private static func parts(of path: String) -> [String] {
    path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).map(String.init)
  }

  /// The names that current versions give to the layers that TensorFlow 2.13 calls `names`.
  ///
  /// It counts a layer with weights twice, once for each of two lists that it is in, so that numbers skip
  /// (`conv2d`, `conv2d_2`, …). The ranks among the layers of one class are the current numbers.
  private static func currentNames(of names: [String]) -> [String: String] {
    var current: [String: String] = [:]
    for (className, group) in Dictionary(grouping: names, by: { TensorNames.numbered($0).base }) {
      let ranked = group.sorted { TensorNames.numbered($0).number < TensorNames.numbered($1).number }
      for (rank, name) in ranked.enumerated() {
        current[name] = rank == 0 ? className : "\(className)_\(rank)"
      }
    }
    return current
  }

  /// Whether the group at `path` is one of a layer's variables, as opposed to those of training.
  static func isLayer(_ path: String) -> Bool {
    let parts = parts(of: path)
    return parts.count > 1 && training[parts[0]] == nil
      && !parts.contains { TensorNames.withoutNumber($0) == "seed_generator" }
  }

  /// Whether layers that lie under `path` are all attributes or members of a model of a class of its own, as
  /// opposed to a model of layers.
  static func isAttribute(_ path: String) -> Bool { !roots.contains(parts(of: path).first ?? "") }

  /// By container, class, and numbers as numbers; what is no layer's last.
  static func sorted(_ entries: [TensorEntry]) -> [TensorEntry] {
    entries.sorted { order($0).lexicographicallyPrecedes(order($1)) }
  }

  /// Numbers in names compare as numbers.
  private static func order(_ entry: TensorEntry) -> [SortPart] {
    guard let key = entry.storeKey else { return [.last(entry.name)] }
    return [.text(key.container), .text(key.className), .number(key.ordinal), .number(key.variable)]
  }

  private enum SortPart: Comparable {
    case number(Int)
    case text(String)
    case last(String)
  }

  private struct Walk {
    let file: HDF5File
    let isShard: Bool
    private var found: [Found] = []
    /// Every group of a layer, whether it holds anything or not.
    private var groups: [[String]] = []
    private(set) var ignored: [(name: String, reason: String)] = []
    /// The names of layers whose variables are none; where the file has no names, those of their groups.
    private(set) var layersWithoutWeights: [String] = []
    /// Hard links can form cycles: all steps count, whatever they lead to.
    private var steps = 0

    /// A dataset and the group that owns it, by the names that the file gives to what encloses it.
    private struct Found {
      let dataset: HDF5Dataset
      let owner: [String]
      let layer: String?
      /// Its number in `vars`; nil for what lies elsewhere or has another name.
      let index: Int?
    }

    init(file: HDF5File, isShard: Bool) {
      self.file = file
      self.isShard = isShard
    }

    /// - Parameter place: the names of all enclosing groups.
    mutating func visit(
      _ path: String, place: [String], name: String, isDataset: Bool, depth: Int
    ) throws(ZooError) {
      try countStep(path, depth: depth)
      guard !isDataset else { return try add(path, owner: place, layer: nil, index: nil) }
      let place = place + StoreLayout.parts(of: name)
      groups.append(place)
      if let last = place.last, TensorNames.withoutNumber(last) == "seed_generator" {
        return try ignore(path, TrainingState.generator, isDataset: false)
      }
      for member in try file.members(of: path, limit: KerasFile.tensorLimit) {
        let inner = "\(path)/\(member.name)"
        if member.name == StoreLayout.variables, !member.isDataset {
          try addVariables(inner, owner: place)
        } else {
          try visit(inner, place: place, name: member.name, isDataset: member.isDataset, depth: depth + 1)
        }
      }
    }

    mutating func addVariables(_ path: String, owner: [String]) throws(ZooError) {
      let variables = try file.members(of: path, limit: KerasFile.tensorLimit)
      let layer = try file.string("name", of: path)
      guard !variables.isEmpty else {
        // The model itself is no layer.
        if let group = owner.last { layersWithoutWeights.append(layer ?? group) }
        return
      }
      let indices = Set(variables.compactMap { Int($0.name) })
      // A layer of somebody's own may call its variables as it likes.
      let areNumbered = indices.count == variables.count
      guard !areNumbered || isShard || indices == Set(variables.indices) else {
        throw file.malformed(
          path, "its \(variables.count) variables are not named 0 to \(variables.count - 1)")
      }
      for variable in variables {
        let inner = "\(path)/\(variable.name)"
        guard variable.isDataset else {
          try visit(inner, place: owner, name: variable.name, isDataset: false, depth: 0)
          continue
        }
        try countStep(path, depth: 0)
        try add(inner, owner: owner, layer: layer, index: areNumbered ? Int(variable.name) : nil)
      }
    }

    private mutating func add(
      _ path: String, owner: [String], layer: String?, index: Int?
    ) throws(ZooError) {
      do {
        found.append(Found(dataset: try file.dataset(path), owner: owner, layer: layer, index: index))
      } catch {
        // What Keras did not write need not be numbers.
        guard index == nil else { throw error }
        ignored.append((path, error.why))
      }
    }

    /// All that was found, in order.
    var sortedTensors: [(entry: TensorEntry, dataset: HDF5Dataset)] {
      let names = namesOfOlderVersion
      let tensors = found.map { found in
        let entry = TensorEntry(
          name: found.dataset.path, shape: found.dataset.shape, elementType: found.dataset.elementType,
          layer: found.owner.isEmpty ? nil : found.layer,
          storeKey: found.index.flatMap { key(of: found.owner, variable: $0, names) })
        return (entry: entry, dataset: found.dataset)
      }
      return tensors.sorted { order($0.entry).lexicographicallyPrecedes(order($1.entry)) }
    }

    /// Of every group of layers that TensorFlow 2.13 wrote, the current names of its members.
    private var namesOfOlderVersion: [[String]: [String: String]] {
      var members: [[String]: Set<String>] = [:]
      for group in groups {
        for (index, part) in group.enumerated() where part == older && index + 1 < group.count {
          members[Array(group[...index]), default: []].insert(group[index + 1])
        }
      }
      return members.mapValues { StoreLayout.currentNames(of: Array($0)) }
    }

    /// Splits `layers/functional/layers/conv2d_3` into `layers/functional`, `conv2d` and 3, and `block/conv`,
    /// which is no member of a list of layers, into `block/.`, `conv` and 0; nil for variables of the model itself.
    private func key(
      of owner: [String], variable: Int, _ names: [[String]: [String: String]]
    ) -> StoreKey? {
      var parts = owner.enumerated().map { index, part in
        if part == older { return current }
        return names[Array(owner[..<index])]?[part] ?? part
      }
      guard let last = parts.popLast() else { return nil }
      let (className, ordinal) = TensorNames.numbered(last)
      if parts.last == current { parts.removeLast() } else { parts.append(attributes) }
      return StoreKey(
        container: parts.joined(separator: "/"), className: className, ordinal: ordinal, variable: variable)
    }

    /// Notes what `path` holds as left out, unless it holds nothing.
    mutating func ignore(_ path: String, _ reason: String, isDataset: Bool) throws(ZooError) {
      if isDataset { return ignored.append((path, reason)) }
      if try holdsData(path, depth: 0) { ignored.append((path, reason)) }
    }

    private mutating func holdsData(_ path: String, depth: Int) throws(ZooError) -> Bool {
      try countStep(path, depth: depth)
      for member in try file.members(of: path, limit: KerasFile.tensorLimit) {
        if member.isDataset { return true }
        if try holdsData("\(path)/\(member.name)", depth: depth + 1) { return true }
      }
      return false
    }

    private mutating func countStep(_ path: String, depth: Int) throws(ZooError) {
      steps += 1
      guard steps <= KerasFile.tensorLimit else {
        throw file.unsupported(path, "more than \(KerasFile.tensorLimit) groups and tensors")
      }
      guard depth <= depthLimit else {
        throw file.unsupported(path, "groups nested more than \(depthLimit) deep")
      }
    }
  }
}
