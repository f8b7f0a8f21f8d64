import ModelZoo
import ZooGraph
import ZooReports
import ZooSystem

/// A file format for pictures of networks.
public enum GraphFormat: String, Sendable, CaseIterable {
  /// A web page in one file, whose blocks unfold and whose layers show their attributes and weights.
  case html
  /// A static picture of everything.
  case svg

  /// The format that a file's name ends in; nil where it ends in none.
  public init?(path: String) {
    let name = path.lowercased()
    if name.hasSuffix(".html") || name.hasSuffix(".htm") {
      self = .html
    } else if name.hasSuffix(".svg") {
      self = .svg
    } else {
      return nil
    }
  }
}

extension Model {
  /// A picture of the network, as `zoo inspect --graph` writes it: boxes from top to bottom, residual connections at
  /// their side, repeated blocks together.
  ///
  /// A web page shows each layer's weights too, so all of them are read.
  ///
  /// - Returns: the text of a file that needs no other file and no network.
  /// - Throws: `ZooError`, with the code `ZooError.Code.tooLarge` where the network has more than 10,000 layers.
  public func graphPicture(as format: GraphFormat) throws(ZooError) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let drawing = try GraphDrawing(graph, title: name)
    switch format {
    case .svg: return drawing.svg
    case .html:
      let subtitle: HTML = "\(architecture), \(variant)"
      return try drawing.page(subtitle: subtitle, weights: try weightSummaries()).html
    }
  }

  /// Writes a picture of the network, whole or not at all; its format is what the name ends in, a web page where that
  /// is neither `.html` nor `.svg`.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - overwrite: whether an existing file is replaced.
  /// - Throws: `ZooError` where the file can't be made, or the network has more than 10,000 layers.
  public func writeGraph(to path: String, overwrite: Bool = false) throws(ZooError) {
    try AtomicFile.checkPossible(path, overwrite: overwrite)
    let picture = try graphPicture(as: GraphFormat(path: path) ?? .html)
    let file = try AtomicFile(path: path)
    try file.write([UInt8](picture.utf8), at: 0)
    try file.commit(overwrite: overwrite)
  }

  /// The weights of each layer that has its own, by the index of its node.
  package func weightSummaries() throws(ZooError) -> [Int: [TensorSummary]] {
    var summaries: [Int: [TensorSummary]] = [:]
    for (index, node) in graph.nodes.enumerated() where !node.weights.isEmpty && node.sharing == nil {
      try Cancellation.check()
      summaries[index] = try ZooError.wrap {
        try node.weights.map { slot in
          let stored = try weights.tensor(for: slot)
          defer { stored.bytes.letGo() }
          return TensorSummary(name: slot.role.rawValue, tensor: stored)
        }
      }
    }
    return summaries
  }
}
