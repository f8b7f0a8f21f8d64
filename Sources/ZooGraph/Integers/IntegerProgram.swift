import ZooTensor

/// Which layers of a graph are computed on codes of 8 bits, what they compute at once, and in which codes they read
/// and write: the one place that decides it. All that computes in this way follows it, so that results are the same.
///
/// The other layers are computed on floats, which codes become before them; floats that a layer of the program reads
/// become codes before it.
package struct IntegerProgram: Sendable {
  /// The most products in a sum, which then fits 32 bits whatever the zero.
  package static let sumLimit = 32768
  /// The most codes in a mean of a window: their sum fits 16 bits.
  package static let windowLimit = 257
  /// The most positions of a product's window.
  package static let tapLimit = 1024

  /// By node.
  package private(set) var layers: [Int: IntegerLayer] = [:]
  /// Nodes that an earlier node's layer computes.
  package private(set) var swallowed: Set<Int> = []
  /// By value, where it can be written in codes.
  package let codes: [ValueCode?]

  private let graph: Graph
  private let readers: [[Int]]
  private let isOutput: Set<Int>
  private let floatLayers: Set<Int>
  /// Values whose codes end at 0 because only ReLUs read them.
  private let isRectified: Set<Int>
  /// By value, that whose range counts for it.
  private let roots: [Int]
  /// Whether a node is computed on the codes of what it reads, as far as that can be said before its turn.
  private var takesCodes: [Bool]
  /// The node whose layer writes a value.
  private var writers: [Int: Int] = [:]

  /// The results of layers that can be looked at without the program becoming another one: all but those that are cut off
  /// because only ReLUs read them, whose own results show the same.
  package var results: Set<Value> {
    Set(layers.values.map(\.result)).subtracting(isRectified).reduce(into: []) {
      $0.insert(Value(index: $1))
    }
  }

  /// - Parameter taps: values that are looked at; none of these is computed only together with what follows it, or cut
  ///   off as what follows does it.
  package init(_ graph: Graph, _ form: IntegerForm, taps: [Value] = []) {
    self.init(graph, form, ends: [])
    let hidden = swallowed.union(isRectified).intersection(taps.map(\.index))
    if !hidden.isEmpty { self.init(graph, form, ends: hidden) }
  }

  /// - Parameter ends: values that no layer goes beyond.
  private init(_ graph: Graph, _ form: IntegerForm, ends: Set<Int>) {
    self.graph = graph
    isOutput = Set(graph.outputs.map(\.index)).union(ends)
    floatLayers = Set(form.floatLayers.map(\.index))
    var live = [Bool](repeating: false, count: graph.nodes.count)
    var readers = [[Int]](repeating: [], count: graph.nodes.count)
    for index in graph.nodes.indices.reversed() where live[index] || isOutput.contains(index) {
      live[index] = true
      for input in graph.nodes[index].inputs {
        live[input.index] = true
        readers[input.index].append(index)
      }
    }
    self.readers = readers.map { $0.reversed() }
    let coding = ValueCoding(graph, form, readers: self.readers, outputs: isOutput)
    (codes, isRectified, roots) = (coding.codes, coding.isRectified, coding.roots)
    takesCodes = live.map { _ in false }
    // From the last: it depends on readers.
    for index in graph.nodes.indices.reversed() where live[index] { takesCodes[index] = canTakeCodes(index) }
    for index in graph.nodes.indices where live[index] && !swallowed.contains(index) {
      if let layer = layer(index) { add(layer) }
    }
    chooseForms()
  }

  /// The values whose ranges it goes by: with these alone it becomes the same program.
  package var rangedValues: Set<Value> {
    var values: Set<Int> = []
    for layer in layers.values {
      values.formUnion(
        [layer.source, layer.other, layer.code == nil ? nil : layer.result].compactMap(\.self))
      values.formUnion(layer.parts)
    }
    // A sum has codes as terms only if both have ranges, even where one of them is never written.
    for node in swallowed where graph.nodes[node].operation == .add {
      values.formUnion(graph.nodes[node].inputs.map(\.index))
    }
    return Set(values.map { Value(index: roots[$0]) })
  }

  private func uniformCode(_ value: Int) -> ValueCode? { codes[value].flatMap { $0.isUniform ? $0 : nil } }

  // MARK: Which layers

  private func canTakeCodes(_ index: Int) -> Bool {
    let node = graph.nodes[index]
    guard !floatLayers.contains(index), let source = node.inputs.first?.index, let code = codes[source] else {
      return false
    }
    let input = graph.nodes[source].shape
    switch node.operation {
    case .convolution(let c):
      let isSum = c.groups < input[2] || input[2] == 1
      guard isSum else { return c.filters == c.groups }
      let taps = c.kernel.height * c.kernel.width
      return (code.isUniform || c.groups == 1 && isInput(source)) && taps <= Self.tapLimit
        && taps * (input[2] / c.groups) <= Self.sumLimit
    case .depthwiseConvolution(let c): return c.multiplier == 1
    case .dense: return code.isUniform && input.image.channels <= Self.sumLimit
    case .averagePooling(let p):
      return codes[index] != nil && p.window.height * p.window.width <= Self.windowLimit
    case .globalAveragePooling: return input[0] * input[1] <= Self.sumLimit
    case .merge(.add): return isSum(node)
    case .concatenate:
      return uniformCode(index) != nil && areCodesWanted(index)
        && node.inputs.allSatisfy { uniformCode($0.index) != nil }
    case .activation(let activation) where activation != .linear:
      return activation.bounds != nil && codes[index] != nil && areCodesWanted(index)
    case .batchNormalization, .normalization, .rescaling, .layerScale: return ChannelMap(node) != nil
    case .identity, .activation(.linear), .maxPooling, .flatten, .reshape: return areCodesWanted(index)
    case .zeroPadding(let e): return min(e.top, e.bottom, e.left, e.right) >= 0 && areCodesWanted(index)
    default: return false
    }
  }

  /// Whether a value has the codes of one of the network's inputs. Those of pictures have scales that are much alike, so
  /// that kernels can have what they differ by.
  private func isInput(_ value: Int) -> Bool { graph.nodes[roots[value]].inputs.isEmpty }

  private func isSum(_ node: Node) -> Bool {
    node.inputs.count == 2
      && node.inputs.allSatisfy { graph[$0].shape == node.shape && uniformCode($0.index) != nil }
  }

  /// Whether a layer that is computed on codes reads the value.
  private func areCodesWanted(_ value: Int) -> Bool { readers[value].contains { takesCodes[$0] } }

  /// The layer of a node, where it is computed on codes.
  private func layer(_ index: Int) -> IntegerLayer? {
    let node = graph.nodes[index]
    guard takesCodes[index], let source = node.inputs.first?.index, let sourceCode = codes[source] else {
      return nil
    }
    func make(_ kind: IntegerLayer.Kind) -> IntegerLayer {
      IntegerLayer(
        kind: kind, node: index, source: source, result: index, layers: [node.name], sourceCode: sourceCode,
        code: codes[index])
    }
    switch node.operation {
    case .convolution(let c) where c.groups == graph.nodes[source].shape[2] && c.groups > 1:
      return withCodes(fused(make(.depthwise(.kernel)), c.activation))
    case .convolution(let c): return fused(make(.product), c.activation)
    case .dense(let d): return fused(make(.product), d.activation)
    case .depthwiseConvolution(let c):
      return withCodes(fused(make(.depthwise(.depthwiseKernel)), c.activation))
    case .maxPooling(let p): return make(.maxPooling(p))
    case .averagePooling(let p): return withCodes(make(.averagePooling(p)))
    case .globalAveragePooling:
      var layer = make(.mean)
      if !areCodesWanted(index) { layer.code = nil }
      return layer
    case .merge(.add):
      var layer = make(.sum)
      let other = node.inputs[1].index
      guard isCoded(source) || isCoded(other) else { return nil }
      (layer.other, layer.otherCode) = (other, codes[other])
      return withCodes(fused(layer, .linear))
    case .zeroPadding(let edges): return make(.padding(edges))
    case .concatenate:
      var layer = make(.concatenation)
      layer.parts = node.inputs.map(\.index)
      return layer
    case .activation(let activation) where activation != .linear && !isRectified.contains(source):
      return isCoded(source) ? make(.rescaling) : nil
    case .batchNormalization, .normalization, .rescaling, .layerScale:
      guard isCoded(source) else { return nil }
      var layer = make(.rescaling)
      layer.norms = [ChannelMap(node)].compactMap(\.self)
      return withCodes(fused(layer, .linear))
    default: return make(.copy)
    }
  }

  /// Whether a layer writes the value in codes: what is computed in floats takes in what follows it.
  private func isCoded(_ value: Int) -> Bool { writers[value].flatMap { layers[$0] }?.code != nil }

  /// The layer, if what it writes is wanted in codes.
  private func withCodes(_ layer: IntegerLayer) -> IntegerLayer? { layer.code == nil ? nil : layer }

  // MARK: What is computed at once

  /// Follows the only reader of each value as long as it can be computed at once: maps of channels, then a sum, then
  /// one activation that only cuts off.
  private func fused(_ start: IntegerLayer, _ activation: Activation) -> IntegerLayer {
    var layer = start
    var isClamped = activation != .linear
    if let (lo, hi) = activation.bounds { (layer.lo, layer.hi) = (lo, hi) }
    let isProduct = layer.kind == .product
    let isLinear = layer.kind != .sum
    follow: while !isOutput.contains(layer.result), readers[layer.result].count == 1, activation.bounds != nil
    {
      let next = readers[layer.result][0]
      let node = graph.nodes[next]
      switch node.operation {
      case .identity, .activation(.linear): break
      case .batchNormalization, .normalization, .rescaling, .layerScale:
        guard isLinear, !isClamped, layer.other == nil, let map = ChannelMap(node) else {
          break follow
        }
        layer.norms.append(map)
      case .activation(let activation):
        guard !isClamped, let (lo, hi) = activation.bounds else { break follow }
        (layer.lo, layer.hi) = (lo, hi)
        isClamped = true
      case .merge(.add):
        guard isProduct, !isClamped, layer.other == nil, node.inputs.count == 2,
          node.inputs.allSatisfy({ graph[$0].shape == node.shape }),
          let other = node.inputs.first(where: { $0.index != layer.result })?.index,
          writers[other] != nil || other < layer.node, !floatLayers.contains(next),
          let code = uniformCode(other)
        else { break follow }
        (layer.other, layer.otherCode) = (other, code)
      default: break follow
      }
      layer.layers.append(node.name)
      layer.result = next
    }
    // Nothing but floats can be the input of an activation that no layer here computes.
    let isPlain = activation.bounds != nil && areCodesWanted(layer.result)
    layer.code = isPlain ? codes[layer.result] : nil
    // Sums have one scale.
    if layer.kind == .sum || layer.other != nil, layer.code?.isUniform == false { layer.code = nil }
    return layer
  }

  private mutating func add(_ layer: IntegerLayer) {
    layers[layer.node] = layer
    writers[layer.result] = layer.node
    // What lies between the layer and its result.
    var value = layer.node
    while value != layer.result {
      value = readers[value][0]
      swallowed.insert(value)
    }
  }

  // MARK: Forms of what is written

  /// Terms of sums are read in wide codes where a layer can write them; codes that nothing reads aren't written.
  private mutating func chooseForms() {
    var readAsCodes: Set<Int> = []
    var readWide: Set<Int> = []
    func isWide(_ value: Int) -> Bool {
      guard let writer = writers[value], let layer = layers[writer] else { return false }
      return layer.canBeWide && layer.code?.isUniform == true
    }
    for index in layers.keys {
      guard var layer = layers[index] else { continue }
      if let other = layer.other {
        layer.otherIsWide = isWide(other)
        if layer.otherIsWide { readWide.insert(other) } else { readAsCodes.insert(other) }
      }
      layer.sourceIsWide = [.sum, .rescaling].contains(layer.kind) && isWide(layer.source)
      if layer.sourceIsWide { readWide.insert(layer.source) } else { readAsCodes.insert(layer.source) }
      readAsCodes.formUnion(layer.parts)
      layers[index] = layer
    }
    for index in layers.keys {
      guard var layer = layers[index], layer.code != nil else { continue }
      layer.writesWide = readWide.contains(layer.result)
      layer.writesCodes = readAsCodes.contains(layer.result) || !layer.writesWide
      layers[index] = layer
    }
  }
}
