import ModelZoo
import ZooImages
import ZooReports
import ZooSystem

/// Where in a picture the evidence for a class lies.
public struct Explanation: Sendable {
  /// How it was found.
  public enum Method: String, Sendable, Encodable {
    /// The class's logit is a sum over the pixels of a feature map, and these are its terms: exact, but for a number
    /// that no pixel decides.
    case classActivation = "class-activation"
    /// Grad-CAM: a feature map's channels, each times the mean of the logit's gradient on it.
    case gradient
    /// How far the class's logit falls where a grey patch hides a part of the picture.
    case occlusion

    /// The method in words.
    public var name: String {
      switch self {
      case .classActivation: "exact class activation map"
      case .gradient: "Grad-CAM"
      case .occlusion: "occlusion by grey patches"
      }
    }
  }

  /// How it was found.
  public let method: Method
  /// The layer whose feature map was read; nil for ``Method/occlusion``.
  public let layer: String?
  /// The class that is explained, with its value for the whole picture.
  public let prediction: Prediction
  /// The rows of the map.
  public let height: Int
  /// The columns of the map.
  public let width: Int
  /// The evidence, row by row from the top: positive for the class, negative against it. With
  /// ``Method/classActivation`` and ``Method/occlusion`` in units of the logit.
  public let values: [Float]
  /// The columns of the picture that the map covers, in shares of its width.
  public let horizontalRange: ClosedRange<Double>
  /// The rows of the picture that the map covers, in shares of its height.
  public let verticalRange: ClosedRange<Double>

  /// Where the evidence for the class lies on average, in shares of the picture's width and height from its upper left
  /// corner; nil where there is none.
  public var centre: (x: Double, y: Double)? {
    var (sum, across, down) = (0.0, 0.0, 0.0)
    for (index, value) in values.enumerated() where value > 0 && value.isFinite {
      sum += Double(value)
      across += Double(value) * (Double(index % width) + 0.5) / Double(width)
      down += Double(value) * (Double(index / width) + 0.5) / Double(height)
    }
    guard sum > 0 else { return nil }
    func place(_ share: Double, in range: ClosedRange<Double>) -> Double {
      range.lowerBound + share * (range.upperBound - range.lowerBound)
    }
    return (place(across / sum, in: horizontalRange), place(down / sum, in: verticalRange))
  }

  /// The picture with the evidence on it as colours, at its own size.
  ///
  /// - Parameters:
  ///   - picture: the one that was explained.
  ///   - hasLegend: whether a strip below it names the class and the method, and has the scale.
  public func overlay(on picture: Picture, hasLegend: Bool = true) -> Picture {
    let map = HeatMap(
      values: values, height: height, width: width, region: (horizontalRange, verticalRange))
    let drawn = map.drawn(on: picture.image)
    guard hasLegend else { return Picture(image: drawn) }
    let value =
      prediction.outputKind == .values
      ? decimal(Double(prediction.value), 4) : decimal(Double(prediction.probability) * 100, 1) + " %"
    return Picture(
      image: HeatMap.adding(
        captions: [
          "\(prediction.label) \(value), \(method.name)", "\(prediction.label) \(value)", prediction.label,
        ],
        to: drawn))
  }
}

extension Picture {
  /// Writes the picture as a PNG file, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - overwrite: whether an existing file is replaced.
  /// - Throws: `ZooError` where the file can't be made.
  public func writePNG(to path: String, overwrite: Bool = false) throws(ZooError) {
    let bytes = try image.png()
    let file = try AtomicFile(path: path)
    try file.write(bytes, at: 0)
    try file.commit(overwrite: overwrite)
  }

  /// The picture in proportion, with no side longer than `side` pixels.
  public func fitted(within side: Int) -> Picture { Picture(image: image.fitted(within: side)) }

  /// The picture at another size.
  ///
  /// - Throws: `ZooError` with the code `ZooError.Code.invalidArgument` where a side is not 1 to 65,536 pixels.
  public func resized(height: Int, width: Int) throws(ZooError) -> Picture {
    Picture(image: try image.fitted(height: height, width: width, PictureFitting()))
  }
}
