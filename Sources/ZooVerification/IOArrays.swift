import ZooGraph

/// The names that a network's inputs and outputs have among the arrays of an `.npz` file.
package enum IOArrays {
  private static let tapPrefix = "tap:"
  private static let truthSuffix = ":64"

  /// Of the batch (N, H, W, C) for an input: `x`, `x1`, ….
  package static func input(_ index: Int) -> String { index == 0 ? "x" : "x\(index)" }

  /// Of an output (N, …): `y`, `y1`, ….
  package static func output(_ index: Int) -> String { index == 0 ? "y" : "y\(index)" }

  /// Of what an inner layer gives (N, …): `tap:LAYER`.
  package static func tap(_ layer: String) -> String { tapPrefix + layer }

  /// Of the same array in double precision: `NAME:64`.
  package static func truth(of name: String) -> String { name + truthSuffix }

  package static func isTruth(_ name: String) -> Bool { name.hasSuffix(truthSuffix) }

  /// The value that an output or a tap of this name has; nil where it is neither.
  package static func value(named name: String, in graph: Graph) -> Value? {
    if name.hasPrefix(tapPrefix) { return graph.value(named: String(name.dropFirst(tapPrefix.count))) }
    guard name.hasPrefix("y"), let index = name == "y" ? 0 : Int(name.dropFirst()),
      graph.outputs.indices.contains(index)
    else { return nil }
    return graph.outputs[index]
  }
}
