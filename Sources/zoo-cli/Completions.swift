import ArgumentParser
import ModelZooTools

extension CompletionKind {
  /// `.zoo` files.
  static let zooFiles = CompletionKind.file(extensions: ["zoo"])
  /// All that holds a model or its weights. A file of another name is read too, but not offered.
  static let modelFiles = CompletionKind.file(
    extensions: ["zoo", "h5", "hdf5", "keras", "npz", "npy", "safetensors", "pt", "pth", "json"])

  /// The layers of the `.zoo` file that the command line names.
  static let layers = CompletionKind.custom { words, _, prefix in
    guard let path = words.first(where: { $0.hasSuffix(".zoo") }),
      let summary = try? ModelSummary(path: path)
    else { return [] }
    return summary.layers.map(\.name).filter { $0.hasPrefix(prefix) }
  }
}
