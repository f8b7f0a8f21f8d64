import ZooSystem
import ZooTensor

/// Keras 3's store: every layer's variables lie in a group `vars`, numbered, under a path of class
/// names: `layers/conv2d_3/vars/0`, or nested, `layers/functional/layers/conv2d_3/vars/0`.
enum StoreLayout {
  /// Where layers lie; the second is how the first version with this layout, that of TensorFlow 2.13, calls it.
  static let roots: Set<String> = ["layers", older, "vars"]

  private static let older = "_layer_checkpoint_dependencies"

  private static let depthLimit = 64

  /// Lists the weights, by container, class and number.
  ///
  /// - Parameter isShard: whether the file is one of several, which may each have a part of a layer.
  static func contents(of file: HDF5File, isShard: Bool = false) throws(ZooError) -> KerasContents {
    var walk = Walk(file: file, isShard: isShard)
    for member in try file.members(of: "", limit: KerasFile.tensorLimit) {
      switch member.name {
      case "layers", older:
        try walk.visit(member.name, place: "layers", isDataset: member.isDataset, depth: 0)
      case "vars":
        try walk.ignore(member.name, "variables of the model itself, outside of any layer")
      case "optimizer":
        try walk.ignore(member.name, "the optimizer's state")
      default:
        try walk.ignore(member.name, "not a layer: metrics or other state of training")
      }
    }
    walk.contents.tensors.sort { order($0.entry).lexicographicallyPrecedes(order($1.entry)) }
    return walk.contents
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
    let parts = path.split(separator: "/").map(String.init)
    return parts.count > 1 && ["layers", older].contains(parts[0])
      && !parts.contains { TensorNames.withoutNumber($0) == "seed_generator" }
  }

  /// By container, class, and numbers as numbers.
  static func sorted(_ entries: [TensorEntry]) -> [TensorEntry] {
    entries.sorted { order($0).lexicographicallyPrecedes(order($1)) }
  }

  /// Numbers in names compare as numbers.
  private static func order(_ entry: TensorEntry) -> [SortPart] {
    guard let key = entry.storeKey else { return [] }
    return [.text(key.container), .text(key.className), .number(key.ordinal), .number(key.variable)]
  }

  private enum SortPart: Comparable {
    case number(Int)
    case text(String)
  }

  private struct Walk {
    let file: HDF5File
    let isShard: Bool
    var contents = KerasContents()
    /// Hard links can form cycles: all steps count, whatever they lead to.
    var steps = 0

    /// - Parameter place: the path as current versions would write it.
    mutating func visit(
      _ path: String, place: String, isDataset: Bool, depth: Int
    ) throws(ZooError) {
      try countStep(path, depth: depth)
      guard !isDataset else { throw file.malformed(path, "a dataset where a group of a layer was expected") }
      let members = try file.members(of: path, limit: KerasFile.tensorLimit)
      let names =
        path.split(separator: "/").last.map(String.init) == older
        ? StoreLayout.currentNames(of: members.map(\.name)) : [:]
      for member in members {
        let inner = "\(path)/\(member.name)"
        if member.name == "vars", !member.isDataset {
          try addVariables(inner, owner: place)
        } else if TensorNames.withoutNumber(member.name) == "seed_generator" {
          try ignore(inner, "the state of a random generator")
        } else {
          let name = member.name == older ? "layers" : names[member.name] ?? member.name
          try visit(inner, place: "\(place)/\(name)", isDataset: member.isDataset, depth: depth + 1)
        }
      }
    }

    private mutating func addVariables(_ path: String, owner: String) throws(ZooError) {
      let variables = try file.members(of: path, limit: KerasFile.tensorLimit)
      guard !variables.isEmpty else { return }
      let layer = try file.string("name", of: path)
      let (container, className, ordinal) = place(of: owner)
      let indices = Set(variables.compactMap { Int($0.name) })
      guard isShard && indices.count == variables.count || indices == Set(variables.indices) else {
        throw file.malformed(
          path, "its \(variables.count) variables are not named 0 to \(variables.count - 1)")
      }
      for variable in variables {
        try countStep(path, depth: 0)
        guard variable.isDataset, let index = Int(variable.name) else {
          throw file.malformed("\(path)/\(variable.name)", "a group where a variable was expected")
        }
        let dataset = try file.dataset("\(path)/\(variable.name)")
        let key = StoreKey(container: container, className: className, ordinal: ordinal, variable: index)
        let entry = TensorEntry(
          name: dataset.path, shape: dataset.shape, elementType: dataset.elementType, layer: layer,
          variable: nil, storeKey: key)
        contents.tensors.append((entry, dataset))
      }
    }

    /// Splits `layers/functional/layers/conv2d_3` into `layers/functional`, `conv2d` and 3.
    private func place(of owner: String) -> (container: String, className: String, ordinal: Int) {
      var parts = owner.split(separator: "/")
      let (className, ordinal) = TensorNames.numbered(parts.popLast().map(String.init) ?? "")
      if parts.last == "layers" { parts.removeLast() }
      return (parts.joined(separator: "/"), className, ordinal)
    }

    /// Notes what `path` holds as left out, unless it holds nothing.
    mutating func ignore(_ path: String, _ reason: String) throws(ZooError) {
      if try holdsData(path, depth: 0) { contents.ignored.append((path, reason)) }
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
