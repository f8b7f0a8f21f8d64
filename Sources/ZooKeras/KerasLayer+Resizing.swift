import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Images of another size: resized, cropped, or both.
extension KerasLayer {
  /// What such a layer computes; nil for a layer of another class.
  func resizingSteps(inputs: [Shape?]) throws(ZooError) -> [KerasStep]? {
    switch className {
    case "UpSampling2D":
      return [KerasStep(try upsampling(inputs: inputs), [.input(0)])]
    case "Resizing":
      try checkDataFormat(mayBeAbsent: true)
      var c = KerasComposition(of: name, reading: [try shape(inputs)])
      let size = Extent2D(try integer("height"), try integer("width"))
      let result = try resized(c.inputs[0], size, &c) { members[$0] == .null ? nil : members[$0] }
      return c.steps(to: result)
    case "CenterCrop":
      return try centerCrop(inputs: inputs)
    case "RandomCrop":
      // Keras 3 crops in training alone.
      if dialect == .keras3 { return [KerasStep(.identity(layer: className), [.input(0)])] }
      var c = KerasComposition(of: name, reading: [try shape(inputs)])
      let size = Extent2D(try integer("height"), try integer("width"))
      try checkedSize(size.height, size.width)
      let part = try middle(c.inputs[0], ratio: size, &c)
      return c.steps(to: c.add(.resize(Resize(size: size, interpolation: .bilinear)), part))
    default: return nil
    }
  }

  // MARK: Sizes

  /// Of the sizes that this works out no product overflows.
  private static let sizeLimit = 1 << 20

  func checkedSize(_ values: Int...) throws(ZooError) {
    for value in values where value < 0 || value > KerasLayer.sizeLimit {
      throw unsupported("a size of \(value)")
    }
  }

  private func upsampling(inputs: [Shape?]) throws(ZooError) -> Operation {
    try checkDataFormat()
    let factor = try extent("size")
    let size = try imageSize(inputs)
    try checkedSize(factor.height, factor.width, size.height, size.width)
    return .resize(
      Resize(
        size: Extent2D(size.height * factor.height, size.width * factor.width),
        interpolation: try interpolation(members["interpolation"]?.string ?? "nearest")))
  }

  private func interpolation(_ name: String) throws(ZooError) -> Resize.Interpolation {
    let kerasOwn = Resize.Interpolation.allCases.filter { $0 != .adaptive }
    guard let interpolation = kerasOwn.first(where: { $0.rawValue == name }) else {
      let known = kerasOwn.map(\.rawValue).joined(separator: ", ")
      throw unsupported("its interpolation is '\(name)'; supported are \(known)")
    }
    return interpolation
  }

  /// An image at another size, by the arguments of the layer `Resizing` and of the function `resize`.
  func resized(
    _ value: Value, _ size: Extent2D, _ c: inout KerasComposition, argument: (String) -> JSONValue?
  ) throws(ZooError) -> Value {
    if argument("preserve_aspect_ratio")?.flag == true {
      throw unsupported("it has 'preserve_aspect_ratio'")
    }
    let method = argument("interpolation")?.string ?? argument("method")?.string ?? "bilinear"
    let interpolation = try interpolation(method)
    // What is nearest stays one pixel.
    let antialias = argument("antialias")?.flag == true && interpolation != .nearest && interpolation != .area
    guard size.height > 0, size.width > 0 else {
      throw unsupported("its size is \(size.height)x\(size.width)")
    }
    try checkedSize(size.height, size.width)
    var image = value
    if argument("crop_to_aspect_ratio")?.flag == true {
      image = try middle(value, ratio: size, &c)
    } else if argument("pad_to_aspect_ratio")?.flag == true {
      let fill = argument("fill_value")?.number ?? 0
      guard (argument("fill_mode")?.string ?? "constant") == "constant", fill.isFinite else {
        throw unsupported("its fill_mode is not 'constant'")
      }
      image = try framed(value, ratio: size, fill: fill, &c)
    }
    return c.add(.resize(Resize(size: size, interpolation: interpolation, antialias: antialias)), image)
  }

  // MARK: Parts of images

  /// An extent whose ratio to `other` is that of `own` to `wanted`, as 32-bit numbers give it.
  private func scaled(_ other: Int, _ own: Int, _ wanted: Int) -> Int {
    Int(Float(other * own) / Float(wanted))
  }

  private func cropped(
    _ value: Value, to part: Extent2D, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    let image = try c.shape(value)
    let (top, left) = ((image[0] - part.height) / 2, (image[1] - part.width) / 2)
    let edges = Edges(
      top: top, bottom: image[0] - part.height - top, left: left, right: image[1] - part.width - left)
    return edges == .none ? value : c.add(.cropping(edges), value)
  }

  /// The largest part in the middle of an image whose sides have the ratio of `ratio`.
  private func middle(
    _ value: Value, ratio: Extent2D, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    let image = try c.shape(value)
    guard image.rank == 3, ratio.height > 0, ratio.width > 0 else {
      throw malformed(name, "its input is \(image), but it needs an image")
    }
    try checkedSize(image[0], image[1])
    let part = Extent2D(
      max(min(image[0], scaled(image[1], ratio.height, ratio.width)), 1),
      max(min(image[1], scaled(image[0], ratio.width, ratio.height)), 1))
    return try cropped(value, to: part, &c)
  }

  /// An image with as much of `fill` on two opposite sides that its sides have the ratio of `ratio`.
  private func framed(
    _ value: Value, ratio: Extent2D, fill: Double, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    let image = try c.shape(value)
    guard image.rank == 3 else { throw malformed(name, "its input is \(image), but it needs an image") }
    try checkedSize(image[0], image[1])
    let whole = [
      max(image[0], scaled(image[1], ratio.height, ratio.width)),
      max(image[1], scaled(image[0], ratio.width, ratio.height)),
    ]
    try checkedSize(whole[0], whole[1])
    let amounts = [(whole[0] - image[0]) / 2, (whole[1] - image[1]) / 2]
    guard amounts != [0, 0] else { return value }
    let edges = Edges(top: amounts[0], bottom: amounts[0], left: amounts[1], right: amounts[1])
    guard fill != 0 else { return c.add(.zeroPadding(edges), value) }
    // The frame is what is 0 where the image is 1.
    let inside = c.add(.zeroPadding(edges), c.constant([1], like: value))
    let frame = c.scale(inside, by: -fill, plus: fill)
    return c.add(.add, c.add(.zeroPadding(edges), value), frame)
  }

  /// The middle of an image; of one that is too small the largest part with the wanted sides' ratio, resized.
  private func centerCrop(inputs: [Shape?]) throws(ZooError) -> [KerasStep] {
    let image = try imageSize(inputs)
    let size = Extent2D(try integer("height"), try integer("width"))
    guard size.height > 0, size.width > 0 else {
      throw unsupported("its size is \(size.height)x\(size.width)")
    }
    try checkedSize(size.height, size.width, image.height, image.width)
    var c = KerasComposition(of: name, reading: [try shape(inputs)])
    if size.height <= image.height, size.width <= image.width {
      return c.steps(to: try cropped(c.inputs[0], to: size, &c))
    }
    let part = try middle(c.inputs[0], ratio: size, &c)
    return c.steps(to: c.add(.resize(Resize(size: size, interpolation: .bilinear)), part))
  }
}
