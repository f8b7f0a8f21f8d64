import Foundation
import ZooExport
import ZooGraph

extension CoreMLEvaluator {
  /// A folder in which ``outputs(of:weights:type:inputs:name:)`` leaves its packages, for coremltools.
  private static let folder = ProcessInfo.processInfo.environment["ZOO_COREML_NETWORKS"]

  /// Writes a graph as a package with arrays as its inputs, and computes what that says; images are (N, H, W, C).
  ///
  /// - Parameter name: of the package, without the type and the ending.
  package static func outputs(
    of graph: Graph, weights: any WeightSource, type: CoreMLType, inputs: [Array], name: String
  ) throws -> (contents: CoreMLContents, outputs: [Array]) {
    try withFolder { temporary in
      let folder = Self.folder.map { URL(filePath: $0) } ?? temporary
      let path = folder.appending(path: "\(name).\(type == .float16 ? "f16" : "f32").mlpackage").path
      let folded = try FoldedGraph(graph)
      let own = folded.weights(from: weights)
      let model = try CoreMLModel(
        folded.graph.lowered(
          for: .init(inputs: .nhwc, outputs: .nhwc, hasCompositeActivations: true), location: name),
        inputs: graph.inputs.map { _ in .array("") }, classes: nil, description: .init(summary: name),
        type: type,
        weights: own, location: name)
      let count = try model.write(to: path, overwrite: true, weights: own)
      let contents = try CoreMLContents(path: path)
      precondition(count > contents.weights.count)
      let result = try CoreMLEvaluator(contents).run(inputs)
      return (
        contents,
        try contents.results.map { name in
          guard let array = result.arrays[name] else { throw Fault(what: "no output '\(name)'") }
          return array
        }
      )
    }
  }
}
