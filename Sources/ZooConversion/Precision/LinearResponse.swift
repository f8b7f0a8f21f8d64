import ZooGraph
import ZooTensor

/// What a layer that is linear makes of an input whose channels are all constant: its output's channels,
/// without the bias. That is also what it makes of means, but for the pixels at the border, where it sees
/// padding.
struct LinearResponse {
  let node: Node

  /// Nil for a layer of another kind.
  init?(_ node: Node) {
    switch node.operation {
    case .convolution, .depthwiseConvolution, .separableConvolution, .transposedConvolution, .dense: break
    default: return nil
    }
    self.node = node
  }

  /// - Parameters:
  ///   - input: a number for each channel of the input.
  ///   - squared: whether each weight is squared, as variances need it.
  ///   - tensor: gives the kernels.
  /// - Returns: a number for each channel of the output.
  func output(
    of input: [Double], squared: Bool = false, kernels tensor: (WeightSlot) throws -> StoredTensor
  ) throws -> [Double] {
    func product(_ role: WeightRole, _ input: [Double], _ layout: Layout) throws -> [Double] {
      guard let slot = node.weights.first(where: { $0.role == role }) else { return [] }
      var sums = [Double](repeating: 0, count: layout.outputs)
      try tensor(slot).withFloats { values in
        Self.add(values, times: input, squared: squared, layout, to: &sums)
      }
      return sums
    }
    switch node.operation {
    case .convolution(let c):
      return try product(
        .kernel, input, .mixing(inputs: input.count / c.groups, outputs: c.filters, groups: c.groups))
    case .dense(let d):
      return try product(.kernel, input, .mixing(inputs: input.count, outputs: d.units, groups: 1))
    case .depthwiseConvolution(let c):
      return try product(.depthwiseKernel, input, .perChannel(inputs: input.count, multiplier: c.multiplier))
    case .separableConvolution(let c):
      let middle = try product(
        .depthwiseKernel, input, .perChannel(inputs: input.count, multiplier: c.multiplier))
      return try product(
        .pointwiseKernel, middle, .mixing(inputs: middle.count, outputs: c.filters, groups: 1))
    case .transposedConvolution(let c):
      // Each pixel of the output has the share of the taps that falls on it.
      let share = 1 / Double(c.strides.height * c.strides.width)
      return try product(.kernel, input, .transposed(inputs: input.count, outputs: c.filters)).map {
        $0 * share
      }
    default: return []
    }
  }

  /// How a kernel's last axes go along channels; it has a window in front of them.
  private enum Layout {
    /// (inputs of a group, outputs), the outputs group after group.
    case mixing(inputs: Int, outputs: Int, groups: Int)
    /// (inputs, multiplier).
    case perChannel(inputs: Int, multiplier: Int)
    /// (outputs, inputs).
    case transposed(inputs: Int, outputs: Int)

    var outputs: Int {
      switch self {
      case .mixing(_, let outputs, _), .transposed(_, let outputs): outputs
      case .perChannel(let inputs, let multiplier): inputs * multiplier
      }
    }
  }

  private static func add(
    _ values: UnsafeBufferPointer<Float>, times input: [Double], squared: Bool, _ layout: Layout,
    to sums: inout [Double]
  ) {
    sums.withUnsafeMutableBufferPointer { sums in
      guard let values = values.baseAddress.map({ UnsafeBufferPointer(start: $0, count: values.count) }),
        let sum = sums.baseAddress, let base = values.baseAddress
      else { return }
      /// Adds a row of weights, one for each of `count` outputs, times a factor.
      func addRow(
        _ row: UnsafePointer<Float>, _ count: Int, to sum: UnsafeMutablePointer<Double>, _ factor: Double
      ) {
        if squared {
          for i in 0..<count { sum[i] += Double(row[i]) * Double(row[i]) * factor }
        } else {
          for i in 0..<count { sum[i] += Double(row[i]) * factor }
        }
      }
      switch layout {
      case .mixing(let inputs, let outputs, let groups):
        let width = outputs / groups
        for row in 0..<values.count / outputs {
          for group in 0..<groups {
            addRow(
              base + row * outputs + group * width, width, to: sum + group * width,
              input[group * inputs + row % inputs])
          }
        }
      case .perChannel(let inputs, let multiplier):
        for row in 0..<values.count / multiplier {
          let channel = row % inputs
          addRow(base + row * multiplier, multiplier, to: sum + channel * multiplier, input[channel])
        }
      case .transposed(let inputs, let outputs):
        for row in 0..<values.count / inputs {
          var rowSum = 0.0
          for i in 0..<inputs {
            let weight = Double(base[row * inputs + i])
            rowSum += (squared ? weight * weight : weight) * input[i]
          }
          sum[row % outputs] += rowSum
        }
      }
    }
  }
}
