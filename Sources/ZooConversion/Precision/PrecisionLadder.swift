import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooVerification

/// The forms that a layer's weights can have when a storage type is asked for, from the smallest to the most
/// exact.
struct PrecisionLadder {
  /// Kernels of fewer values stay in single precision: they take little, and front layers are small.
  static let leastValues = 4096
  /// The inputs that share a scale of 4 bits.
  static let group = 32

  /// The most groups of layers that are looked at apart, so that a deep network does not take longer than
  /// others.
  private static let groupLimit = 64

  /// The share of all kernels up to which those that read the network's inputs keep 16 bits.
  static let inputShare = 0.02

  let storage: StorageType
  /// Whether small kernels become codes too.
  private let codesSmallKernels: Bool
  /// Kernels that keep 16 bits where others become codes: pixels differ little from one to the next, so that the
  /// errors of a kernel add up on them, and nothing predicts their mean. Those that are computed on codes of pixels become
  /// codes too.
  private let inputKernels: Set<WeightSlot>

  /// What kernels that are computed on codes of pixels take up, of each channel; see `IntegerWeights`.
  private let pixelShares: [Float]
  private let pixelKernels: Set<WeightSlot>

  /// - Parameter pixels: the range of the network's inputs, where pictures are computed on codes of pixels.
  init(storage: StorageType, graph: Graph, codesSmallKernels: Bool = false, pixels: ValueRange? = nil) {
    self.storage = storage
    self.codesSmallKernels = codesSmallKernels
    pixelShares = pixels.map { ValueCode(ofInput: $0).scaleShares } ?? []
    let isQuantizing = storage == .int8 || storage == .int4
    let (kernels, pixelKernels) = isQuantizing ? Self.inputKernels(of: graph) : ([], [])
    self.pixelKernels = pixels == nil ? [] : pixelKernels
    inputKernels = kernels.subtracting(self.pixelKernels)
  }

  /// The kernels that read nothing but inputs, as they are or normalized, if they are a small part of all; and those of
  /// convolutions that read pictures as they are.
  private static func inputKernels(of graph: Graph) -> (Set<WeightSlot>, Set<WeightSlot>) {
    var isInput = [Bool](repeating: false, count: graph.nodes.count)
    var isPixels = isInput
    var (first, pixels, all): (Set<WeightSlot>, Set<WeightSlot>, Int) = ([], [], 0)
    for (index, node) in graph.nodes.enumerated() {
      let readsInputs = !node.inputs.isEmpty && node.inputs.allSatisfy { isInput[$0.index] }
      let readsPixels = readsInputs && node.inputs.allSatisfy { isPixels[$0.index] }
      switch node.operation {
      case .input: (isInput[index], isPixels[index]) = (true, TestInput.isImage(node.shape))
      case .zeroPadding, .identity: (isInput[index], isPixels[index]) = (readsInputs, readsPixels)
      case .rescaling, .normalization, .cropping, .resize, .reshape, .permute: isInput[index] = readsInputs
      default: break
      }
      guard node.sharing == nil else { continue }
      for slot in node.weights where node.operation.quantizedForm(.int8, of: slot) != nil {
        all += slot.shape.elementCount
        if readsInputs { first.insert(slot) }
        if readsPixels, case .convolution(let c) = node.operation, c.groups == 1 { pixels.insert(slot) }
      }
    }
    let values = first.reduce(0) { $0 + $1.shape.elementCount }
    return (Double(values) <= inputShare * Double(all) ? first : [], pixels)
  }

  /// How the errors of a kernel's codes cancel; nil where they don't.
  func windows(of slot: WeightSlot, in node: Node) -> WindowRounding? {
    WindowRounding(of: slot, in: node, shares: pixelKernels.contains(slot) ? pixelShares : [1])
  }

  /// How many steps there are; on the last one all weights are in single precision.
  var rungs: Int {
    switch storage {
    case .f32: 1
    case .f16, .bf16: 2
    case .int8: 3
    case .int4: 4
    }
  }

  /// Whether kernels become whole numbers.
  var isQuantizing: Bool { storage == .int8 || storage == .int4 }

  /// The form of a layer's weight on a step.
  func form(of slot: WeightSlot, in node: Node, rung: Int) -> TensorForm {
    guard rung < rungs - 1 else { return .values(.float32) }
    guard isQuantizing else { return .values(storage.elementType) }
    guard codesSmallKernels || slot.shape.elementCount >= Self.leastValues,
      let int8 = node.operation.quantizedForm(.int8, of: slot)
    else { return .values(.float32) }
    if rung == rungs - 2 || inputKernels.contains(slot) { return .values(.float16) }
    let int4 = node.operation.quantizedForm(.int4, group: Self.group, of: slot)
    return .codes(rung == 0 && storage == .int4 ? int4 ?? int8 : int8)
  }

  /// The layers that have a choice: those whose form is not single precision from the start.
  func layers(of graph: Graph) -> [Value] {
    graph.nodes.indices.map(Value.init(index:)).filter { value in
      let node = graph[value]
      guard isQuantizing else { return !node.weights.isEmpty }
      return node.sharing == nil
        && node.weights.contains { form(of: $0, in: node, rung: 0) != .values(.float32) }
    }
  }

  /// Each layer's step, where a search goes down an order of layers: with number p, all layers are on step p / count
  /// of the ladder, and the first p % count of them one step further.
  static func rungs(_ number: Int, of order: [Value]) -> [Value: Int] {
    let count = order.count
    let rungs = order.enumerated().map { place, layer in
      (layer, number / count + (place < number % count ? 1 : 0))
    }
    // A layer that is called twice has the form of its first call.
    return Dictionary(rungs, uniquingKeysWith: { first, _ in first })
  }

  /// Layers in groups that are looked at together: those that follow each other, where a network has many.
  static func groups(of layers: [Value]) -> [[Value]] {
    let length = (layers.count + groupLimit - 1) / groupLimit
    return stride(from: 0, to: layers.count, by: max(1, length)).map {
      Array(layers[$0..<min($0 + length, layers.count)])
    }
  }

  /// - Throws: `ZooError` where 4 bits are asked for and hardly any weight can have them.
  func check(_ graph: Graph) throws(ZooError) {
    guard storage == .int4 else { return }
    var (dense, all, hasDepthwise) = (0, 0, false)
    for node in graph.nodes where node.sharing == nil {
      switch node.operation {
      case .depthwiseConvolution, .separableConvolution: hasDepthwise = true
      default: break
      }
      for slot in node.weights where node.operation.quantizedForm(.int8, of: slot) != nil {
        all += slot.shape.elementCount
        if case .codes(let form) = self.form(of: slot, in: node, rung: 0), form.kind == .int4 {
          dense += slot.shape.elementCount
        }
      }
    }
    guard dense == 0 || hasDepthwise && dense < all / 2 else { return }
    throw ZooError(
      .unsuitable, what: "cannot store weights as int4", at: "",
      dense == 0
        ? "4 bits are for dense layers, and the network has none of \(Self.leastValues) weights or more"
        : "4 bits are for dense layers, which have \(dense) of \(all) weights; depthwise layers suffer most",
      remedy: "Choose int8.")
  }
}
