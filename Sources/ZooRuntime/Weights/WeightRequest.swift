import CZooKernels
import ZooGraph
import ZooTensor

/// How a step wants its weights, and the batch norms to fold into them. Equal requests are served once.
struct WeightRequest: Hashable {
  enum Layout: Hashable {
    /// Panels of the matrix product, from `rows` x `columns`; columns `first ..< first + columns` of the
    /// kernel's, for a group of a grouped convolution.
    case panels(rows: Int, columns: Int, firstColumn: Int)
    /// Transformed panels, from 3 x 3 x `channels` x `columns`.
    case winograd(outputs: Int, channels: Int, columns: Int)
    /// (taps, stride), for a depthwise convolution.
    case depthwise(taps: Int, channels: Int, stride: Int)
    /// Row-major, used where it lies if it can be.
    case rows(inputs: Int, columns: Int)
    /// As `panels`, from the kernel of a transposed convolution, (taps, `filters`, `channels`).
    case transposedPanels(taps: Int, filters: Int, channels: Int)
    /// A scale and a shift per channel.
    case affine(channels: Int)
    /// The bias alone.
    case bias(channels: Int)
    /// `count` values as they are, 1 where there is no kernel, and as many of the bias, 0 where there is none.
    case values(count: Int)
    /// The values of a smaller tensor, repeated along its axes of extent 1.
    case repeated(to: Shape)
    /// Of each row or column of a resized image: `each` weights, and in place of the bias where they begin.
    case taps(Resize, output: Int, input: Int, each: Int)
    /// Codes of 8 bits, and in place of the bias all that the kernels on them need.
    case integers(IntegerRequest)
  }

  var layout: Layout
  var kernel: WeightSlot?
  var bias: WeightSlot?
  /// Of the layer's output.
  var channels: Int
  var norms: [ChannelMap] = []

  /// Floats that are copied although their layout allows to use them where they lie: norms are folded into them.
  var copiedRows: Int {
    if case .rows(let inputs, let columns) = layout, !norms.isEmpty { inputs * columns } else { 0 }
  }

  /// Floats for the weights and for the bias, as this instruction set packs them.
  func sizes(_ kernels: Kernels) -> (weights: Int, bias: Int) {
    switch layout {
    case .panels(let rows, let columns, _):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(columns)))
      return (rows * packed, packed)
    case .winograd(let outputs, let channels, let columns):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(columns)))
      return ((outputs + 2) * (outputs + 2) * channels * packed, packed)
    case .depthwise(let taps, _, let stride): return (taps * stride, stride)
    case .rows(_, let columns): return (0, columns)
    case .transposedPanels(let taps, let filters, let channels):
      let packed = Int(kernels.table.pointee.packed_columns(Int32(taps * filters)))
      return (channels * packed, packed)
    case .affine(let channels): return (channels, channels)
    case .bias(let channels): return (0, channels)
    case .values(let count): return (count, count)
    case .repeated(let shape): return (shape.elementCount, 0)
    case .taps(_, let output, _, let each): return (output * each, output)
    case .integers(let request): return (request.weightFloats, request.otherFloats)
    }
  }
}

extension WeightRequest.Layout {
  /// The channels of the layer's output whose bias goes with the weights.
  var biasChannels: Range<Int> {
    switch self {
    case .panels(_, let columns, let first): first..<first + columns
    case .winograd(_, _, let columns), .rows(_, let columns): 0..<columns
    case .depthwise(_, let channels, _), .affine(let channels), .bias(let channels): 0..<channels
    case .values(let count): 0..<count
    // The scatter that follows adds the bias of a transposed convolution.
    case .transposedPanels, .repeated, .taps, .integers: 0..<0
    }
  }
}
