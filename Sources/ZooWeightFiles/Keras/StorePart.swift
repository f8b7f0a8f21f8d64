import ZooSystem
import ZooTensor

/// One of the models inside a Keras 3 store, as if it were the store's only content: what a model has as an
/// attribute (`backbone/layers/…`) or as one of its layers (`layers/functional/layers/…`).
package struct StorePart: WeightFile {
  private let whole: any WeightFile
  package let tensors: [TensorEntry]
  package let ignored: [(name: String, reason: String)]

  package var path: String { whole.path }
  package var layout: WeightFileLayout { whole.layout }
  package var writer: String? { whole.writer }
  package var modelConfiguration: JSONValue? { nil }
  package var backend: String? { whole.backend }
  package var sourcePaths: [String] { whole.sourcePaths }

  package func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor { try whole.read(entry) }

  /// The parts of `file` that are models, those of most tensors first.
  package static func parts(of file: any WeightFile) -> [(container: String, file: StorePart)] {
    let containers = Set(file.tensors.compactMap(\.storeKey?.container)).filter {
      !$0.isEmpty && !$0.hasSuffix(".")
    }
    return containers.sorted().map { ($0, StorePart(of: file, at: $0)) }
      .sorted { $0.1.tensors.count > $1.1.tensors.count }
  }

  private init(of whole: any WeightFile, at container: String) {
    self.whole = whole
    var (inside, outside): ([TensorEntry], [TensorEntry]) = ([], [])
    for entry in whole.tensors {
      if let key = entry.storeKey?.relative(to: container) {
        inside.append(
          TensorEntry(
            name: entry.name, shape: entry.shape, elementType: entry.elementType, layer: entry.layer,
            variable: entry.variable, container: entry.container, storeKey: key))
      } else {
        outside.append(entry)
      }
    }
    tensors = inside
    ignored =
      outside.map { ($0.name, "outside '\(container)', which holds the network") } + whole.ignored
  }
}

extension StoreKey {
  /// The place as seen from `container`; nil for one that is not inside it.
  fileprivate func relative(to container: String) -> StoreKey? {
    guard self.container == container || self.container.hasPrefix(container + "/") else { return nil }
    return StoreKey(
      container: String(self.container.dropFirst(container.count + 1)), className: className,
      ordinal: ordinal, variable: variable)
  }
}

extension WeightFile {
  /// The first names under which a model of a class of its own keeps layers, in order; empty where the file
  /// is no such model's.
  package var attributes: [String] {
    guard [.kerasStore, .kerasArchive, .kerasShards].contains(layout) else { return [] }
    let names = tensors.filter { $0.storeKey != nil }.map(\.name).filter(StoreLayout.isAttribute)
      .compactMap { $0.split(separator: "/").first.map(String.init) }
    return Set(names).subtracting(["vars"]).sorted()
  }
}
