import ZooGraph
import ZooSystem
import ZooTensor

/// The oracle for networks that are computed on codes of 8 bits: what an `IntegerProgram` says, in plain loops, and
/// all else as ``ReferenceEngine`` does it. Codes have to be the same, bit for bit.
package struct IntegerReference {
  private let graph: Graph
  private let form: IntegerForm
  private let program: IntegerProgram
  private let floatProgram: ReferenceProgram
  private let weights: any WeightSource

  /// - Parameter taps: values that ``run(_:)`` returns too.
  /// - Throws: `ZooError` where a layer can't be computed.
  package init(
    graph: Graph, form: IntegerForm, weights: any WeightSource, taps: [Value] = []
  ) throws(ZooError) {
    self.graph = graph
    self.form = form
    self.weights = weights
    program = IntegerProgram(graph, form, taps: taps)
    floatProgram = try ReferenceProgram(graph)
  }

  /// What the layers of the program compute, and how.
  package var layers: [Int: IntegerLayer] { program.layers }
  /// Their results, as far as they can be looked at without the program becoming another one.
  package var results: Set<Value> { program.results }

  /// All values that are ever in memory, of one example. Values in codes are what their codes mean; of those that have
  /// both, the codes and not the wide ones.
  ///
  /// - Parameter given: values of layers on floats that are taken as they are, so that what is computed on codes of
  ///   them is the same to the last bit.
  /// - Throws: `ZooError` where an input or a weight does not fit, and what the source of the weights throws.
  package func run(
    _ inputs: [ReferenceTensor], given: [Value: ReferenceTensor] = [:]
  ) throws -> [Value: ReferenceTensor] {
    var values: [Int: ReferenceCodes] = [:]
    for (input, tensor) in zip(graph.inputs, inputs) {
      values[input.index] = empty(input.index, floats: tensor.values)
    }
    for (value, tensor) in given where program.layers[value.index] == nil {
      values[value.index] = empty(value.index, floats: tensor.values)
    }
    let needed = needed(without: Set(values.keys))
    for index in graph.nodes.indices
    where values[index] == nil && !program.swallowed.contains(index) && needed.contains(index) {
      if let layer = program.layers[index] {
        values[layer.result] = try compute(layer, &values)
      } else {
        values[index] = empty(index, floats: try computeFloats(index, &values))
      }
    }
    var results: [Value: ReferenceTensor] = [:]
    for index in values.keys {
      guard var value = values[index] else { continue }
      results[Value(index: index)] = ReferenceTensor(
        shape: graph.nodes[index].shape, values: value.readFloats())
    }
    return results
  }

  /// The nodes that outputs depend on, where some values are known.
  private func needed(without known: Set<Int>) -> Set<Int> {
    var needed = Set(graph.outputs.map(\.index)).union(program.layers.keys).union(program.swallowed)
    for index in graph.nodes.indices.reversed() where needed.contains(index) && !known.contains(index) {
      needed.formUnion(graph.nodes[index].inputs.map(\.index))
    }
    return needed
  }

  private func empty(_ value: Int, floats: [Double]? = nil) -> ReferenceCodes {
    ReferenceCodes(
      code: program.codes[value], channels: graph.nodes[value].shape.dimensions.last ?? 1, floats: floats)
  }

  // MARK: Layers on floats

  private func computeFloats(_ index: Int, _ values: inout [Int: ReferenceCodes]) throws -> [Double] {
    var results: [Int: [Double]] = [:]
    for input in graph.nodes[index].inputs {
      results[floatProgram.stepOfNode[input.index]] = values[input.index]?.readFloats()
    }
    let first = index == 0 ? 0 : floatProgram.stepOfNode[index - 1] + 1
    for position in first...floatProgram.stepOfNode[index] {
      let step = floatProgram.steps[position]
      let stepWeights = try step.weights.map { try ReferenceWeight($0, from: weights) }
      results[position] = ReferenceEngine.compute(
        step, inputs: step.inputs.compactMap { results[$0] }, weights: stepWeights, threads: 1)
    }
    return results[floatProgram.stepOfNode[index]] ?? []
  }

  // MARK: Layers on codes

  private func compute(_ layer: IntegerLayer, _ values: inout [Int: ReferenceCodes]) throws -> ReferenceCodes
  {
    let node = graph.nodes[layer.node]
    let channels = graph.nodes[layer.result].shape.image.channels
    var result = empty(layer.result)
    switch layer.kind {
    case .copy:
      result.codes = values[layer.source]?.readCodes()
      return result
    case .concatenation:
      result.codes = try joined(layer, &values)
      return result
    case .padding(let edges):
      result.codes = padded(values[layer.source]?.readCodes() ?? [], edges, layer)
      return result
    case .maxPooling(let pooling):
      result.codes = largest(values[layer.source]?.readCodes() ?? [], pooling, layer)
      return result
    default: break
    }
    let kernel: WeightRole? =
      switch layer.kind {
      case .product: .kernel
      case .depthwise(let role): role
      default: nil
      }
    let slot = node.weights.first { $0.role == kernel }
    let numbers = try IntegerWeights(
      layer, kernel: slot, bias: kernel == nil ? nil : node.weights.first { $0.role == .bias },
      channels: channels, form: form, from: weights)
    let y: [Float]
    switch layer.kind {
    case .sum, .rescaling:
      let terms = values[layer.source]?.readTerm(isWide: layer.sourceIsWide) ?? []
      y = terms.enumerated().map { index, term in
        let product = term * numbers.multipliers[index % channels]
        return product + numbers.offsets[index % channels]
      }
    case .averagePooling, .mean:
      y = means(values[layer.source]?.readCodes() ?? [], layer, numbers, channels)
    default:
      let sums = sums(values[layer.source]?.readCodes() ?? [], layer, numbers.kernel)
      y = sums.enumerated().map { index, sum in
        let product = Float(sum) * numbers.multipliers[index % channels]
        return product + numbers.offsets[index % channels]
      }
    }
    var terms: [Float]?
    if let other = layer.other { terms = values[other]?.readTerm(isWide: layer.otherIsWide) }
    write(y, terms, layer, to: &result)
    return result
  }

  private func write(_ y: [Float], _ terms: [Float]?, _ layer: IntegerLayer, to result: inout ReferenceCodes)
  {
    var y = y
    if let terms {
      for index in y.indices {
        let product = terms[index] * layer.otherFactor
        y[index] = y[index] + product
      }
    }
    guard layer.code != nil else {
      let activation = graph.nodes[layer.node].operation.endActivation
      var floats = y.map { Double(min(layer.hi, max(layer.lo, $0))) }
      if let activation, activation.bounds == nil {
        floats = activation == .softmax ? softmax(floats, of: result.channels) : floats.map(activation.scalar)
      }
      result.floats = floats
      return
    }
    if layer.writesCodes { result.codes = y.map { UInt8(rounded($0, most: 255)) } }
    if layer.writesWide { result.wide = y.map { UInt16(rounded($0 * 256, most: 65535)) } }
  }

  private func softmax(_ values: [Double], of channels: Int) -> [Double] {
    var result: [Double] = []
    for first in stride(from: 0, to: values.count, by: channels) {
      let vector = values[first..<first + channels]
      let largest = vector.max() ?? 0
      let powers = vector.map { naturalExponential($0 - largest) }
      let total = powers.reduce(0, +)
      result += powers.map { $0 / total }
    }
    return result
  }
}

// MARK: Sums and windows

extension IntegerReference {
  /// Of each output: the sum of (code − zero) · weight; what lies outside is zero.
  private func sums(_ codes: [UInt8], _ layer: IntegerLayer, _ kernel: [Int8]) -> [Int] {
    let (inHeight, inWidth, inChannels) = graph.nodes[layer.source].shape.image
    let (height, width, filters) = graph.nodes[layer.result].shape.image
    let image: Shape = [inHeight, inWidth, inChannels]
    var window = ReferenceWindow(on: image, size: .one, strides: .one, padding: .valid)
    var groups = 1
    switch graph.nodes[layer.node].operation {
    case .convolution(let c):
      window = ReferenceWindow(
        on: image, size: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
      groups = c.groups
    case .depthwiseConvolution(let c):
      window = ReferenceWindow(
        on: image, size: c.kernel, strides: c.strides, padding: c.padding, dilation: c.dilation)
      groups = inChannels
    default: break
    }
    let (inputs, outputs) = (inChannels / groups, filters / groups)
    var result = [Int](repeating: 0, count: height * width * filters)
    for row in 0..<height {
      for column in 0..<width {
        window.forEachTap(row, column) { tap, y, x in
          for filter in 0..<filters {
            let first = filter / outputs * inputs
            var sum = 0
            for input in 0..<inputs {
              let code = Int(codes[window.index(y, x, first + input)])
              let weight = Int(kernel[(tap * inputs + input) * filters + filter])
              sum += (code - Int(layer.sourceCode.zero(first + input))) * weight
            }
            result[(row * width + column) * filters + filter] += sum
          }
        }
      }
    }
    return result
  }

  private func joined(_ layer: IntegerLayer, _ values: inout [Int: ReferenceCodes]) throws -> [UInt8] {
    let channels = graph.nodes[layer.result].shape.image.channels
    var result = [UInt8](repeating: 0, count: graph.nodes[layer.result].shape.elementCount)
    var first = 0
    for part in layer.parts {
      let count = graph.nodes[part].shape.image.channels
      guard let own = program.codes[part], let code = layer.code else { return [] }
      let factor = Float(Double(own.scale(0)) / Double(code.scale(0)))
      for (index, x) in (values[part]?.readCodes() ?? []).enumerated() {
        let product = Float(x) * factor
        let y = product + own.offset(into: code, factor: factor)
        result[index / count * channels + first + index % count] = UInt8(rounded(y, most: 255))
      }
      first += count
    }
    return result
  }

  private func means(
    _ codes: [UInt8], _ layer: IntegerLayer, _ numbers: IntegerWeights, _ channels: Int
  ) -> [Float] {
    let source = graph.nodes[layer.source].shape
    let (height, width, _) = graph.nodes[layer.result].shape.image
    let window: ReferenceWindow
    if case .averagePooling(let p) = layer.kind {
      window = ReferenceWindow(on: source, size: p.window, strides: p.strides, padding: p.padding)
    } else {
      window = ReferenceWindow(
        on: source, size: Extent2D(source[0], source[1]), strides: .one, padding: .valid)
    }
    var result: [Float] = []
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          var (sum, count) = (0, 0)
          window.forEachTap(row, column) { _, y, x in
            sum += Int(codes[window.index(y, x, channel)])
            count += 1
          }
          let share = numbers.multipliers[channel] / Float(count)
          let product = Float(sum) * share
          result.append(product + numbers.offsets[channel])
        }
      }
    }
    return result
  }

  private func largest(_ codes: [UInt8], _ pooling: Pooling, _ layer: IntegerLayer) -> [UInt8] {
    let window = ReferenceWindow(
      on: graph.nodes[layer.source].shape, size: pooling.window, strides: pooling.strides,
      padding: pooling.padding)
    let (height, width, channels) = graph.nodes[layer.result].shape.image
    var result = [UInt8](repeating: 0, count: height * width * channels)
    for row in 0..<height {
      for column in 0..<width {
        window.forEachTap(row, column) { _, y, x in
          for channel in 0..<channels {
            let place = (row * width + column) * channels + channel
            result[place] = max(result[place], codes[window.index(y, x, channel)])
          }
        }
      }
    }
    return result
  }

  private func padded(_ codes: [UInt8], _ edges: Edges, _ layer: IntegerLayer) -> [UInt8] {
    let (inHeight, inWidth, channels) = graph.nodes[layer.source].shape.image
    let (height, width, _) = graph.nodes[layer.result].shape.image
    return (0..<height * width * channels).map { index in
      let channel = index % channels
      let (row, column) = (index / channels).quotientAndRemainder(dividingBy: width)
      let (y, x) = (row - edges.top, column - edges.left)
      guard y >= 0, y < inHeight, x >= 0, x < inWidth else { return layer.sourceCode.zero(channel) }
      return codes[(y * inWidth + x) * channels + channel]
    }
  }
}
