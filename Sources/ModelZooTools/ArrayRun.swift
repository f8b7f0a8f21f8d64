import ZooConversion
import ZooFormat
import ZooGraph
import ZooReference
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

/// A network run on arrays from a file: what `zoo run` does.
public struct ArrayRun {
  /// Which engine computes.
  public enum EngineKind: String, Sendable, CaseIterable {
    /// The one that programs use.
    case fast
    /// The slow one in double precision.
    case reference
  }

  /// Named arrays: `y`, `y1`, … and `tap:LAYER`.
  public struct Results {
    /// In the order of the outputs and taps; each (N, …).
    public let arrays: [(name: String, tensor: Tensor)]

    /// Writes an `.npz` file, whole or not at all.
    ///
    /// - Throws: `ZooError` where it can't be written.
    public func write(to path: String, overwrite: Bool) throws(ZooError) {
      try ZooError.wrap {
        try NumPyFile.write(to: path, overwrite: overwrite) { writer throws(ZooError) in
          for array in arrays { try writer.add(array.name, array.tensor) }
        }
      }
    }
  }

  private let graph: Graph
  private let weights: ZooFile
  private let inputs: [Tensor]
  private let targets: [(name: String, value: Value)]

  /// Reads the inputs and finds the taps.
  ///
  /// - Parameters:
  ///   - inputPath: a `.npy` file, or an `.npz` with `x`, and `x1`, … for further inputs.
  ///   - path: a `.zoo` file.
  ///   - taps: the names of layers whose output is returned too.
  /// - Throws: `ZooError` where a file can't be read, an input is missing or does not fit, or the model has no
  ///   such layer.
  public init(path: String, inputPath: String, taps: [String] = []) throws(ZooError) {
    self = try ZooError.wrap {
      try ArrayRun(file: ModelFile.openZoo(path: path), inputPath: inputPath, taps: taps)
    }
  }

  private init(file zoo: ZooFile, inputPath: String, taps: [String]) throws {
    let graph = zoo.document.graph
    self.graph = graph
    weights = zoo
    var targets: [(String, Value)] = []
    for (index, output) in graph.outputs.enumerated() {
      targets.append((IOArrays.output(index), output))
    }
    for tap in taps {
      guard let value = graph.value(named: tap) else {
        throw ZooError(
          .unknownLayer, what: "no such layer", at: zoo.path, "the model has no layer '\(tap)'",
          remedy: "Model.layerNames lists them.")
      }
      targets.append((IOArrays.tap(tap), value))
    }
    self.targets = targets

    let file = try WeightFiles.open(path: inputPath)
    var inputs: [Tensor] = []
    for (index, value) in graph.inputs.enumerated() {
      let name = IOArrays.input(index)
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

  /// Runs the network.
  ///
  /// - Throws: `ZooError` where the network can't be run.
  public func results(engine: EngineKind = .fast, threads: Int = 1) throws(ZooError) -> Results {
    try ZooError.wrap {
      switch engine {
      case .fast: try fastResults(threads: threads)
      case .reference: try referenceResults(threads: threads)
      }
    }
  }

  private func fastResults(threads: Int) throws -> Results {
    let values = targets.map(\.value)
    let options = PlanOptions(
      threads: threads, taps: values, packing: .init(examples: inputs.first?.shape[0]),
      integers: try weights.integerForm())
    let engine = try Engine(graph: graph, weights: weights, options: options)
    let kept = try engine.makeSession().run(inputs, keeping: values).kept
    return Results(arrays: targets.compactMap { target in kept[target.value].map { (target.name, $0) } })
  }

  private func referenceResults(threads: Int) throws -> Results {
    let wanted = targets.map(\.value)
    let run: ([ReferenceTensor]) throws -> [Value: ReferenceTensor]
    if let form = try weights.integerForm() {
      let engine = try IntegerReference(graph: graph, form: form, weights: weights, taps: wanted)
      run = { try engine.run($0) }
    } else {
      let engine = try ReferenceEngine(graph: graph, weights: weights, threads: threads)
      run = { try engine.run($0, keeping: Set(wanted)) }
    }
    let count = inputs[0].shape[0]
    var collected = targets.map { _ in [Float]() }
    for example in 0..<count {
      let values = try run(inputs.map { ReferenceTensor($0, example: example) })
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
