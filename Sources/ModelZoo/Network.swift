import ZooGraph
import ZooSystem
import ZooTensor

/// What a network made of its inputs.
public struct NetworkOutputs: Sendable, Equatable {
  /// The model's outputs, in its order; each (N, …).
  public let outputs: [NamedTensor]
  /// The inner layers that were asked for, in the order in which they were; each (N, …).
  public let layers: [NamedTensor]

  /// The output, or the layer that was asked for, of this name.
  public subscript(name: String) -> Tensor? {
    (outputs.first { $0.name == name } ?? layers.first { $0.name == name })?.tensor
  }
}

/// A pretrained network with any number of inputs and outputs: tensors in, tensors out.
///
///     let network = try Network(model: model, layers: ["block3_out"])
///     let results = try network.run(["image": image, "sex": sex])
///     print(results["bone_age"]!.values, results["block3_out"]!.shape)
///
/// Nothing is preprocessed. It can be used from several threads at once.
public struct Network: Sendable {
  /// The model that it runs.
  public let model: Model
  /// The inner layers whose output is returned too.
  public let layers: [String]
  private let runner: Runner

  /// Prepares an opened model to run.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - layers: inner layers whose output is returned too, from the same pass.
  ///   - options: how it runs.
  /// - Throws: ``ZooError``, with the code `ZooError.Code.unknownLayer` where the model has no such layer.
  public init(
    model: Model, layers: [String] = [], options: RunOptions = RunOptions()
  ) throws(ZooError) {
    self.model = model
    self.layers = layers
    var taps = model.graph.outputs
    for layer in layers { taps.append(try model.value(named: layer)) }
    let wanted = taps
    runner = try ZooError.wrap {
      try Runner(model: model, graph: model.graph, taps: wanted, options: options)
    }
  }

  /// Runs the network on a batch for each input.
  ///
  /// In a task that is cancelled it stops before the next example. For use in tasks there is
  /// ``computeOutputs(of:)-([String:Tensor])``.
  ///
  /// - Parameter inputs: (N, …) by the names of ``Model/inputs``, all with the same N.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.missing` where an input is not there, and
  ///   `ZooError.Code.doesNotFit` where one is not the network's or has another shape.
  public func run(_ inputs: [String: Tensor]) throws(ZooError) -> NetworkOutputs {
    try run(ordered(inputs))
  }

  /// Runs the network on a batch for each input.
  ///
  /// In a task that is cancelled it stops before the next example. For use in tasks there is
  /// ``computeOutputs(of:)-([Tensor])``.
  ///
  /// - Parameter inputs: (N, …) in the order of ``Model/inputs``, all with the same N.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.doesNotFit` where their number or a shape is another.
  public func run(_ inputs: [Tensor]) throws(ZooError) -> NetworkOutputs {
    named(try ZooError.wrap { try runner.run(inputs) })
  }

  /// Runs the network as ``run(_:)-([String:Tensor])`` does, on a thread that no task needs.
  ///
  /// - Parameter inputs: (N, …) by the names of ``Model/inputs``, all with the same N.
  /// - Throws: ``ZooError``, with the code `ZooError.Code.cancelled` where the task is cancelled.
  public func computeOutputs(of inputs: [String: Tensor]) async throws(ZooError) -> NetworkOutputs {
    try await computeOutputs(of: ordered(inputs))
  }

  /// Runs the network as ``run(_:)-([Tensor])`` does, on a thread that no task needs.
  ///
  /// - Parameter inputs: (N, …) in the order of ``Model/inputs``, all with the same N.
  /// - Throws: ``ZooError``, with the code `ZooError.Code.cancelled` where the task is cancelled.
  public func computeOutputs(of inputs: [Tensor]) async throws(ZooError) -> NetworkOutputs {
    let runner = runner
    return named(try await runner.gate.run { try runner.run(inputs) })
  }

  private func ordered(_ inputs: [String: Tensor]) throws(ZooError) -> [Tensor] {
    let ports = model.inputs
    let expected = ports.map(\.name).joined(separator: ", ")
    if let other = inputs.keys.sorted().first(where: { name in !ports.contains { $0.name == name } }) {
      throw ZooError(
        .doesNotFit, what: "no such input", at: model.path, "'\(other)' is none of its inputs: \(expected)")
    }
    var tensors: [Tensor] = []
    for port in ports {
      guard let tensor = inputs[port.name] else {
        throw ZooError(
          .missing, what: "missing input", at: model.path,
          "'\(port.name)' is not given; its inputs: \(expected)")
      }
      tensors.append(tensor)
    }
    return tensors
  }

  private func named(_ tensors: [Tensor]) -> NetworkOutputs {
    let all = zip(model.outputs.map(\.name) + layers, tensors).map { NamedTensor(name: $0, tensor: $1) }
    let count = model.outputs.count
    return NetworkOutputs(outputs: Array(all[..<count]), layers: Array(all[count...]))
  }
}

extension Model {
  /// Runs the network once on a batch for each input; ``Network`` runs it again and again.
  ///
  ///     let results = try model.run(["image": image, "sex": sex], layers: ["block3_out"])
  ///
  /// - Parameters:
  ///   - inputs: (N, …) by the names of ``inputs``, all with the same N. Nothing is preprocessed.
  ///   - layers: inner layers whose output is returned too, from the same pass.
  ///   - options: how it runs.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.missing` where an input is not there,
  ///   `ZooError.Code.doesNotFit` where one is not the network's or has another shape, and
  ///   `ZooError.Code.unknownLayer` where the model has no such layer.
  public func run(
    _ inputs: [String: Tensor], layers: [String] = [], options: RunOptions = RunOptions()
  ) throws(ZooError) -> NetworkOutputs {
    var options = options
    options.exampleCount = options.exampleCount ?? inputs.values.first?.shape.dimensions.first
    return try Network(model: self, layers: layers, options: options).run(inputs)
  }
}
