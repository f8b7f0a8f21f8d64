import ZooGraph
import ZooSystem
import ZooTensor

// What all layers with a matrix product or a depthwise convolution share.

extension Planner {
  func slot(_ role: WeightRole, of node: Node) -> WeightSlot? {
    node.weights.first { $0.role == role }
  }

  /// Where a fused step writes: over the other input of its sum if that is read no more.
  mutating func output(of fusion: Fusion, input: Int) -> Place {
    // The input is still being read, so that the sum can't be written over it.
    let output = outputPlace(for: fusion.result, over: fusion.residual)
    didRead(input)
    return output
  }

  /// Adds the layer's own activation where no kernel takes it in, and binds the result.
  mutating func finish(_ fusion: Fusion, activation: Activation, in output: Place) {
    if activation.bounds == nil {
      appendActivation(activation, from: output, to: output, layers: fusion.layers)
    }
    finish(fusion, in: output)
  }

  /// The input seen through padding as far as the kernel can do that; otherwise put into memory.
  mutating func foldedView(
    of source: Int, by geometry: Geometry, rectified: Bool
  ) throws(ZooError) -> View {
    var view = try view(of: source)
    let (height, width, _) = graph.nodes[source].shape.image
    let own = geometry.edges(height: height, width: width)
    // Cropped pixels must not show through the layer's own padding.
    if (view.isCropped && own != .none) || (view.rectified && !rectified) {
      view = View(source: try place(of: source))
    }
    view.edges = view.edges + own
    return view
  }
}
