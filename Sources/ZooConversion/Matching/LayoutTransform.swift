import ZooGraph
import ZooKeras
import ZooSystem
import ZooTensor

/// How a tensor's axes change on the way into a slot. No value changes.
package struct LayoutTransform: Sendable, Hashable {
  /// One change; the raw values are the report's words.
  package enum Step: String, Sendable {
    /// The same values in the same order, as between a dense kernel (in, out) and a 1x1 convolution
    /// (1, 1, in, out).
    case unitAxes = "axes of extent 1 added or dropped"
    case transposed = "axes from (out, in, height, width) to (height, width, in, out)"
    case matrix = "axes from (out, in) to (in, out)"
    case depthwise = "axes from (out, 1, height, width) to (height, width, channel, multiplier)"
    case grouped =
      "axes from (height, width, channel, multiplier), of which groups of channels are summed, to (height, width, in, out)"
    case rotated = "kernel rotated by 180°, from true convolution to cross-correlation"
    case joined = "axes in the order of the equation, and side by side as one"
    case rows = "rows from (channel, height, width) to (height, width, channel)"
  }

  package let steps: [Step]
  /// Where in the source each element of the slot lies; nil where the order is the same.
  private let view: StridedView?

  package static let none = LayoutTransform(steps: [], view: nil)
  package static let unitAxes = LayoutTransform(steps: [.unitAxes], view: nil)

  private init(steps: [Step], view: StridedView?) {
    self.steps = steps
    self.view = view
  }

  /// The steps in words, for the report.
  package var text: String { steps.isEmpty ? "none" : steps.map(\.rawValue).joined(separator: "; ") }

  /// The transform that brings a tensor of shape `source` into `slot` of `node`, or nil where there is none.
  init?(_ source: Shape, to slot: WeightSlot, of node: Node, in graph: Graph, order: KernelLayout) {
    if order.matricesAreTransposed {
      self.init(pyTorch: source, to: slot, of: node, in: graph, order: order)
      return
    }
    switch slot.role {
    case .kernel, .depthwiseKernel, .pointwiseKernel:
      if slot.shape.rank == 4, source.rank == 4, case .convolution(let c) = node.operation, c.groups > 1,
        source != slot.shape, !order.axesAreChannelsFirst
      {
        self.init(summedDepthwise: source, to: slot.shape, groups: c.groups)
      } else if slot.shape.rank == 4, source.rank == 4 {
        self.init(kernel: source, to: slot.shape, order: order)
      } else if let map = node.flattenedMap(in: graph), order.rowsAreChannelsFirst, source == slot.shape,
        map.rank == 3, map[0] * map[1] > 1, map[2] > 1
      {
        self.init(steps: [.rows], view: StridedView(rowsOf: map, columns: slot.shape[1]))
      } else {
        self.init(source, to: slot.shape)
      }
    default:
      self.init(source, to: slot.shape)
    }
  }

  /// The transform of PyTorch's tensor of shape `source`.
  private init?(
    pyTorch source: Shape, to slot: WeightSlot, of node: Node, in graph: Graph, order: KernelLayout
  ) {
    let target = slot.shape
    switch (slot.role, source.rank, target.rank) {
    case (.depthwiseKernel, 4, 4):
      guard source[0] == target[2] * target[3], source[1] == 1, source[2] == target[0],
        source[3] == target[1]
      else { return nil }
      let window = source[2] * source[3]
      self.init(
        steps: [.depthwise],
        view: StridedView(
          extents: target.dimensions, strides: [source[3], 1, target[3] * window, window]))
    case (.kernel, 4, 4), (.pointwiseKernel, 4, 4): self.init(kernel: source, to: target, order: order)
    case (.kernel, 2, 2), (.kernel, 4, 2), (.kernel, 2, 4):
      // (out, in), where a matrix may be a convolution of one pixel, or of all of a flattened map.
      let inputs = source.dimensions.dropFirst().reduce(1, *)
      guard source[0] == target.dimensions.last, inputs == target.dimensions.dropLast().reduce(1, *),
        target.rank == 2 || target[0] * target[1] == 1
      else { return nil }
      let change: [Step] = source.rank == target.rank ? [] : [.unitAxes]
      let map = node.flattenedMap(in: graph)
      let readsMap = map.map { $0.rank == 3 && $0[0] * $0[1] > 1 && $0[2] > 1 } ?? false
      if let map, readsMap, source.rank == 4 || order.rowsAreChannelsFirst {
        guard source.rank == 2 || [source[2], source[3], source[1]] == map.dimensions else { return nil }
        self.init(
          steps: [.matrix, .rows],
          view: StridedView(
            extents: map.dimensions + [source[0]], strides: [map[1], 1, map[0] * map[1], inputs]))
      } else {
        guard source.rank == 2 || source[2] * source[3] == 1 else { return nil }
        self.init(
          steps: [.matrix] + change, view: StridedView(extents: [inputs, source[0]], strides: [1, inputs]))
      }
    default: self.init(source, to: target)
    }
  }

  /// The transform of a tensor of shape `source`, which has the axes `stored`, into a slot where some of them are one.
  init?(_ source: Shape, stored: StoredAxes, to slot: WeightSlot) {
    func bare(_ extents: [Int]) -> [Int] { extents.filter { $0 != 1 } }
    guard bare(source.dimensions) == bare(stored.extents), let shape = Shape(checking: stored.extents),
      shape.elementCount == slot.shape.elementCount
    else { return nil }
    if stored.order == Array(stored.extents.indices) {
      self.init(
        steps: source == slot.shape
          ? [] : bare(source.dimensions) == bare(slot.shape.dimensions) ? [.unitAxes] : [.joined],
        view: nil)
    } else {
      var view = StridedView(of: shape)
      view.permute(stored.order)
      self.init(steps: [.joined], view: view)
    }
  }

  private init?(_ source: Shape, to target: Shape) {
    func bare(_ shape: Shape) -> [Int] { shape.dimensions.filter { $0 != 1 } }
    guard bare(source) == bare(target) else { return nil }
    self = source == target ? .none : .unitAxes
  }

  /// The kernel of a depthwise convolution whose outputs are summed over the channels of each group, as that of a
  /// convolution by groups.
  private init?(summedDepthwise source: Shape, to target: Shape, groups: Int) {
    let (channels, outputs) = (target[2], target[3])
    guard source == [target[0], target[1], channels * groups, outputs / groups], outputs % groups == 0 else {
      return nil
    }
    let multiplier = source[3]
    let pixel = source[2] * multiplier
    self.init(
      steps: [.grouped],
      view: StridedView(
        extents: [target[0], target[1], channels, groups, multiplier],
        strides: [target[1] * pixel, pixel, multiplier, channels * multiplier, 1]))
  }

  private init?(kernel source: Shape, to target: Shape, order: KernelLayout) {
    var view = StridedView(of: source)
    var steps: [Step] = []
    if order.axesAreChannelsFirst {
      view.permute([2, 3, 1, 0])
      steps.append(.transposed)
    }
    guard view.extents == target.dimensions else { return nil }
    if order.isRotated, view.extents[0] * view.extents[1] > 1 {
      view.reverse(axis: 0)
      view.reverse(axis: 1)
      steps.append(.rotated)
    }
    self.init(steps: steps, view: steps.isEmpty ? nil : view)
  }

  /// `tensor` in the slot's shape; nil where it has not as many elements.
  func view(of tensor: StoredTensor, shape: Shape) -> TensorView? {
    TensorView(tensor, in: view, shape: shape)
  }
}

extension Node {
  /// The map (height, width, channels) that a Flatten turned into what this node reads; nil where it reads
  /// something else.
  fileprivate func flattenedMap(in graph: Graph) -> Shape? {
    guard case .dense = operation else { return nil }
    var value = inputs.first
    while let next = value {
      let node = graph[next]
      switch node.operation {
      case .flatten: return node.inputs.first.map { graph[$0].shape }
      case .identity, .activation: value = node.inputs.first
      default: return nil
      }
    }
    return nil
  }
}
