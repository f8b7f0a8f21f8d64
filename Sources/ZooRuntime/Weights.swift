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
  }

  var layout: Layout
  var kernel: WeightSlot?
  var bias: WeightSlot?
  /// Of the layer's output.
  var channels: Int
  var norms: [ChannelMap] = []

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
    }
  }
}

/// An operation that multiplies each channel by a number and adds one, by its weights.
struct ChannelMap: Hashable {
  let operation: Operation
  let slots: [WeightSlot]

  /// Nil for a layer of another kind.
  init?(_ node: Node) {
    switch node.operation {
    case .batchNormalization, .normalization, .rescaling, .channelScaling: break
    default: return nil
    }
    operation = node.operation
    slots = node.weights
  }

  /// The factor and the shift of each of `channels`.
  func coefficients(
    channels: Int, from source: some WeightSource
  ) throws -> (factors: [Double], shifts: [Double]) {
    var values: [WeightRole: [Double]] = [:]
    for slot in slots { values[slot.role] = try source.tensor(for: slot).doubles() }
    // One number for all channels, or one for each.
    func value(_ role: WeightRole, _ channel: Int, absent: Double) -> Double {
      guard let numbers = values[role] else { return absent }
      return numbers[channel % numbers.count]
    }
    var (factors, shifts): ([Double], [Double]) = ([], [])
    for channel in 0..<channels {
      switch operation {
      case .batchNormalization(let norm):
        let variance = value(.movingVariance, channel, absent: 1)
        let factor = value(.gamma, channel, absent: 1) / (variance + norm.epsilon).squareRoot()
        factors.append(factor)
        shifts.append(value(.beta, channel, absent: 0) - value(.movingMean, channel, absent: 0) * factor)
      case .normalization(let norm):
        let deviation = max(value(.variance, channel, absent: 1).squareRoot(), norm.epsilon)
        let mean = value(.mean, channel, absent: 0)
        factors.append(norm.inverted ? deviation : 1 / deviation)
        shifts.append(norm.inverted ? mean : -mean / deviation)
      case .rescaling(let rescaling):
        factors.append(rescaling.scale[channel % rescaling.scale.count])
        shifts.append(rescaling.offset[channel % rescaling.offset.count])
      default:
        factors.append(value(.gamma, channel, absent: 1))
        shifts.append(0)
      }
    }
    return (factors, shifts)
  }
}

/// What follows a linear layer channel by channel, as one scale and shift, with the layer's bias.
struct FoldedNorms {
  /// `nil`: 1.
  private(set) var scale: [Double]?
  /// `nil`: 0.
  private(set) var shift: [Double]?

  init(_ norms: [ChannelMap], bias: WeightSlot?, filters: Int, from source: some WeightSource) throws {
    shift = try bias.map { try source.tensor(for: $0).doubles() }
    guard !norms.isEmpty else { return }
    var scale = [Double](repeating: 1, count: filters)
    var shift = shift ?? [Double](repeating: 0, count: filters)
    for norm in norms {
      let (factors, shifts) = try norm.coefficients(channels: filters, from: source)
      for i in 0..<filters {
        scale[i] *= factors[i]
        shift[i] = shift[i] * factors[i] + shifts[i]
      }
    }
    (self.scale, self.shift) = (scale, shift)
  }

  func withScale(from first: Int, _ body: (UnsafePointer<Double>?) -> Void) {
    guard let scale else { return body(nil) }
    scale.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + first }) }
  }
}
