#if canImport(ImageIO)
  import CoreGraphics
  import Foundation
  import ImageIO
  import ZooSystem

  extension Image {
    /// The image as the bytes of a PNG file, which keeps every pixel.
    ///
    /// - Throws: `ZooError` with the code `ZooError.Code.tooLarge` where there is no memory for it.
    package func png() throws(ZooError) -> [UInt8] { try encoded(as: "public.png", [:]) }

    /// The image as the bytes of a JPEG file.
    ///
    /// - Parameter quality: 1 to 100, as libjpeg counts.
    /// - Throws: `ZooError` with the code `ZooError.Code.tooLarge` where it has too many pixels for the format.
    package func jpeg(quality: Int = 85) throws(ZooError) -> [UInt8] {
      let share = Double(min(max(quality, 1), 100)) / 100
      return try encoded(as: "public.jpeg", [kCGImageDestinationLossyCompressionQuality: share])
    }

    private func encoded(as type: String, _ properties: [CFString: Any]) throws(ZooError) -> [UInt8] {
      let data = NSMutableData()
      guard let provider = CGDataProvider(data: Data(pixels) as CFData),
        let image = CGImage(
          width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 24, bytesPerRow: width * 3,
          space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGBitmapInfo(rawValue: 0), provider: provider,
          decode: nil, shouldInterpolate: false, intent: .defaultIntent),
        let destination = CGImageDestinationCreateWithData(data, type as CFString, 1, nil)
      else { throw ZooError(.tooLarge, what: "cannot encode a picture", at: "memory", "\(width)x\(height)") }
      CGImageDestinationAddImage(destination, image, properties as CFDictionary)
      guard CGImageDestinationFinalize(destination) else {
        throw ZooError(.tooLarge, what: "cannot encode a picture", at: "memory", "ImageIO does not write it")
      }
      return [UInt8](data as Data)
    }
  }
#endif
