import ZooGraph
import ZooReference
import ZooRuntime
import ZooSystem
import ZooTensor

/// Compares the fast engine on codes of 8 bits with plain loops: codes have to be the same, bit for bit.
///
/// Layers on floats are judged elsewhere; what is computed on codes of their values is computed from the fast engine's
/// own.
struct IntegerCheck {
  static let name = "8-bit engine against reference engine"
  /// Above this many multiplications plain loops take too long for a conversion.
  private static let limit = 6_000_000_000

  let graph: Graph
  let form: IntegerForm

  /// - Throws: what the engines and `weights` throw.
  func check(
    weights: some WeightSource, inputs: [Tensor], threads: Int
  ) throws -> VerificationReport.Check {
    guard graph.macs <= Self.limit else {
      return .init(
        Self.name, .noTestimony, detail: "the network has more than \(Self.limit) multiplications")
    }
    let reference = try IntegerReference(graph: graph, form: form, weights: weights)
    let results = reference.results
    let engine = try Engine(
      graph: graph, weights: weights,
      options: PlanOptions(threads: threads, taps: Array(results), integers: form))
    let computed = try engine.makeSession().runAll(inputs)
    var given: [Value: ReferenceTensor] = [:]
    for (value, tensor) in computed where !results.contains(value) && !graph.outputs.contains(value) {
      given[value] = ReferenceTensor(tensor, example: 0)
    }
    let truth = try reference.run(inputs.map { ReferenceTensor($0, example: 0) }, given: given)
    var (layers, values) = (0, 0)
    for value in results.sorted(by: { $0.index < $1.index }) {
      guard let found = computed[value], let expected = truth[value] else { continue }
      let wrong = zip(found.values, expected.values).count { $0 != Float($1) }
      guard wrong == 0 else {
        return .init(
          Self.name, .failed, location: graph[value].name,
          detail: "\(wrong) of \(expected.values.count) values are not those of plain loops")
      }
      layers += 1
      values += expected.values.count
    }
    return .init(
      Self.name, .passed,
      detail: "\(values) values of \(layers) layers (\(engine.kernels) kernels) are the same, bit for bit")
  }
}
