import ZooSystem

extension Operation {
  /// The Keras class in snake case, as automatic layer names and Keras 3's weight store write it.
  ///
  /// Keras has several classes for one activation: a bounded or leaky ReLU is taken for `ReLU`, every
  /// other for `Activation`. Neither has weights, so the difference never moves a weight.
  package var kerasClassName: String {
    switch self {
    case .input: "input_layer"
    case .convolution: "conv2d"
    case .depthwiseConvolution: "depthwise_conv2d"
    case .separableConvolution: "separable_conv2d"
    case .transposedConvolution: "conv2d_transpose"
    case .dense: "dense"
    case .batchNormalization: "batch_normalization"
    case .layerNormalization: "layer_normalization"
    case .normalization: "normalization"
    case .rescaling: "rescaling"
    case .channelScaling: "layer_scale"
    case .parametricRectifier: "p_re_lu"
    case .activation(.relu(let maxValue, let slope, let threshold)):
      maxValue == nil && slope == 0 && threshold == 0 ? "activation" : "re_lu"
    case .activation: "activation"
    case .maxPooling: "max_pooling2d"
    case .averagePooling: "average_pooling2d"
    case .globalAveragePooling: "global_average_pooling2d"
    case .globalMaxPooling: "global_max_pooling2d"
    case .zeroPadding: "zero_padding2d"
    case .cropping: "cropping2d"
    case .resize: "resizing"
    case .merge(let merge): merge.rawValue
    case .concatenate: "concatenate"
    case .flatten: "flatten"
    case .reshape: "reshape"
    case .permute: "permute"
    case .identity(let layer): kerasSnakeCase(layer)
    }
  }
}

/// A class name as Keras' `to_snake_case` writes it: `DepthwiseConv2D` is `depthwise_conv2d`, `ReLU` `re_lu`.
package func kerasSnakeCase(_ name: String) -> String {
  let word = Array(
    name.unicodeScalars.filter { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) })
  func isUpper(_ i: Int) -> Bool { word.indices.contains(i) && ("A"..."Z").contains(word[i]) }
  func isLower(_ i: Int) -> Bool { word.indices.contains(i) && ("a"..."z").contains(word[i]) }
  var result = String.UnicodeScalarView()
  for (i, scalar) in word.enumerated() {
    if i > 0, isUpper(i), isLower(i + 1) || isLower(i - 1), word[i - 1] != "_" { result.append("_") }
    result.append(contentsOf: String(scalar).lowercased().unicodeScalars)
  }
  return String(result)
}

/// Where Keras 3's weight store keeps a layer: `layers/<className>[_<ordinal>]`.
package struct KerasStorePath: Hashable, Sendable {
  /// The index of the layer's node in ``Graph/nodes``.
  package let node: Int
  package let className: String
  /// Counted from 0 per class.
  package let ordinal: Int

  package init(node: Int, className: String, ordinal: Int) {
    self.node = node
    self.className = className
    self.ordinal = ordinal
  }
}

extension Graph {
  /// The indices of the nodes in the order of Keras' `model.layers`.
  ///
  /// That is: by the longest distance to an output, descending; at equal distance in the order in
  /// which a depth-first walk from the outputs meets them (`map_graph` in `keras/src/ops/function.py`).
  /// The order is topological. Nodes that no output depends on are no part of a Keras model and are
  /// left out; inputs that no output depends on come last but before the layers at distance 0.
  package var kerasOrder: [Int] {
    var firstSeen = [Int?](repeating: nil, count: nodes.count)
    var finished: [Int] = []
    var isFinished = [Bool](repeating: false, count: nodes.count)
    var seen = 0
    for output in outputs where !isFinished[output.index] {
      var path: [(node: Int, nextInput: Int)] = [(output.index, 0)]
      while let (node, next) = path.last {
        if firstSeen[node] == nil {
          firstSeen[node] = seen
          seen += 1
        }
        if next < nodes[node].inputs.count {
          path[path.count - 1].nextInput += 1
          let input = nodes[node].inputs[next].index
          if firstSeen[input] == nil { path.append((input, 0)) }
        } else {
          isFinished[node] = true
          finished.append(node)
          path.removeLast()
        }
      }
    }
    var distance = [Int](repeating: 0, count: nodes.count)
    for node in finished.reversed() {
      for input in nodes[node].inputs {
        distance[input.index] = max(distance[input.index], distance[node] + 1)
      }
    }
    let unused = inputs.map(\.index).filter { firstSeen[$0] == nil }
    return (finished + unused).sorted { a, b in
      (-distance[a], firstSeen[a] ?? -1, a) < (-distance[b], firstSeen[b] ?? -1, b)
    }
  }

  /// The same network with its nodes in the order of Keras' `model.layers`.
  package func inKerasOrder() throws(ZooError) -> Graph {
    let order = kerasOrder
    var place = [Int](repeating: 0, count: nodes.count)
    for (new, old) in order.enumerated() { place[old] = new }
    var layers: [Layer] = []
    for index in order {
      let node = nodes[index]
      layers.append(
        Layer(
          name: node.name, operation: node.operation, inputs: node.inputs.map { place[$0.index] },
          sharing: node.sharing.map { place[$0.index] }))
    }
    return try Graph(layers: layers, outputs: outputs.map { place[$0.index] })
  }

  /// Where Keras 3's weight store keeps each layer, in the order of `model.layers`.
  package var kerasStorePaths: [KerasStorePath] {
    var counts: [String: Int] = [:]
    return kerasOrder.map { index in
      let className = nodes[index].operation.kerasClassName
      let ordinal = counts[className, default: 0]
      counts[className] = ordinal + 1
      return KerasStorePath(node: index, className: className, ordinal: ordinal)
    }
  }
}
