import ZooGraph
import ZooTensor
import ZooWeightFiles

extension KerasExpression {
  /// The configuration of a functional model, in the form of Keras 2, which Keras 3 reads too.
  package func configuration(name: String) -> JSONValue {
    let layers = graph.nodes.map { node -> JSONValue in
      let (className, members) = layer(node)
      let reads = node.inputs.map { input -> JSONValue in
        .array([.string(graph[input].name), 0, 0, .object([:])])
      }
      return [
        "class_name": .string(className), "config": .object(members), "name": .string(node.name),
        "inbound_nodes": .array(reads.isEmpty ? [] : [.array(reads)]),
      ]
    }
    func ends(_ values: [Value]) -> JSONValue {
      .array(values.map { .array([.string(graph[$0].name), 0, 0]) })
    }
    return [
      "class_name": "Functional",
      "config": [
        "name": .string(name), "trainable": true, "layers": .array(layers),
        "input_layers": ends(graph.inputs), "output_layers": ends(graph.outputs),
      ],
    ]
  }

  /// The class and the arguments of a node's layer.
  private func layer(_ node: Node) -> (className: String, members: [String: JSONValue]) {
    let training = training[node.name] ?? LayerTraining()
    var (className, members) = own(node, training)
    members["name"] = .string(node.name)
    members["dtype"] = "float32"
    if Self.ofImages.contains(className) { members["data_format"] = "channels_last" }
    // Some layers without weights do not know the word.
    guard !node.weights.isEmpty else { return (className, members) }
    members["trainable"] = .bool(!training.isFrozen)
    for (prefix, role) in KerasLayer.roles {
      if let regularizer = training.regularizers[role] {
        members["\(prefix)_regularizer"] = regularizer.configuration
      }
      if let initializer = training.initializers[role] {
        members["\(prefix)_initializer"] = initializer.configuration
      }
    }
    return (className, members)
  }

  /// The layers that would take images with the channels first, too.
  private static let ofImages: Set<String> = [
    "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "MaxPooling2D", "AveragePooling2D",
    "GlobalAveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D", "Cropping2D", "UpSampling2D",
    "SpatialDropout2D",
  ]

  /// What is only this kind of layer's.
  private func own(_ node: Node, _ training: LayerTraining) -> (String, [String: JSONValue]) {
    let input = node.inputs.first.map { graph[$0].shape }
    switch node.operation {
    case .input(let shape):
      return ("InputLayer", ["batch_input_shape": .array([.null] + shape.map { .number(Double($0)) })])
    case .convolution(let c):
      return (
        "Conv2D",
        window(c.kernel, c.strides, c.padding, c.dilation).merging(
          ["filters": .integer(c.filters), "groups": .integer(c.groups)].merging(end(c.useBias, c.activation))
        )
      )
    case .depthwiseConvolution(let c):
      return (
        "DepthwiseConv2D",
        window(c.kernel, c.strides, c.padding, c.dilation).merging(
          ["depth_multiplier": .integer(c.multiplier)].merging(end(c.useBias, c.activation)))
      )
    case .separableConvolution(let c):
      return (
        "SeparableConv2D",
        window(c.kernel, c.strides, c.padding, c.dilation).merging(
          ["filters": .integer(c.filters), "depth_multiplier": .integer(c.multiplier)].merging(
            end(c.useBias, c.activation)))
      )
    case .transposedConvolution(let c):
      let place = input.flatMap { c.kerasPadding(of: $0) }
      return (
        "Conv2DTranspose",
        window(c.kernel, c.strides, place?.isValid == true ? .valid : .same, c.dilation).merging(
          [
            "filters": .integer(c.filters),
            "output_padding": place?.addition.map { .extent($0) } ?? .null,
          ].merging(end(c.useBias, c.activation)))
      )
    case .dense(let d):
      return ("Dense", ["units": .integer(d.units)].merging(end(d.useBias, d.activation)))
    case .batchNormalization(let b):
      return (
        "BatchNormalization",
        [
          "axis": -1, "momentum": .number(training.momentum ?? LayerTraining.usualMomentum),
          "epsilon": .number(b.epsilon), "center": .bool(b.center), "scale": .bool(b.scale),
        ]
      )
    case .layerNormalization(let l):
      return (
        "LayerNormalization",
        [
          "axis": l.axes == 1 ? -1 : .array((-l.axes..<0).map { .integer($0) }),
          "epsilon": .number(l.epsilon), "center": .bool(l.center), "scale": .bool(l.scale),
        ]
      )
    case .rescaling(let r):
      func numbers(_ values: [Double]) -> JSONValue {
        values.count == 1 ? .number(values[0]) : .array(values.map { .number($0) })
      }
      return ("Rescaling", ["scale": numbers(r.scale), "offset": numbers(r.offset)])
    case .activation(let activation): return layer(of: activation)
    case .prelu(let axes):
      let shared = JSONValue.array(axes.map { .integer($0 + 1) })
      return ("PReLU", ["shared_axes": axes.isEmpty ? .null : shared])
    case .maxPooling(let p): return ("MaxPooling2D", pooling(p))
    case .averagePooling(let p): return ("AveragePooling2D", pooling(p))
    case .globalAveragePooling(let keeps): return ("GlobalAveragePooling2D", ["keepdims": .bool(keeps)])
    case .globalMaxPooling(let keeps): return ("GlobalMaxPooling2D", ["keepdims": .bool(keeps)])
    case .zeroPadding(let edges): return ("ZeroPadding2D", ["padding": .edges(edges)])
    case .cropping(let edges): return ("Cropping2D", ["cropping": .edges(edges)])
    case .resize(let resize): return resizing(resize, of: input)
    case .merge(let merge): return (merge.kerasClass, [:])
    case .concatenate: return ("Concatenate", ["axis": -1])
    case .flatten: return ("Flatten", [:])
    case .reshape(let target): return ("Reshape", ["target_shape": .array(target.map { .integer($0) })])
    case .permute(let order): return ("Permute", ["dims": .array(order.map { .integer($0 + 1) })])
    case .identity: return noise(training.noise, rank: node.shape.rank)
    case .normalization, .layerScale, .channelAffine: return ("Activation", ["activation": "linear"])
    }
  }

  private func window(
    _ kernel: Extent2D, _ strides: Extent2D, _ padding: Padding, _ dilation: Extent2D
  ) -> [String: JSONValue] {
    [
      "kernel_size": .extent(kernel), "strides": .extent(strides),
      "padding": padding == .same ? "same" : "valid", "dilation_rate": .extent(dilation),
    ]
  }

  private func pooling(_ pooling: Pooling) -> [String: JSONValue] {
    [
      "pool_size": .extent(pooling.window), "strides": .extent(pooling.strides),
      "padding": pooling.padding == .same ? "same" : "valid",
    ]
  }

  private func end(_ useBias: Bool, _ activation: Activation) -> [String: JSONValue] {
    ["use_bias": .bool(useBias), "activation": .string(Self.name(of: activation) ?? "linear")]
  }

  private func layer(of activation: Activation) -> (String, [String: JSONValue]) {
    switch activation {
    case .relu(let maxValue, let slope, let threshold):
      (
        "ReLU",
        [
          "max_value": maxValue.map { .number($0) } ?? .null, "negative_slope": .number(slope),
          "threshold": .number(threshold),
        ]
      )
    case .elu(let alpha): ("ELU", ["alpha": .number(alpha)])
    default: ("Activation", ["activation": .string(Self.name(of: activation) ?? "linear")])
    }
  }

  private func resizing(_ resize: Resize, of input: Shape?) -> (String, [String: JSONValue]) {
    let method = JSONValue.string(resize.interpolation.rawValue)
    if let input, resize.interpolation != .bicubic, resize.size.height.isMultiple(of: input[0]),
      resize.size.width.isMultiple(of: input[1])
    {
      let factors = Extent2D(resize.size.height / input[0], resize.size.width / input[1])
      return ("UpSampling2D", ["size": .extent(factors), "interpolation": method])
    }
    return (
      "Resizing",
      [
        "height": .integer(resize.size.height), "width": .integer(resize.size.width), "interpolation": method,
      ]
    )
  }

  private func noise(_ noise: TrainingNoise?, rank: Int) -> (String, [String: JSONValue]) {
    guard let noise else { return ("Activation", ["activation": "linear"]) }
    let rate = JSONValue.number(noise.amount)
    switch noise.kind {
    case .dropout: return ("Dropout", ["rate": rate])
    case .spatialDropout where rank == 3: return ("SpatialDropout2D", ["rate": rate])
    case .spatialDropout:
      let inner = [JSONValue](repeating: 1, count: max(0, rank - 1))
      return ("Dropout", ["rate": rate, "noise_shape": .array([.null] + inner + [.null])])
    case .stochasticDepth:
      let inner = [JSONValue](repeating: 1, count: rank)
      return ("Dropout", ["rate": rate, "noise_shape": .array([.null] + inner)])
    case .gaussianDropout: return ("GaussianDropout", ["rate": rate])
    case .gaussianNoise: return ("GaussianNoise", ["stddev": rate])
    case .alphaDropout: return ("AlphaDropout", ["rate": rate])
    }
  }
}

// MARK: Values

extension JSONValue {
  fileprivate static func integer(_ value: Int) -> JSONValue { .number(Double(value)) }

  fileprivate static func extent(_ extent: Extent2D) -> JSONValue {
    .array([.integer(extent.height), .integer(extent.width)])
  }

  fileprivate static func edges(_ edges: Edges) -> JSONValue {
    .array([
      .array([.integer(edges.top), .integer(edges.bottom)]),
      .array([.integer(edges.left), .integer(edges.right)]),
    ])
  }
}

extension [String: JSONValue] {
  fileprivate func merging(_ other: [String: JSONValue]) -> [String: JSONValue] {
    merging(other) { _, new in new }
  }
}

extension Merge {
  fileprivate var kerasClass: String {
    switch self {
    case .add: "Add"
    case .subtract: "Subtract"
    case .multiply: "Multiply"
    case .average: "Average"
    case .maximum: "Maximum"
    case .minimum: "Minimum"
    }
  }
}

extension Regularizer {
  fileprivate var configuration: JSONValue {
    ["class_name": "L1L2", "config": ["l1": .number(l1), "l2": .number(l2)]]
  }
}

extension Initializer {
  fileprivate var configuration: JSONValue {
    func made(_ name: String, _ members: [String: JSONValue]) -> JSONValue {
      ["class_name": .string(name), "config": .object(members)]
    }
    switch self {
    case .constant(0): return made("Zeros", [:])
    case .constant(1): return made("Ones", [:])
    case .constant(let value): return made("Constant", ["value": .number(value)])
    case .uniform(let low, let high):
      return made("RandomUniform", ["minval": .number(low), "maxval": .number(high)])
    case .normal(let mean, let deviation):
      return made("RandomNormal", ["mean": .number(mean), "stddev": .number(deviation)])
    case .truncatedNormal(let mean, let deviation):
      return made("TruncatedNormal", ["mean": .number(mean), "stddev": .number(deviation)])
    case .varianceScaling(let own):
      return made(
        "VarianceScaling",
        [
          "scale": .number(own.scale), "mode": .string(own.mode.rawValue),
          "distribution": .string(own.distribution.rawValue),
        ])
    case .orthogonal(let gain): return made("Orthogonal", ["gain": .number(gain)])
    }
  }
}
