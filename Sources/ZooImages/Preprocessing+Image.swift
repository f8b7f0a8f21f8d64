import ZooGraph
import ZooSystem
import ZooTensor

extension Preprocessing {
  /// What enters a network for one image: (1, H, W, 3), in float32 as Keras' `preprocess_input`
  /// computes it.
  package func tensor(of image: Image) -> Tensor {
    var values: [Float] = []
    append(image, to: &values)
    return Tensor(shape: [1, image.height, image.width, 3], values: values)
  }

  /// What enters a network for several images: (N, H, W, `channels`), each brought to `height` x `width`.
  ///
  /// With one channel the images become grey first, as Keras' `load_img(color_mode="grayscale")` makes them.
  /// - Precondition: `channels` is 3, or 1 for preprocessing that takes grey.
  /// - Throws: `ZooError` where the crop makes no sense.
  package func batch(
    of images: [Image], height: Int, width: Int, channels: Int = 3, fitting: PictureFitting = PictureFitting()
  ) throws(ZooError) -> Tensor {
    precondition(channels == 3 || channels == 1 && takesGrey, "\(rawValue) of \(channels) channels")
    var values: [Float] = []
    values.reserveCapacity(images.count * height * width * channels)
    for image in images {
      let image = channels == 1 ? image.grey : image
      append(try image.fitted(height: height, width: width, fitting), channels: channels, to: &values)
    }
    return Tensor(shape: [images.count, height, width, channels], values: values)
  }

  /// What pixels become: in each channel of what enters the network, the value of 0 and that of 255, which those between
  /// follow in equal steps. Nil where nothing says what the network takes.
  package func range(channels: Int) -> ValueRange? {
    guard self != .unknown, channels == 3 || channels == 1 && takesGrey else { return nil }
    return ValueRange(
      lowest: (0..<channels).map { value(0, channel: $0) },
      highest: (0..<channels).map { value(255, channel: $0) })
  }

  private func append(_ image: Image, channels: Int = 3, to values: inout [Float]) {
    let tables = (0..<channels).map { channel in (0...255).map { value(Float($0), channel: channel) } }
    let swapped = self == .caffe || self == .torchBGR
    values.reserveCapacity(values.count + image.pixels.count / 3 * channels)
    for start in stride(from: 0, to: image.pixels.count, by: 3) {
      for channel in 0..<channels {
        let pixel = image.pixels[start + (swapped ? 2 - channel : channel)]
        values.append(tables[channel][Int(pixel)])
      }
    }
  }

  /// The value in `channel` of what enters the network, from a pixel of 0…255.
  private func value(_ pixel: Float, channel: Int) -> Float {
    switch self {
    case .none, .unknown:
      pixel
    case .unit:
      pixel / 255
    case .tf:
      pixel / 127.5 - 1
    case .caffe:
      pixel - ([103.939, 116.779, 123.68] as [Float])[channel]
    case .torch:
      (pixel / 255 - ([0.485, 0.456, 0.406] as [Float])[channel])
        / ([0.229, 0.224, 0.225] as [Float])[channel]
    case .caffeRGB: Preprocessing.caffe.value(pixel, channel: 2 - channel)
    case .torchBGR: Preprocessing.torch.value(pixel, channel: 2 - channel)
    }
  }
}
