import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Padding and cropping, which the layers that read them do as they go where they can.

extension Planner {
  mutating func planEdges(_ index: Int, _ edges: Edges) throws(ZooError) {
    let source = graph.nodes[index].inputs[0].index
    var view = try view(of: source)
    // Padding around what was cropped would show the cropped pixels again.
    if view.isCropped && max(edges.top, edges.bottom, edges.left, edges.right) > 0 {
      view = View(source: try place(of: source))
    }
    view.edges = view.edges + edges
    let folds = !pinned.contains(index) && readers[index].allSatisfy(readsViews)
    bind(index, to: .view(view))
    didRead(source)
    if !folds { _ = try place(of: index) }
  }

  /// Whether a layer can read its input through padding.
  private func readsViews(_ reader: Int) -> Bool {
    if program?.layers[reader] != nil { return false }
    return switch graph.nodes[reader].operation {
    case .convolution, .depthwiseConvolution, .separableConvolution, .maxPooling, .averagePooling,
      .zeroPadding, .cropping:
      true
    default: false
    }
  }

  /// Whether a layer can cut off its input at zero while it reads.
  func readsRectified(_ reader: Int) -> Bool {
    if program?.layers[reader] != nil { return false }
    return switch graph.nodes[reader].operation {
    case .depthwiseConvolution, .separableConvolution: true
    case .zeroPadding: !pinned.contains(reader) && readers[reader].allSatisfy(readsRectified)
    default: false
    }
  }

  mutating func materialize(_ view: View, as value: Int) throws(ZooError) -> Place {
    let name = graph.nodes[value].name
    var source = view.source
    if view.rectified {
      let trivial = view.edges == .none
      let target =
        trivial
        ? outputPlace(for: value)
        : newPlace(height: source.height, width: source.width, channels: source.channels, contiguous: false)
      append(copyStep(from: source, to: target, layers: [name], lo: 0))
      if trivial { return target }
      source = target
    }
    let target = outputPlace(for: value)
    appendPadding(from: source, edges: view.edges, to: target, layers: [name])
    return target
  }

  mutating func appendPadding(from source: Place, edges: Edges, to target: Place, layers: [String]) {
    var arguments = zoo_padding()
    arguments.window.setExtents(from: source, to: target)
    arguments.window.pad_top = Int32(edges.top)
    arguments.window.pad_left = Int32(edges.left)
    arguments.channels = Int32(source.channels)
    append(
      Step(
        layers: layers, algorithm: "pad", macs: 0, arguments: .padding(arguments),
        units: target.height, inputs: [source], output: target))
  }
}
