import Foundation
import ZooExport
import ZooGraph

extension ONNXEvaluator {
  /// A folder in which ``outputs(of:weights:layout:inputs:name:)`` leaves its files, for ONNX Runtime.
  private static let folder = ProcessInfo.processInfo.environment["ZOO_ONNX_NETWORKS"]

  /// Writes a graph as an ONNX file and computes what the file says; images are (N, H, W, C), whatever the layout.
  ///
  /// - Parameter name: of the file, without the layout and the ending.
  package static func outputs(
    of graph: Graph, weights: some WeightSource, layout: ImageLayout, inputs: [Array], name: String
  ) throws -> (contents: ONNXContents, outputs: [Array]) {
    try withFolder { temporary in
      let folder = Self.folder.map { URL(filePath: $0) } ?? temporary
      let path = folder.appending(path: "\(name).\(layout.rawValue).onnx").path
      let model = ONNXModel(
        try graph.lowered(layout: layout, location: name),
        description: .init(name: name, producerVersion: "test", metadata: [:]))
      _ = try model.write(to: path, overwrite: true, weights: weights)
      let contents = try ONNXContents([UInt8](Data(contentsOf: URL(filePath: path))))
      let outputs = try ONNXEvaluator(contents).run(inputs.map { $0.ordered(layout, [0, 3, 1, 2]) })
      return (contents, outputs.map { $0.ordered(layout, [0, 2, 3, 1]) })
    }
  }
}

extension ONNXEvaluator.Array {
  /// With the axes in this order, if it is an image and the layout has the channels first.
  fileprivate func ordered(_ layout: ImageLayout, _ order: [Int]) -> Self {
    guard layout == .nchw, shape.count == 4 else { return self }
    let strides = strides
    var places = [0]
    for axis in order {
      places = places.flatMap { place in (0..<shape[axis]).map { place + $0 * strides[axis] } }
    }
    return Self(order.map { shape[$0] }, places.map { values[$0] })
  }
}
