import ZooTensor

/// Why a list of nodes is no valid graph.
package struct GraphError: ZooError {
  /// The layer at fault.
  package let layer: String
  package let why: String

  package init(layer: String, _ why: String) {
    self.layer = layer
    self.why = why
  }

  package var what: String { "invalid network" }
  package var location: String { layer.isEmpty ? "the graph" : "layer '\(layer)'" }
  package var category: ErrorCategory { .badInput }
}
