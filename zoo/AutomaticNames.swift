import ZooGraph

/// The numbers in layers' names that Keras gave automatically, `conv2d_12`.
///
/// A session counts on from model to model, and older versions begin at 1: only the order of the numbers says
/// which layer is meant, which is that in which the network's code makes them.
package struct AutomaticNames: Sendable {
  /// The current name of the class in a layer's name; Keras 1 writes them without underscores.
  private static let classes = [
    "conv2d": "conv2d", "convolution2d": "conv2d", "batch_normalization": "batch_normalization",
    "batchnormalization": "batch_normalization",
  ]

  /// By the name in a file, the name in a fresh session.
  private let current: [String: String]

  /// None.
  package init() { current = [:] }

  /// Of all `layers` of a file, which may have paths.
  package init(of layers: some Sequence<String>) {
    var numbered: [String: [(number: Int, name: String)]] = [:]
    for path in layers {
      let name = path.split(whereSeparator: { $0 == "/" || $0 == "." }).last.map(String.init) ?? path
      guard let (className, number) = Self.parts(of: name) else { continue }
      numbered[className, default: []].append((number, name))
    }
    var current: [String: String] = [:]
    for (className, layers) in numbered {
      var place = 0
      for layer in layers.sorted(by: { $0.number < $1.number }) where current[layer.name] == nil {
        current[layer.name] = place == 0 ? className : "\(className)_\(place)"
        place += 1
      }
    }
    self.current = current
  }

  private static func parts(of name: String) -> (className: String, number: Int)? {
    if let className = classes[name] { return (className, 0) }
    guard let cut = name.lastIndex(of: "_"), let className = classes[String(name[..<cut])],
      let number = Int(name[name.index(after: cut)...])
    else { return nil }
    return (className, number)
  }

  /// The layer of `graph` that a file calls `name`, where both have automatic names.
  func current(_ name: String, in graph: Graph) -> String? {
    guard let current = current[name], graph.node(named: current) != nil else { return nil }
    return current
  }
}
