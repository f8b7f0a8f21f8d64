import ZooSystem
import ZooTensor

/// The size (height, width) that an image is sampled at, and how.
package struct Resize: Hashable, Sendable {
  package enum Interpolation: String, Hashable, Sendable, CaseIterable {
    case nearest
    case bilinear
    case bicubic
    case area
    case lanczos3
    case lanczos5
    case gaussian
    case mitchellcubic
    /// The mean of all pixels that lie at least partly under that of the output: what PyTorch calls adaptive average
    /// pooling. Keras does not resize like this.
    case adaptive
  }

  package var size: Extent2D
  package var interpolation: Interpolation
  /// Whether a smaller image is of all the pixels under its own, and not only of those around their centres.
  package var antialias: Bool

  package init(size: Extent2D, interpolation: Interpolation, antialias: Bool = false) {
    self.size = size
    self.interpolation = interpolation
    self.antialias = antialias
  }

  /// Whether each pixel is one of the input's, or between the four around it.
  package var isSimple: Bool { interpolation == .nearest || interpolation == .bilinear && !antialias }

  /// Where a row or column of the output lies among those of the input: `fraction` of the way from
  /// `lower` to `upper`.
  package struct Position: Sendable {
    package let lower: Int
    package let upper: Int
    package let fraction: Float
  }

  /// Where row or column `index` of `output` lies among the `input` ones, for a simple interpolation.
  ///
  /// As TensorFlow's `tf.image.resize` without antialiasing: the centres of pixels are at halves, and the
  /// arithmetic is in 32 bits, which decides where a centre falls between two pixels.
  package func position(of index: Int, output: Int, input: Int) -> Position {
    let scale = Float(input) / Float(output)
    let centre = (Float(index) + 0.5) * scale
    switch interpolation {
    case .nearest:
      let nearest = max(0, min(Int(centre), input - 1))
      return Position(lower: nearest, upper: nearest, fraction: 0)
    case .bilinear:
      let place = centre - 0.5
      let below = place.rounded(.down)
      let upper = max(0, min(Int(place.rounded(.up)), input - 1))
      return Position(lower: min(max(0, Int(below)), upper), upper: upper, fraction: place - below)
    default: preconditionFailure("only simple interpolations have a position")
    }
  }
}

extension Resize: OperationPayload {
  static let kinds = ["resize"]
  var operation: Operation { .resize(self) }
  var kerasClassName: String { "resizing" }

  var attributes: [(String, AttributeValue)] {
    [("size", .extent(size)), ("interpolation", .string(interpolation.rawValue))]
      + (antialias ? [("antialias", .bool(true))] : [])
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    let size = try fields.extent("size")
    guard let interpolation = Interpolation(rawValue: try fields.string("interpolation")) else {
      throw fields.mismatch("interpolation", "a known interpolation")
    }
    let antialias = fields.has("antialias") ? try fields.bool("antialias") : false
    self.init(size: size, interpolation: interpolation, antialias: antialias)
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let channels = try inputs.image().channels
    return try inputs.shape([size.height, size.width, channels])
  }
}
