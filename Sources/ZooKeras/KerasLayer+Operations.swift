import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

extension KerasLayer {
  /// Classes that pass their input on at inference.
  static let identityClasses: Set<String> = [
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout",
    "GaussianNoise", "AlphaDropout", "FixedDropout", "StochasticDepth", "ActivityRegularization", "Identity",
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
    "RandomHeight", "RandomWidth", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomColorJitter", "RandomColorDegeneration", "RandomGrayscale", "RandomPosterization",
    "RandomGaussianBlur", "RandomErasing", "RandomPerspective", "RandomElasticTransform", "RandomInvert",
    "RandAugment", "AugMix", "MixUp", "CutMix",
  ]

  private static let merges: [String: Merge] = [
    "Add": .add, "Subtract": .subtract, "Multiply": .multiply, "Average": .average, "Maximum": .maximum,
    "Minimum": .minimum,
  ]

  /// The input of a network; open heights and widths are taken from `size`.
  func inputOperation(size: (Int, Int)?) throws(ZooError) -> Operation {
    guard let axes = (members["batch_shape"] ?? members["batch_input_shape"])?.array, axes.count >= 2 else {
      throw malformedAttribute("batch_shape", "a shape with a batch axis")
    }
    try checkChannels(Array(axes.dropFirst()))
    var shape: [Int] = []
    for (axis, value) in axes.dropFirst().enumerated() {
      if let extent = value.integer, extent > 0 {
        shape.append(extent)
      } else if value == .null, axes.count == 4, axis < 2 || axes[2] == .null {
        guard let size else {
          throw ZooError(
            .openInputSize, what: "open input size", at: "layer '\(name)' (\(className))",
            "the configuration leaves the height and width of the image open",
            remedy: "Set the size, for example --input-size 224x224.")
        }
        // Of an image with its channels first, the channels are the only axis that is always known.
        let isFirst = axis == 0 || axis == 1 && axes[1].integer != nil && axes[3] == .null
        shape.append(isFirst ? size.0 : size.1)
      } else {
        throw openAxis(axis, of: axes.count - 1)
      }
    }
    if let size, shape.count == 3, shape.prefix(2) != [size.0, size.1], shape.suffix(2) != [size.0, size.1] {
      throw ZooError(
        .doesNotFit, what: "wrong input size", at: "layer '\(name)' (\(className))",
        "the configuration sets it to \(shape[0])x\(shape[1]), but \(size.0)x\(size.1) was requested",
        remedy:
          "Leave out --input-size. Only from a weights-only file (model.save_weights) does a known network convert "
          + "at any size.")
    }
    return .input(shape: shape)
  }

  /// Refuses images of which more is open than the height and width.
  private func checkChannels(_ axes: [JSONValue]) throws(ZooError) {
    guard axes.count == 3, axes[0] == .null, axes[2] == .null else { return }
    throw unsupported(
      "the configuration leaves the number of channels of its images open",
      remedy:
        "Build the model for a number of channels, as with keras.Input((None, None, 3)), give it the weights, "
        + "and save it again.")
  }

  /// What one call of the layer computes. `inputs` are the shapes of what it reads, nil after an earlier
  /// mistake.
  func steps(_ call: KerasCall, inputs: [Shape?]) throws(ZooError) -> [KerasStep] {
    if isFunction { return try functionSteps(call, inputs: inputs) }
    try checkNumbers()
    if members["data_format"]?.string == "channels_first", !KerasLayer.identityClasses.contains(className) {
      let layer = with("data_format", .string("channels_last"))
      return try channelsFirst(inputs) { shapes throws(ZooError) in try layer.steps(call, inputs: shapes) }
    }
    if let name = composedActivation { return try steps(endingIn: name, call, inputs: inputs) }
    if let layer = activationLayer { return try steps(endingIn: layer, call, inputs: inputs) }
    if let steps = try normalizingSteps(inputs: inputs) { return steps }
    if let steps = try resizingSteps(inputs: inputs) { return steps }
    if let steps = try categorySteps(inputs: inputs) { return steps }
    if let steps = try adaptivePoolingSteps(inputs: inputs) { return steps }
    if className == "EinsumDense" { return try einsumSteps(try shape(inputs)) }
    switch className {
    case "Softmax":
      return try steps(
        .activation(.softmax), onAxes: try axes(rank: try shape(inputs).rank), try shape(inputs))
    case "Concatenate":
      let rank = try shape(inputs).rank
      return steps(.concatenate, onAxis: try axis(rank: rank), rank: rank, inputs: inputs.count)
    case "CustomScaleLayer":
      // Inception-ResNet's sum of a shortcut and a scaled branch.
      return [
        KerasStep(.rescaling(Rescaling(scale: [try number("scale")], offset: [0])), [.input(1)]),
        KerasStep(.add, [.input(0), .step(0)]),
      ]
    case "RepeatVector":
      var c = KerasComposition(of: name, reading: [try shape(inputs)])
      let row = try c.reshape(c.inputs[0], [1] + (try shape(inputs).dimensions))
      let count = try integer("n")
      guard (1...1024).contains(count) else { throw unsupported("it repeats \(count) times") }
      return c.steps(to: try c.join(Array(repeating: row, count: count), axis: 0))
    default:
      return [KerasStep(try operation(inputs: inputs), inputs.indices.map { .input($0) })]
    }
  }

  /// What a layer that is one operation computes.
  private func operation(inputs: [Shape?]) throws(ZooError) -> Operation {
    if let operation = try linearOperation(inputs: inputs) { return operation }
    if let activation = try activationOfClass() { return .activation(activation) }
    if let merge = KerasLayer.merges[className] { return .merge(merge) }
    if KerasLayer.identityClasses.contains(className) { return .identity(layer: className) }
    switch className {
    case "PReLU":
      let isShared = members["shared_axes"] != nil && members["shared_axes"] != .null
      return .prelu(
        sharedAxes: isShared ? try axes("shared_axes", rank: try shape(inputs).rank) : [])
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
    case "Flatten":
      try checkDataFormat(mayBeAbsent: true)
      return .flatten
    case "Reshape":
      return try reshape(members["target_shape"], input: inputs.first ?? nil)
    case "Permute":
      let rank = try shape(inputs).rank
      guard let order = members["dims"]?.array?.map(\.integer), order.allSatisfy({ $0 != nil }) else {
        throw malformedAttribute("dims", "an order of axes")
      }
      guard Set(order) == Set(1...max(1, rank)) else { throw malformedAttribute("dims", "an order of axes") }
      return .permute(order: order.compactMap { $0.map { $0 - 1 } })
    case "Merge":
      throw unsupported(
        "its mode is '\(members["mode"]?.string ?? "?")'; supported are sum, mul, ave, max, concat")
    default:
      throw unsupportedClass
    }
  }

  /// Layers of sequences whose names do not end in their number of axes.
  private static let sequenceClasses: Set<String> = [
    "LSTM", "GRU", "SimpleRNN", "RNN", "CuDNNLSTM", "CuDNNGRU", "Bidirectional", "TimeDistributed",
    "Embedding",
    "MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention", "Attention", "AdditiveAttention",
    "TextVectorization", "Masking",
  ]

  private var unsupportedClass: ZooError {
    if KerasLayer.sequenceClasses.contains(className) || className.contains("1D")
      || className.hasPrefix("ConvLSTM")
    {
      return unsupported("sequences are not supported yet", remedy: KerasLayer.whatConverts)
    }
    if className.contains("3D") {
      return unsupported("volumes are not supported yet", remedy: KerasLayer.whatConverts)
    }
    return unsupported("layers of this class are not supported")
  }

  private static let whatConverts = "Networks of images and of plain vectors convert."

  /// What is said of an input whose axis `axis` of `rank` is open or no positive number.
  private func openAxis(_ axis: Int, of rank: Int) -> ZooError {
    switch rank {
    case 1, 2:
      unsupported(
        axis == 0
          ? "its input is a sequence of open length: sequences are not supported yet"
          : "its input is a sequence with an open number of features: sequences are not supported yet",
        remedy: KerasLayer.whatConverts)
    case 4:
      unsupported(
        "its input is a volume of open size: volumes are not supported yet", remedy: KerasLayer.whatConverts)
    case 3: unsupported("the number of channels of its input is not positive")
    default: unsupported("an axis of its input is open or not positive")
    }
  }

  /// Convolutions and dense layers; nil for another class.
  private func linearOperation(inputs: [Shape?]) throws(ZooError) -> Operation? {
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
    case "Conv2DTranspose", "Convolution2DTranspose":
      return .transposedConvolution(try transposedConvolution(inputs: inputs))
    case "Dense":
      return .dense(
        Dense(units: try integer("units"), useBias: try bool("use_bias"), activation: try activation()))
    default:
      return nil
    }
  }

  /// Refuses weights in a form that is not read. Those of an int8 Dense are, and a layer that has learned by
  /// low-rank adaptation (`lora_rank`) is saved with the sum.
  private func checkNumbers() throws(ZooError) {
    let policy = members["dtype"]
    guard policy?["class_name"]?.string?.contains("Quantized") == true else { return }
    let mode =
      policy?["config"]?["mode"]?.string
      ?? policy?["config"]?["name"]?.string?.split(separator: "_").first.map(String.init) ?? "?"
    guard className == "Dense", mode == "int8" else {
      throw unsupported(
        "its weights are quantized (\(mode)); supported is int8 of a Dense",
        remedy: "Save the model before quantizing it.")
    }
  }

  /// Keras before 2.1 has none for depthwise and separable convolutions.
  private func dilation() throws(ZooError) -> Extent2D {
    members["dilation_rate"] == nil ? .one : try extent("dilation_rate")
  }

  private func pooling() throws(ZooError) -> Pooling {
    try checkDataFormat()
    let window = try extent("pool_size")
    let strides = members["strides"] == .null ? window : try extent("strides")
    return Pooling(window: window, strides: strides, padding: try padding())
  }

  /// Keras before 2.6 has no `keepdims`.
  private func keepsDimensions() throws(ZooError) -> Bool {
    try checkDataFormat()
    return members["keepdims"] == nil ? false : try bool("keepdims")
  }

  private func transposedConvolution(inputs: [Shape?]) throws(ZooError) -> TransposedConvolution {
    try checkDataFormat()
    let (kernel, strides, dilation) = (try extent("kernel_size"), try extent("strides"), try dilation())
    let input = try imageSize(inputs)
    let padding = try padding()
    let extra = members["output_padding"] ?? .null
    let addition = extra == .null ? nil : try extent("output_padding")
    try checkedSize(
      kernel.height, kernel.width, strides.height, strides.width, dilation.height, dilation.width,
      input.height, input.width, addition?.height ?? 0, addition?.width ?? 0)
    func place(_ input: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ addition: Int?, _ axis: Int)
      -> (size: Int, offset: Int)
    {
      TransposedConvolution.kerasPlace(
        input: input, kernel: kernel, stride: stride, dilation: dilation, isValid: padding == .valid,
        addition: addition,
        // Keras 1 states the whole shape.
        stated: members["output_shape"]?.array?.dropFirst(axis).first?.integer)
    }
    let rows = place(input.height, kernel.height, strides.height, dilation.height, addition?.height, 1)
    let columns = place(input.width, kernel.width, strides.width, dilation.width, addition?.width, 2)
    return TransposedConvolution(
      filters: try integer("filters"), kernel: kernel, strides: strides, dilation: dilation,
      offset: Extent2D(rows.offset, columns.offset), size: Extent2D(rows.size, columns.size),
      useBias: try bool("use_bias"), activation: try activation())
  }

  /// A reshape to the axes that `value` lists, of which one may be open (-1).
  func reshape(_ value: JSONValue?, input: Shape?) throws(ZooError) -> Operation {
    guard let axes = value?.array else { throw malformedAttribute("target_shape", "a shape") }
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
    if let input, shape.elementCount > 0, input.elementCount % shape.elementCount == 0 {
      target[open] = input.elementCount / shape.elementCount
    }
    return .reshape(target: target)
  }
}
