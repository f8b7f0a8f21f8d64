import ZooSystem

/// The value of an operation's attribute, as it is stored and printed.
package enum AttributeValue: Sendable, Hashable {
  case int(Int)
  case double(Double)
  case bool(Bool)
  case string(String)
  case ints([Int])
  case doubles([Double])
}

/// An operation as a name and named values, for files and for people; the names are Keras' in snake case.
///
/// Every payload states every attribute, so that no reader needs defaults.
extension Operation {
  /// The names of all kinds of operation.
  package static let kinds: Set<String> = Set(
    [
      "input", "convolution", "depthwise_convolution", "separable_convolution", "transposed_convolution",
      "dense", "batch_normalization", "layer_normalization", "normalization", "rescaling",
      "channel_scaling", "activation", "parametric_rectifier", "max_pooling", "average_pooling",
      "global_average_pooling", "global_max_pooling", "zero_padding", "cropping", "resize", "concatenate",
      "flatten", "reshape", "permute", "identity",
    ] + Merge.allCases.map(\.rawValue))

  /// The name of this kind of operation, for example `batch_normalization`.
  package var kind: String {
    switch self {
    case .input: "input"
    case .convolution: "convolution"
    case .depthwiseConvolution: "depthwise_convolution"
    case .separableConvolution: "separable_convolution"
    case .transposedConvolution: "transposed_convolution"
    case .dense: "dense"
    case .batchNormalization: "batch_normalization"
    case .layerNormalization: "layer_normalization"
    case .normalization: "normalization"
    case .rescaling: "rescaling"
    case .channelScaling: "channel_scaling"
    case .activation: "activation"
    case .parametricRectifier: "parametric_rectifier"
    case .maxPooling: "max_pooling"
    case .averagePooling: "average_pooling"
    case .globalAveragePooling: "global_average_pooling"
    case .globalMaxPooling: "global_max_pooling"
    case .zeroPadding: "zero_padding"
    case .cropping: "cropping"
    case .resize: "resize"
    case .merge(let merge): merge.rawValue
    case .concatenate: "concatenate"
    case .flatten: "flatten"
    case .reshape: "reshape"
    case .permute: "permute"
    case .identity: "identity"
    }
  }

  /// All parameters of the operation; extents are [height, width], edges [top, bottom, left, right].
  package var attributes: [(String, AttributeValue)] {
    switch self {
    case .input(let shape):
      [("shape", .ints(shape))]
    case .convolution(let c):
      [("filters", .int(c.filters)), ("kernel", c.kernel.attribute)]
        + window(c.strides, c.padding)
        + [("dilation", c.dilation.attribute), ("groups", .int(c.groups)), ("use_bias", .bool(c.useBias))]
        + c.activation.attributes
    case .depthwiseConvolution(let c):
      [("multiplier", .int(c.multiplier)), ("kernel", c.kernel.attribute)]
        + window(c.strides, c.padding)
        + [("dilation", c.dilation.attribute), ("use_bias", .bool(c.useBias))]
        + c.activation.attributes
    case .separableConvolution(let c):
      [("filters", .int(c.filters)), ("multiplier", .int(c.multiplier)), ("kernel", c.kernel.attribute)]
        + window(c.strides, c.padding)
        + [("dilation", c.dilation.attribute), ("use_bias", .bool(c.useBias))]
        + c.activation.attributes
    case .transposedConvolution(let c):
      [
        ("filters", .int(c.filters)), ("kernel", c.kernel.attribute), ("strides", c.strides.attribute),
        ("dilation", c.dilation.attribute), ("offset", c.offset.attribute), ("size", c.size.attribute),
        ("use_bias", .bool(c.useBias)),
      ] + c.activation.attributes
    case .dense(let d):
      [("units", .int(d.units)), ("use_bias", .bool(d.useBias))] + d.activation.attributes
    case .batchNormalization(let b):
      [("epsilon", .double(b.epsilon)), ("scale", .bool(b.scale)), ("center", .bool(b.center))]
    case .layerNormalization(let n):
      [
        ("axes", .int(n.axes)), ("epsilon", .double(n.epsilon)), ("scale", .bool(n.scale)),
        ("center", .bool(n.center)),
      ]
    case .normalization(let n):
      [
        ("per_channel", .bool(n.perChannel)), ("inverted", .bool(n.inverted)),
        ("epsilon", .double(n.epsilon)),
      ]
    case .rescaling(let r):
      [("scale", .doubles(r.scale)), ("offset", .doubles(r.offset))]
    case .activation(let activation):
      activation.attributes
    case .parametricRectifier(let sharedAxes):
      [("shared_axes", .ints(sharedAxes))]
    case .maxPooling(let p), .averagePooling(let p):
      [("pool_size", p.window.attribute)] + window(p.strides, p.padding)
    case .globalAveragePooling(let keepDimensions), .globalMaxPooling(let keepDimensions):
      [("keep_dimensions", .bool(keepDimensions))]
    case .zeroPadding(let edges), .cropping(let edges):
      [("edges", edges.attribute)]
    case .resize(let r):
      [("size", r.size.attribute), ("interpolation", .string(r.interpolation.rawValue))]
    case .reshape(let target):
      [("target", .ints(target))]
    case .permute(let order):
      [("order", .ints(order))]
    case .identity(let layer):
      [("layer", .string(layer))]
    case .channelScaling, .merge, .concatenate, .flatten:
      []
    }
  }

  private func window(_ strides: Extent2D, _ padding: Padding) -> [(String, AttributeValue)] {
    [("strides", strides.attribute), ("padding", padding.attribute)]
  }

  /// The operation of these names and values.
  ///
  /// Throws, naming `layer`, where the kind is unknown or an attribute is missing, unknown, given twice
  /// or of the wrong type. Whether the values make sense is checked when a ``Graph`` is made of it.
  package init(
    kind: String, attributes: [(String, AttributeValue)], layer: String
  ) throws(ZooError) {
    var fields = try AttributeFields(attributes, kind: kind, layer: layer)
    switch kind {
    case "input":
      self = .input(shape: try fields.ints("shape"))
    case "convolution":
      self = .convolution(
        Convolution(
          filters: try fields.int("filters"), kernel: try fields.extent("kernel"),
          strides: try fields.extent("strides"), padding: try fields.padding(),
          dilation: try fields.extent("dilation"), groups: try fields.int("groups"),
          useBias: try fields.bool("use_bias"), activation: try fields.activation()))
    case "depthwise_convolution":
      self = .depthwiseConvolution(
        DepthwiseConvolution(
          multiplier: try fields.int("multiplier"), kernel: try fields.extent("kernel"),
          strides: try fields.extent("strides"), padding: try fields.padding(),
          dilation: try fields.extent("dilation"), useBias: try fields.bool("use_bias"),
          activation: try fields.activation()))
    case "separable_convolution":
      self = .separableConvolution(
        SeparableConvolution(
          filters: try fields.int("filters"), multiplier: try fields.int("multiplier"),
          kernel: try fields.extent("kernel"), strides: try fields.extent("strides"),
          padding: try fields.padding(), dilation: try fields.extent("dilation"),
          useBias: try fields.bool("use_bias"), activation: try fields.activation()))
    case "transposed_convolution":
      self = .transposedConvolution(
        TransposedConvolution(
          filters: try fields.int("filters"), kernel: try fields.extent("kernel"),
          strides: try fields.extent("strides"), dilation: try fields.extent("dilation"),
          offset: try fields.extent("offset"), size: try fields.extent("size"),
          useBias: try fields.bool("use_bias"), activation: try fields.activation()))
    case "dense":
      self = .dense(
        Dense(
          units: try fields.int("units"), useBias: try fields.bool("use_bias"),
          activation: try fields.activation()))
    case "batch_normalization":
      self = .batchNormalization(
        BatchNormalization(
          epsilon: try fields.double("epsilon"), scale: try fields.bool("scale"),
          center: try fields.bool("center")))
    case "layer_normalization":
      self = .layerNormalization(
        LayerNormalization(
          axes: try fields.int("axes"), epsilon: try fields.double("epsilon"),
          scale: try fields.bool("scale"), center: try fields.bool("center")))
    case "normalization":
      self = .normalization(
        Normalization(
          perChannel: try fields.bool("per_channel"), inverted: try fields.bool("inverted"),
          epsilon: try fields.double("epsilon")))
    case "rescaling":
      self = .rescaling(Rescaling(scale: try fields.doubles("scale"), offset: try fields.doubles("offset")))
    case "channel_scaling":
      self = .channelScaling
    case "parametric_rectifier":
      self = .parametricRectifier(sharedAxes: try fields.ints("shared_axes"))
    case "resize":
      self = .resize(
        Resize(size: try fields.extent("size"), interpolation: try fields.interpolation()))
    case "activation":
      self = .activation(try fields.activation())
    case "max_pooling":
      self = .maxPooling(try fields.pooling())
    case "average_pooling":
      self = .averagePooling(try fields.pooling())
    case "global_average_pooling":
      self = .globalAveragePooling(keepDimensions: try fields.bool("keep_dimensions"))
    case "global_max_pooling":
      self = .globalMaxPooling(keepDimensions: try fields.bool("keep_dimensions"))
    case "zero_padding":
      self = .zeroPadding(try fields.edges("edges"))
    case "cropping":
      self = .cropping(try fields.edges("edges"))
    case "concatenate":
      self = .concatenate
    case "flatten":
      self = .flatten
    case "reshape":
      self = .reshape(target: try fields.ints("target"))
    case "permute":
      self = .permute(order: try fields.ints("order"))
    case "identity":
      self = .identity(layer: try fields.string("layer"))
    default:
      guard let merge = Merge(rawValue: kind) else {
        throw ZooError.invalidNetwork(layer: layer, "its kind '\(kind)' is unknown")
      }
      self = .merge(merge)
    }
    try fields.checkAllUsed()
  }
}

extension Extent2D {
  fileprivate var attribute: AttributeValue { .ints([height, width]) }
}

extension Edges {
  fileprivate var attribute: AttributeValue { .ints([top, bottom, left, right]) }
}

extension Padding {
  fileprivate var attribute: AttributeValue {
    switch self {
    case .valid: .string("valid")
    case .same: .string("same")
    case .explicit(let edges): edges.attribute
    }
  }
}

/// Takes an operation's attributes one by one, and knows which are left.
private struct AttributeFields {
  private var values: [(name: String, value: AttributeValue)]
  private let kind: String
  private let layer: String

  init(_ attributes: [(String, AttributeValue)], kind: String, layer: String) throws(ZooError) {
    self.values = attributes.map { (name: $0.0, value: $0.1) }
    self.kind = kind
    self.layer = layer
    guard Set(attributes.map(\.0)).count == attributes.count else {
      throw ZooError.invalidNetwork(layer: layer, "an attribute of the \(kind) is given twice")
    }
  }

  private mutating func take(_ name: String) throws(ZooError) -> AttributeValue {
    guard let index = values.firstIndex(where: { $0.name == name }) else {
      throw ZooError.invalidNetwork(layer: layer, "the \(kind) has no attribute '\(name)'")
    }
    return values.remove(at: index).value
  }

  private func mismatch(_ name: String, _ expected: String) -> ZooError {
    ZooError.invalidNetwork(layer: layer, "attribute '\(name)' of the \(kind) is not \(expected)")
  }

  mutating func int(_ name: String) throws(ZooError) -> Int {
    guard case .int(let value) = try take(name) else { throw mismatch(name, "an integer") }
    return value
  }

  mutating func double(_ name: String) throws(ZooError) -> Double {
    guard case .double(let value) = try take(name), value.isFinite else {
      throw mismatch(name, "a finite number")
    }
    return value
  }

  mutating func bool(_ name: String) throws(ZooError) -> Bool {
    guard case .bool(let value) = try take(name) else { throw mismatch(name, "a truth value") }
    return value
  }

  mutating func string(_ name: String) throws(ZooError) -> String {
    guard case .string(let value) = try take(name) else { throw mismatch(name, "a text") }
    return value
  }

  mutating func ints(_ name: String) throws(ZooError) -> [Int] {
    guard case .ints(let values) = try take(name) else { throw mismatch(name, "a list of integers") }
    return values
  }

  mutating func doubles(_ name: String) throws(ZooError) -> [Double] {
    guard case .doubles(let values) = try take(name), values.allSatisfy(\.isFinite) else {
      throw mismatch(name, "a list of finite numbers")
    }
    return values
  }

  mutating func interpolation() throws(ZooError) -> Resize.Interpolation {
    guard let value = Resize.Interpolation(rawValue: try string("interpolation")) else {
      throw mismatch("interpolation", "'nearest' or 'bilinear'")
    }
    return value
  }

  mutating func extent(_ name: String) throws(ZooError) -> Extent2D {
    let values = try ints(name)
    guard values.count == 2 else { throw mismatch(name, "[height, width]") }
    return Extent2D(values[0], values[1])
  }

  mutating func edges(_ name: String) throws(ZooError) -> Edges {
    let values = try ints(name)
    guard values.count == 4 else { throw mismatch(name, "[top, bottom, left, right]") }
    return Edges(top: values[0], bottom: values[1], left: values[2], right: values[3])
  }

  mutating func padding() throws(ZooError) -> Padding {
    switch try take("padding") {
    case .string("valid"): return .valid
    case .string("same"): return .same
    case .ints(let values) where values.count == 4:
      return .explicit(Edges(top: values[0], bottom: values[1], left: values[2], right: values[3]))
    default: throw mismatch("padding", "'same', 'valid' or [top, bottom, left, right]")
    }
  }

  mutating func pooling() throws(ZooError) -> Pooling {
    Pooling(window: try extent("pool_size"), strides: try extent("strides"), padding: try padding())
  }

  mutating func activation() throws(ZooError) -> Activation {
    let name = try string("activation")
    switch name {
    case "linear": return .linear
    case "relu":
      let slope = try double("negative_slope")
      let threshold = try double("threshold")
      var maxValue: Double?
      if values.contains(where: { $0.name == "max_value" }) { maxValue = try double("max_value") }
      return .relu(maxValue: maxValue, negativeSlope: slope, threshold: threshold)
    case "elu": return .elu(alpha: try double("alpha"))
    case "selu": return .selu
    case "gelu": return .gelu(approximate: try bool("approximate"))
    case "silu": return .silu
    case "sigmoid": return .sigmoid
    case "hard_sigmoid": return .hardSigmoid(slope: try double("slope"))
    case "hard_silu": return .hardSilu
    case "tanh": return .tanh
    case "softplus": return .softplus
    case "softsign": return .softsign
    case "exponential": return .exponential
    case "mish": return .mish
    case "softmax": return .softmax
    default: throw ZooError.invalidNetwork(layer: layer, "the activation '\(name)' is unknown")
    }
  }

  func checkAllUsed() throws(ZooError) {
    if let extra = values.first {
      throw ZooError.invalidNetwork(layer: layer, "the \(kind) has an unknown attribute '\(extra.name)'")
    }
  }
}
