import ZooImages
import ZooSystem
import ZooTensor

/// A decoded picture: RGB, 8 bits a channel.
public struct Picture: Sendable {
  package let image: Image

  /// A picture from pixels in memory.
  ///
  /// - Parameters:
  ///   - width: in pixels.
  ///   - height: in pixels.
  ///   - rgb: red, green, blue of each pixel, row by row; `width * height * 3` values.
  /// - Throws: ``ZooError`` with the code `ZooError.Code.invalidArgument` where the number of values does not fit.
  public init(width: Int, height: Int, rgb: [UInt8]) throws(ZooError) {
    guard width > 0, height > 0, Shape(checking: [height, width, 3])?.elementCount == rgb.count else {
      throw ZooError(
        .invalidArgument, what: "malformed picture", at: "memory",
        "\(rgb.count) values for \(width)x\(height) pixels of 3")
    }
    image = Image(width: width, height: height, pixels: rgb)
  }

  package init(image: Image) { self.image = image }

  /// In pixels.
  public var width: Int { image.width }
  /// In pixels.
  public var height: Int { image.height }
}
