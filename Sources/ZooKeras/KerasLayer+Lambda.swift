import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Layers that hold Python code or call a function of somebody's own. Code is never run: a person states
// what it computes.
extension KerasLayer {
  /// The names of all activation functions.
  static var activationNames: Set<String> {
    composedActivations.union(functions.keys).union(["hard_sigmoid"])
  }

  /// The classes whose activation function may be anybody's.
  private static let activatedClasses: Set<String> = [
    "Activation", "Dense", "Conv2D", "Convolution2D", "DepthwiseConv2D", "SeparableConv2D",
    "SeparableConvolution2D", "Conv2DTranspose", "Convolution2DTranspose",
  ]

  /// Whether a person has to state what the layer computes: it is a Lambda, or its activation is a function that
  /// is not known.
  var needsStatement: Bool {
    if className == "Lambda" { return namedActivation == nil }
    guard let value = members["activation"], value != .null, composedActivation == nil,
      KerasLayer.activatedClasses.contains(className)
    else { return false }
    // A layer as the activation says itself what it is.
    guard ["function", "__lambda__", nil].contains(value["class_name"]?.string) else { return false }
    do {
      _ = try activation()
      return false
    } catch {
      return true
    }
  }

  /// The activation function of Keras that a Lambda of Keras 3 calls by its name, as Keras itself reads it.
  var namedActivation: String? {
    guard let function = members["function"], function["class_name"]?.string == "function",
      let name = function["config"]?.string, KerasLayer.activationNames.contains(name)
    else { return nil }
    let module = function["module"]?.string ?? ""
    return module == "builtins" || module.hasPrefix("keras") ? name : nil
  }

  /// The layer with what a person has stated of it.
  func steps(stating expression: LambdaExpression, inputs: [Shape?]) throws(ZooError) -> [KerasStep] {
    guard inputs.count == 1 else {
      throw unsupported(
        "it holds Python code that computes with \(inputs.count) inputs, which --lambda can't state",
        remedy: "Replace it with Keras' merging layers (Add, Multiply, …), and save the model again.")
    }
    let shape = try shape(inputs)
    var c = KerasComposition(of: name, reading: [shape])
    var x = c.inputs[0]
    if className != "Lambda" {
      let layer = with("activation", .string("linear"))
      x = c.embed(try layer.steps(.tensors(1), inputs: inputs), [x])
    }
    var lowering = LambdaLowering(of: self, x, c)
    let result = try lowering.result(of: expression)
    c = lowering.composition
    if let stated = members["output_shape"]?.array?.compactMap(\.integer), className == "Lambda",
      stated.count == members["output_shape"]?.array?.count
    {
      let shape = try c.shape(result)
      guard stated == shape.dimensions else {
        throw ZooError(
          .doesNotFit, what: "wrong expression", at: "--lambda \(name)",
          "the result is \(shape), but the file says that the layer's output is "
            + stated.map(String.init).joined(separator: "x"))
      }
    }
    return c.steps(to: result)
  }

  /// What is said of a layer whose function nobody has stated.
  func unstated(inputs: Int) -> ZooError {
    if inputs > 1 {
      return unsupported(
        "it holds Python code that computes with \(inputs) inputs, which --lambda can't state",
        remedy: "Replace it with Keras' merging layers (Add, Multiply, …), and save the model again.")
    }
    let function = className == "Lambda" ? members["function"] : members["activation"]
    let code = function?.array ?? function?["value"]?.array ?? function?["config"]?["code"].map { [$0] }
    guard let code = code?.first?.string else {
      guard let name = function?.string ?? function?["config"]?.string else {
        return unsupported("it holds Python code, which is never run")
      }
      return unsupported(
        className == "Lambda"
          ? "it calls the function '\(name)', which is not in the file"
          : "its activation is '\(name)'; supported are "
            + KerasLayer.activationNames.sorted().joined(separator: ", "))
    }
    let name = PythonCode.functionName(inBase64: code).map { name in
      " (the function '\(name)'" + (members["module"]?.string.map { " of \($0))" } ?? ")")
    }
    return unsupported("it holds Python code\(name ?? ""), which is never run")
  }

  /// What to state of the layer where its function is one of Keras' own; nil where that is not known.
  var likelyExpression: String? {
    let isPreprocessing =
      members["function"]?["config"]?.string == "preprocess_input"
      || (members["function"]?.array?.first?.string).flatMap(PythonCode.functionName(inBase64:))
        == "preprocess_input"
    guard isPreprocessing, let module = members["module"]?.string?.split(separator: ".").last else {
      return nil
    }
    switch module {
    case "mobilenet", "mobilenet_v2", "inception_v3", "inception_resnet_v2", "xception", "nasnet",
      "resnet_v2":
      return "x / 127.5 - 1"
    case "vgg16", "vgg19", "resnet", "resnet50":
      return "x[..., ::-1] - [103.939, 116.779, 123.68]"
    case "densenet":
      return "(x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]"
    case "efficientnet", "efficientnet_v2", "mobilenet_v3", "convnext", "regnet", "resnet_rs":
      return "x"
    default: return nil
    }
  }
}
