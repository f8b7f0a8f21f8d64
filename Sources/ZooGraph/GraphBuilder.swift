import ZooSystem
import ZooTensor

/// Builds a ``Graph`` layer by layer.
///
/// Mistakes (a repeated name, a window that doesn't fit) surface when ``build(outputs:)`` is called,
/// so that a definition reads without `try` at every line.
package struct GraphBuilder {
  private var layers: [Graph.Layer] = []
  private var shapes: [Shape?] = []
  /// How many layers of each class have been named automatically.
  private var automaticNames: [String: Int] = [:]

  package init() {}

  /// Adds a layer and returns its output.
  package mutating func add(_ name: String, _ operation: Operation, _ inputs: Value...) -> Value {
    add(name, operation, inputs)
  }

  /// Adds a layer under the name that a fresh Keras session gives it (`activation`, `activation_1`, …).
  package mutating func add(_ operation: Operation, _ inputs: Value...) -> Value {
    add(operation, inputs)
  }

  /// Adds a layer of any number of inputs under the name that a fresh Keras session gives it.
  package mutating func add(_ operation: Operation, _ inputs: [Value]) -> Value {
    let className = operation.kerasClassName
    let count = automaticNames[className, default: 0]
    automaticNames[className] = count + 1
    return add(count == 0 ? className : "\(className)_\(count)", operation, inputs)
  }

  /// Adds a layer of any number of inputs and returns its output.
  ///
  /// - Parameter sharing: the earlier layer whose weights it uses.
  package mutating func add(
    _ name: String, _ operation: Operation, _ inputs: [Value], sharing: Value? = nil
  ) -> Value {
    layers.append(
      Graph.Layer(name: name, operation: operation, inputs: inputs.map(\.index), sharing: sharing?.index))
    let known = inputs.compactMap { shapes[$0.index] }
    shapes.append(
      known.count == inputs.count ? try? operation.outputShape(of: name, inputs: known) : nil)
    return Value(index: layers.count - 1)
  }

  /// The shape of `value` for one example; nil after a mistake, which ``build(outputs:)`` then reports.
  package func shape(of value: Value) -> Shape? { shapes[value.index] }

  /// The finished graph.
  package func build(outputs: [Value]) throws(ZooError) -> Graph {
    try Graph(layers: layers, outputs: outputs.map(\.index))
  }
}
