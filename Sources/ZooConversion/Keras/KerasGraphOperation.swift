import ZooGraph
import ZooTensor
import ZooWeightFiles

extension KerasLayer {
  /// Classes that pass their input on at inference.
  static let identityClasses: Set<String> = [
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout",
    "GaussianNoise", "AlphaDropout", "ActivityRegularization", "Identity", "RandomFlip", "RandomRotation",
    "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
  ]

  /// The input of a network; open heights and widths are taken from `size`.
  func inputOperation(size: (Int, Int)?) throws(ConversionError) -> Operation {
    guard let axes = (members["batch_shape"] ?? members["batch_input_shape"])?.array, axes.count >= 2 else {
      throw malformedAttribute("batch_shape", "a shape with a batch axis")
    }
    var shape: [Int] = []
    for (axis, value) in axes.dropFirst().enumerated() {
      if let extent = value.integer, extent > 0 {
        shape.append(extent)
      } else if value == .null, axes.count == 4, axis < 2 {
        guard let size else {
          throw ConversionError(
            "open input size", at: "layer '\(name)' (\(className))",
            "the configuration leaves the height and width of the image open",
            remedy: "give the size, for example --input-size 224x224")
        }
        shape.append(axis == 0 ? size.0 : size.1)
      } else {
        throw unsupported("its input shape has an axis that is neither open height or width nor positive")
      }
    }
    if let size, shape.count == 3, shape[0] != size.0 || shape[1] != size.1 {
      throw ConversionError(
        "wrong input size", at: "layer '\(name)' (\(className))",
        "the configuration fixes it at \(shape[0])x\(shape[1]), asked for was \(size.0)x\(size.1)",
        remedy: "leave the input size out")
    }
    return .input(shape: shape)
  }

  /// What the layer computes. `inputs` are the shapes of what it reads, nil after an earlier mistake.
  func operation(inputs: [Shape?]) throws(ConversionError) -> Operation {
    try checkNumbers()
    let rank = inputs.first.flatMap { $0?.rank }
    switch className {
    case "Conv2D", "Convolution2D":
      try checkDataFormat()
      return .convolution(
        Convolution(
          filters: try integer("filters"), kernel: try extent("kernel_size"), strides: try extent("strides"),
          padding: try padding(), dilation: try dilation(),
          groups: try integer("groups", whereAbsent: 1), useBias: try bool("use_bias"),
          activation: try activation()))
    case "DepthwiseConv2D":
      try checkDataFormat()
      return .depthwiseConvolution(
        DepthwiseConvolution(
          multiplier: try integer("depth_multiplier"), kernel: try extent("kernel_size"),
          strides: try extent("strides"), padding: try padding(), dilation: try dilation(),
          useBias: try bool("use_bias"), activation: try activation()))
    case "SeparableConv2D", "SeparableConvolution2D":
      try checkDataFormat()
      return .separableConvolution(
        SeparableConvolution(
          filters: try integer("filters"), multiplier: try integer("depth_multiplier"),
          kernel: try extent("kernel_size"), strides: try extent("strides"), padding: try padding(),
          dilation: try dilation(), useBias: try bool("use_bias"), activation: try activation()))
    case "Dense":
      return .dense(
        Dense(units: try integer("units"), useBias: try bool("use_bias"), activation: try activation()))
    case "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2":
      try checkLastAxis(rank: rank)
      return .batchNormalization(
        BatchNormalization(
          epsilon: try number("epsilon"), scale: try bool("scale"), center: try bool("center")))
    case "Activation":
      return .activation(try activation())
    case "ReLU":
      return .activation(try rectifier(slopeKey: "negative_slope"))
    case "LeakyReLU":
      return .activation(try rectifier(slopeKey: members["alpha"] == nil ? "negative_slope" : "alpha"))
    case "Softmax":
      try checkLastAxis(rank: rank)
      return .activation(.softmax)
    case "MaxPooling2D", "MaxPool2D":
      return .maxPooling(try pooling())
    case "AveragePooling2D", "AvgPool2D":
      return .averagePooling(try pooling())
    case "GlobalAveragePooling2D", "GlobalAvgPool2D":
      return .globalAveragePooling(keepDimensions: try keepsDimensions())
    case "GlobalMaxPooling2D", "GlobalMaxPool2D":
      return .globalMaxPooling(keepDimensions: try keepsDimensions())
    case "ZeroPadding2D":
      try checkDataFormat()
      return .zeroPadding(try edges("padding"))
    case "Cropping2D":
      try checkDataFormat()
      return .cropping(try edges("cropping"))
    case "Add":
      return .add
    case "Concatenate":
      try checkLastAxis(rank: rank)
      return .concatenate
    case "Flatten":
      try checkDataFormat(mayBeAbsent: true)
      return .flatten
    case "Reshape":
      return try reshape(input: inputs.first ?? nil)
    case let name where KerasLayer.identityClasses.contains(name):
      return .identity(layer: name)
    case "Lambda":
      throw unsupported(
        "it holds Python code, which is never run", remedy: "replace it by layers of Keras and save again")
    default:
      throw unsupported("layers of this class are not supported")
    }
  }

  /// Refuses what changes a layer's weights: quantization and low-rank adaptation.
  private func checkNumbers() throws(ConversionError) {
    if let policy = members["dtype"]?["class_name"]?.string, policy.contains("Quantized") {
      throw unsupported(
        "its weights are quantized (\(policy))", remedy: "save the model before quantizing it")
    }
    for key in ["quantization_config", "lora_rank"] {
      if let value = members[key], value != .null {
        throw unsupported("it has '\(key)'", remedy: "save the model without it")
      }
    }
  }

  /// Keras before 2.1 has none for depthwise and separable convolutions.
  private func dilation() throws(ConversionError) -> Extent2D {
    members["dilation_rate"] == nil ? .one : try extent("dilation_rate")
  }

  private func pooling() throws(ConversionError) -> Pooling {
    try checkDataFormat()
    let window = try extent("pool_size")
    let strides = members["strides"] == .null ? window : try extent("strides")
    return Pooling(window: window, strides: strides, padding: try padding())
  }

  /// Keras before 2.6 has no `keepdims`.
  private func keepsDimensions() throws(ConversionError) -> Bool {
    try checkDataFormat()
    return members["keepdims"] == nil ? false : try bool("keepdims")
  }

  /// Keras before 2.2.3 has a maximum alone.
  private func rectifier(slopeKey: String) throws(ConversionError) -> Activation {
    func optional(_ key: String) throws(ConversionError) -> Double? {
      members[key] == nil || members[key] == .null ? nil : try number(key)
    }
    if className == "LeakyReLU" {
      return .relu(maxValue: nil, negativeSlope: try number(slopeKey), threshold: 0)
    }
    guard members["max_value"] != nil else { throw malformedAttribute("max_value", "a number or null") }
    return .relu(
      maxValue: try optional("max_value"), negativeSlope: try optional(slopeKey) ?? 0,
      threshold: try optional("threshold") ?? 0)
  }

  private func reshape(input: Shape?) throws(ConversionError) -> Operation {
    guard let axes = members["target_shape"]?.array else {
      throw malformedAttribute("target_shape", "a shape")
    }
    var target: [Int] = []
    for axis in axes {
      guard let extent = axis.integer, extent > 0 || extent == -1 else {
        throw malformedAttribute("target_shape", "a shape")
      }
      target.append(extent)
    }
    guard let open = target.firstIndex(of: -1) else { return .reshape(target: target) }
    let known = target.filter { $0 != -1 }
    guard known.count == target.count - 1, let shape = Shape(checking: known) else {
      throw malformedAttribute("target_shape", "a shape with one open axis at most")
    }
    if let input, input.elementCount % shape.elementCount == 0 {
      target[open] = input.elementCount / shape.elementCount
    }
    return .reshape(target: target)
  }
}
