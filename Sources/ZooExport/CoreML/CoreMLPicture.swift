import ZooGraph

/// How the pixels of a picture, 0 to 255, become what enters a network: times a scale, plus a bias.
package struct CoreMLPicture: Sendable {
  /// The numbers of FeatureTypes.proto.
  package enum Colours: Int, Sendable {
    case grey = 10
    case rgb = 20
    case bgr = 30

    var name: String {
      switch self {
      case .grey: "grey"
      case .rgb: "RGB"
      case .bgr: "BGR"
      }
    }
  }

  package let colours: Colours
  /// One for all channels, or one for each.
  let scale: [Double]
  let bias: [Double]

  /// What a kind of preprocessing does; nil where nothing says it, or where it is not defined for this many channels.
  package init?(_ preprocessing: Preprocessing, channels: Int) {
    guard channels == 3 || channels == 1 && preprocessing.takesGrey else { return nil }
    let means = [0.485, 0.456, 0.406]
    let deviations = [0.229, 0.224, 0.225]
    let torch = (
      means.indices.map { 1 / (255 * deviations[$0]) }, means.indices.map { -means[$0] / deviations[$0] }
    )
    let caffe = [-103.939, -116.779, -123.68]
    let isBGR: Bool
    switch preprocessing {
    case .unknown: return nil
    case .none: (isBGR, scale, bias) = (false, [1], [0])
    case .unit: (isBGR, scale, bias) = (false, [1 / 255], [0])
    case .tf: (isBGR, scale, bias) = (false, [1 / 127.5], [-1])
    case .caffe: (isBGR, scale, bias) = (true, [1], caffe)
    case .caffeRGB: (isBGR, scale, bias) = (false, [1], caffe.reversed())
    case .torch: (isBGR, scale, bias) = (false, torch.0, torch.1)
    case .torchBGR: (isBGR, scale, bias) = (true, torch.0.reversed(), torch.1.reversed())
    }
    colours = channels == 1 ? .grey : isBGR ? .bgr : .rgb
  }
}
