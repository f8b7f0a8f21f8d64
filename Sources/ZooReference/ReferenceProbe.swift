import ZooGraph
import ZooSystem
import ZooTensor

/// Recomputes single values of a network in 64-bit floats from what another engine has computed.
///
/// Values that the other engine fused away are recomputed in turn, back to those that it has. Not
/// to be used from several threads at once: it remembers intermediate results.
package final class ReferenceProbe {
  /// The longest chain of steps that may be missing in the other engine's values.
  package static let depthLimit = 256

  private let stepOfNode: [Int]
  private let steps: [ProbedStep]

  /// - Parameters:
  ///   - materialized: Values (N, …) of the other engine, the graph's inputs among them.
  ///   - example: Which of the N examples.
  ///
  /// Throws `ZooError` where a value or weight does not fit or too much is missing, and what the
  /// source of the weights throws.
  package init(
    graph: Graph, weights: some WeightSource, materialized: [Value: Tensor], example: Int = 0
  ) throws {
    let program = try ReferenceProgram(graph)
    var tensors: [Tensor?] = Array(repeating: nil, count: program.steps.count)
    for (value, tensor) in materialized {
      guard graph.nodes.indices.contains(value.index) else {
        throw ZooError(
          .doesNotFit, what: "value does not fit", at: "layer #\(value.index)",
          "the network has \(graph.nodes.count) layers")
      }
      let node = graph[value]
      guard Array(tensor.shape.dimensions.dropFirst()) == node.shape.dimensions,
        let count = tensor.shape.dimensions.first, example >= 0, example < count
      else {
        throw ZooError(
          .doesNotFit, what: "value does not fit", at: "layer '\(node.name)'",
          "expected example \(example) of shape \(node.shape), found the batch \(tensor.shape)")
      }
      tensors[program.stepOfNode[value.index]] = tensor
    }
    for input in graph.inputs where materialized[input] == nil {
      throw ZooError(
        .missing, what: "missing value", at: "layer '\(graph[input].name)'",
        "an input of the network is needed")
    }

    let memory = ProbeMemory()
    var steps: [ProbedStep] = []
    for (index, step) in program.steps.enumerated() {
      let count = step.shape.elementCount
      let probed = ProbedStep(
        step, index: index, inputs: step.inputs.filter { $0 != index }.map { steps[$0] },
        weights: try step.weights.map { try ReferenceWeight($0, from: weights) },
        known: tensors[index].map { $0.values[example * count..<(example + 1) * count] },
        memory: memory)
      guard probed.depth <= ReferenceProbe.depthLimit else {
        throw ZooError(
          .missing, what: "too many missing values", at: "layer '\(step.layer)'",
          "more than \(ReferenceProbe.depthLimit) steps in a row have no values")
      }
      steps.append(probed)
    }
    self.stepOfNode = program.stepOfNode
    self.steps = steps
  }

  /// The element `index` (row-major, without the batch axis) of the node's output, recomputed from the
  /// node's inputs even where the other engine has it, with its condition.
  ///
  /// - Precondition: The graph has the value, and the value the element.
  package func probe(_ value: Value, at index: Int) -> ProbedValue {
    let step = steps[stepOfNode[value.index]]
    precondition(step.step.shape.elementCount > index && index >= 0, "no element \(index)")
    return step.compute(index)
  }

  /// As ``probe(_:at:)``, the value alone.
  package func value(_ value: Value, at index: Int) -> Double { probe(value, at: index).value }

  /// Where the node ends in a function that bends or saturates: the function's argument behind the element
  /// `index`, and how much the element changes at most per change of that; nil for every other node.
  package func argument(of value: Value, at index: Int) -> (value: Double, slope: Double)? {
    steps[stepOfNode[value.index]].argument(at: index)
  }
}
