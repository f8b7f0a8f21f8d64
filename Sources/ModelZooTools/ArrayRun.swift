import ZooConversion
import ZooGraph
import ZooReference
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// A network run on arrays from a file: what `zoo run` does.
package struct ArrayRun {
  package enum EngineKind: String, Sendable, CaseIterable {
    case fast, reference
  }

  /// Named arrays: `y`, `y1`, … and `tap:LAYER`.
  package struct Results {
    package let arrays: [(name: String, tensor: Tensor)]

    /// Writes an `.npz` file, whole or not at all.
    package func write(to path: String, overwrite: Bool) throws {
      try NumPyFile.write(to: path, overwrite: overwrite) { writer throws(ZooError) in
        for array in arrays { try writer.add(array.name, array.tensor) }
      }
    }
  }

  private let graph: Graph
  private let inputs: [Tensor]
  private let targets: [(name: String, value: Value)]

  /// Reads the inputs and finds the taps.
  ///
  /// - Parameters:
  ///   - inputPath: a `.npy` file, or an `.npz` with `x`, and `x1`, … for further inputs.
  package init(graph: Graph, inputPath: String, taps: [String]) throws {
    self.graph = graph
    var targets: [(String, Value)] = []
    for (index, output) in graph.outputs.enumerated() {
      targets.append((index == 0 ? "y" : "y\(index)", output))
    }
    for tap in taps {
      guard let value = graph.value(named: tap) else {
        throw ZooError(
          .unknownLayer, what: "no such layer", at: "--tap", "the model has no layer '\(tap)'",
          remedy: "See `zoo inspect --layers`.")
      }
      targets.append(("tap:\(tap)", value))
    }
    self.targets = targets

    let file = try WeightFiles.open(path: inputPath)
    var inputs: [Tensor] = []
    for (index, value) in graph.inputs.enumerated() {
      let name = index == 0 ? "x" : "x\(index)"
      let only = file.tensors.count == 1 && graph.inputs.count == 1 ? file.tensors.first : nil
      guard let entry = file.tensors.first(where: { $0.name == name }) ?? only else {
        throw ZooError(.missing, what: "no input", at: inputPath, "there is no array '\(name)'")
      }
      let wanted = graph[value].shape
      guard entry.shape.rank == wanted.rank + 1,
        Array(entry.shape.dimensions.dropFirst()) == wanted.dimensions,
        entry.shape[0] > 0
      else {
        throw ZooError(
          .doesNotFit, what: "input does not fit", at: "\(inputPath), '\(entry.name)'",
          "its shape is \(entry.shape), expected N x \(wanted)")
      }
      inputs.append(Tensor(shape: entry.shape, values: try file.read(entry).floats()))
    }
    self.inputs = inputs
  }

  package func results(weights: some WeightSource, engine: EngineKind, threads: Int) throws -> Results {
    switch engine {
    case .fast: try fastResults(weights: weights, threads: threads)
    case .reference: try referenceResults(weights: weights, threads: threads)
    }
  }

  private func fastResults(weights: some WeightSource, threads: Int) throws -> Results {
    let values = targets.map(\.value)
    // One example does not pay for packing all weights ahead.
    let options = PlanOptions(
      threads: threads, taps: values, packing: inputs.first?.shape[0] == 1 ? .streamed : .ahead)
    let engine = try Engine(graph: graph, weights: weights, options: options)
    let kept = try engine.makeSession().run(inputs, keeping: values).kept
    return Results(arrays: targets.compactMap { target in kept[target.value].map { (target.name, $0) } })
  }

  private func referenceResults(weights: some WeightSource, threads: Int) throws -> Results {
    let engine = try ReferenceEngine(graph: graph, weights: weights, threads: threads)
    let count = inputs[0].shape[0]
    var collected = targets.map { _ in [Float]() }
    for example in 0..<count {
      let values = try engine.run(
        inputs.map { ReferenceTensor($0, example: example) }, keeping: Set(targets.map(\.value)))
      for (index, target) in targets.enumerated() {
        collected[index] += values[target.value]?.values.map(Float.init) ?? []
      }
    }
    return Results(
      arrays: targets.enumerated().map { index, target in
        (
          target.name,
          Tensor(shape: Shape([count] + graph[target.value].shape.dimensions), values: collected[index])
        )
      })
  }
}
