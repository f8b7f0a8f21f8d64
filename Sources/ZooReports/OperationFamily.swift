import ZooGraph
import ZooTensor

/// What kinds of layers share a colour.
enum OperationFamily: String, CaseIterable {
  case convolution, normalisation, activation, pooling, dense, merge, shape, port

  init(_ operation: Operation) {
    self =
      switch operation {
      case .input: .port
      case .convolution, .depthwiseConvolution, .separableConvolution, .transposedConvolution: .convolution
      case .dense: .dense
      case .batchNormalization, .layerNormalization, .normalization, .rescaling, .layerScale, .channelAffine:
        .normalisation
      case .activation, .prelu: .activation
      case .maxPooling, .averagePooling, .globalAveragePooling, .globalMaxPooling: .pooling
      case .merge, .concatenate: .merge
      case .zeroPadding, .cropping, .resize, .flatten, .reshape, .permute, .identity: .shape
      }
  }

  /// The number of its colour.
  var series: Int {
    switch self {
    case .convolution: 0
    case .pooling: 1
    case .activation: 2
    case .dense: 3
    case .merge: 4
    case .shape: 5
    case .normalisation: 6
    case .port: 7
    }
  }

  /// What a legend calls it.
  var title: String {
    switch self {
    case .convolution: "convolution"
    case .normalisation: "normalisation, scaling"
    case .activation: "activation"
    case .pooling: "pooling"
    case .dense: "dense"
    case .merge: "merge"
    case .shape: "shape, no effect"
    case .port: "input, output"
    }
  }
}

/// What a picture of a network says of a layer.
struct LayerText {
  /// For example `Convolution 3×3/2`.
  let title: String
  /// For example `64 filters, same, relu`; empty where there is nothing to say.
  let details: String

  init(_ node: Node) {
    func extent(_ e: Extent2D) -> String { "\(e.height)×\(e.width)" }
    func window(_ kernel: Extent2D, _ strides: Extent2D) -> String {
      let stride =
        strides == .one ? "" : strides.height == strides.width ? "/\(strides.height)" : "/" + extent(strides)
      return extent(kernel) + stride
    }
    func list(_ parts: String?...) -> String { parts.compactMap(\.self).joined(separator: ", ") }
    func text(_ activation: Activation) -> String? {
      switch activation {
      case .linear: nil
      case .relu(let most?, _, _): "relu\(most == most.rounded() && abs(most) < 1e6 ? "\(Int(most))" : "")"
      default: activation.name
      }
    }
    func text(_ padding: Padding) -> String {
      switch padding {
      case .valid: "valid"
      case .same: "same"
      case .explicit(let e): e == .none ? "valid" : "padding \(e.top) \(e.bottom) \(e.left) \(e.right)"
      }
    }
    func dilated(_ dilation: Extent2D) -> String? { dilation == .one ? nil : "dilation \(extent(dilation))" }
    let channels = node.shape.dimensions.last ?? 0
    switch node.operation {
    case .input(let shape):
      (title, details) = ("Input", shape.map(String.init).joined(separator: "×"))
    case .convolution(let c):
      title = "Convolution \(window(c.kernel, c.strides))"
      details = list(
        "\(channels) filters", text(c.padding), c.groups == 1 ? nil : "\(c.groups) groups",
        dilated(c.dilation), text(c.activation))
    case .depthwiseConvolution(let c):
      title = "Depthwise \(window(c.kernel, c.strides))"
      details = list("\(channels) channels", text(c.padding), dilated(c.dilation), text(c.activation))
    case .separableConvolution(let c):
      title = "Separable \(window(c.kernel, c.strides))"
      details = list("\(channels) filters", text(c.padding), dilated(c.dilation), text(c.activation))
    case .transposedConvolution(let c):
      title = "Transposed convolution \(window(c.kernel, c.strides))"
      details = list("\(channels) filters", text(c.activation))
    case .dense(let d):
      (title, details) = ("Dense", list("\(d.units) units", text(d.activation)))
    case .batchNormalization: (title, details) = ("Batch norm", "")
    case .layerNormalization: (title, details) = ("Layer norm", "")
    case .normalization: (title, details) = ("Normalization", "")
    case .rescaling: (title, details) = ("Rescaling", "")
    case .layerScale: (title, details) = ("Layer scale", "")
    case .channelAffine: (title, details) = ("Scale and shift", "")
    case .activation(let a): (title, details) = ((text(a) ?? "linear"), "")
    case .prelu: (title, details) = ("PReLU", "")
    case .maxPooling(let p):
      (title, details) = ("Max pooling \(window(p.window, p.strides))", text(p.padding))
    case .averagePooling(let p):
      (title, details) = ("Average pooling \(window(p.window, p.strides))", text(p.padding))
    case .globalAveragePooling: (title, details) = ("Global average pooling", "")
    case .globalMaxPooling: (title, details) = ("Global max pooling", "")
    case .zeroPadding(let e):
      (title, details) = ("Zero padding \(e.top) \(e.bottom) \(e.left) \(e.right)", "")
    case .cropping(let e): (title, details) = ("Cropping \(e.top) \(e.bottom) \(e.left) \(e.right)", "")
    case .resize: (title, details) = ("Resize", "")
    case .merge(let merge):
      (title, details) = (
        merge == .add ? "Add" : merge.rawValue.capitalizedFirst, "\(node.inputs.count) inputs"
      )
    case .concatenate: (title, details) = ("Concatenate", "\(node.inputs.count) inputs")
    case .flatten: (title, details) = ("Flatten", "")
    case .reshape: (title, details) = ("Reshape", "")
    case .permute: (title, details) = ("Permute", "")
    case .identity(let layer): (title, details) = (layer, "")
    }
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension Shape {
  /// `56×56×256`, with blanks between thousands left out.
  var withCrosses: String { dimensions.map(String.init).joined(separator: "×") }
}
