import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Values in codes of 8 bits: where they lie, and how they become floats and come from them.

extension Planner {
  /// A new buffer for the codes of an image.
  mutating func newCodes(
    height: Int, width: Int, channels: Int, bytes: Int = 1, contiguous: Bool = false
  ) -> Place {
    let pixel = contiguous ? channels : Place.codedPixel(channels)
    // A kernel's vector may reach past the last code.
    memory.buffers.append(Buffer(floats: (height * width * pixel * bytes + 3) / 4 + 16))
    return Place(
      buffer: memory.buffers.count - 1, offset: 0, pixel: pixel, height: height, width: width,
      channels: channels, bytes: bytes)
  }

  /// Where a value's codes are; they are made of its floats where there are none.
  mutating func codedView(of value: Int) throws(ZooError) -> View {
    if let view = values.coded[value]?.codes { return view }
    let source = try place(of: value)
    let code = try code(of: value)
    let target = newCodes(height: source.height, width: source.width, channels: source.channels)
    let multipliers = code.scales.map { Float(1 / Double($0)) }
    try appendMap(
      .quantize, from: source, to: target, layers: [graph.nodes[value].name], multipliers: multipliers,
      offsets: code.origins.map { Float($0) })
    let view = View(source: target)
    values.coded[value, default: CodedValue()].codes = view
    return view
  }

  /// The same, with what lies around it in memory.
  mutating func codedPlace(of value: Int, contiguous: Bool = false) throws(ZooError) -> Place {
    let view = try codedView(of: value)
    let isPlain = view.edges == .none
    if isPlain && (!contiguous || view.source.isContiguous) { return view.source }
    let source = view.source
    let height = source.height + view.edges.top + view.edges.bottom
    let width = source.width + view.edges.left + view.edges.right
    let target = newCodes(height: height, width: width, channels: source.channels, contiguous: contiguous)
    appendPadding(
      from: view, to: target, code: try code(of: value), layers: [graph.nodes[value].name])
    return target
  }

  /// Copies codes, with codes of zero around them where they are seen through padding.
  mutating func appendPadding(from view: View, to target: Place, code: ValueCode, layers: [String]) {
    guard let integers else { return }
    var arguments = zoo_integer_padding()
    arguments.window.setExtents(from: view.source, to: target)
    arguments.window.pad_top = Int32(view.edges.top)
    arguments.window.pad_left = Int32(view.edges.left)
    arguments.channels = Int32(target.channels)
    let request = IntegerRequest(
      form: .numbers(multipliers: [0], offsets: [0]), integers: integers, layer: nil,
      channels: target.channels, zeros: code.zeros(target.channels))
    append(
      Step(
        layers: layers, algorithm: "pad codes", macs: 0, arguments: .integerPadding(arguments),
        units: target.height, inputs: [view.source], output: target, weights: WeightRequest(request)))
  }

  /// A value's floats, from its codes; from the wide ones where there are no others.
  mutating func decodedPlace(of value: Int) throws(ZooError) -> Place {
    let code = try code(of: value)
    let isWide = values.coded[value]?.codes == nil
    let wide = values.coded[value]?.wide
    let source: Place = if isWide, let wide { wide } else { try codedPlace(of: value) }
    let target = outputPlace(for: value)
    let step: Float = isWide ? 256 : 1
    try appendMap(
      .dequantize, from: source, to: target, layers: [graph.nodes[value].name],
      multipliers: code.scales.map { $0 / step }, offsets: code.origins.map { Float($0) * step })
    return target
  }

  func code(of value: Int) throws(ZooError) -> ValueCode {
    if let code = program?.codes[value] { return code }
    throw ZooError(.cannotRun, what: "cannot plan", at: layer(value), "it is read in codes and has no range")
  }

  private mutating func appendMap(
    _ kernel: zoo_kernel_id, from source: Place, to target: Place, layers: [String], multipliers: [Float],
    offsets: [Float]
  ) throws(ZooError) {
    guard let integers else { return }
    // Pixels of few channels are mapped several at once.
    let isContiguous = source.isContiguous && target.isContiguous
    let pixels = isContiguous ? target.pixels.largestDivisor(upTo: 64 / target.channels) : 1
    let channels = pixels * target.channels
    func ofPixels(_ numbers: [Float]) -> [Float] {
      numbers.count == 1 ? numbers : (0..<channels).map { numbers[$0 % numbers.count] }
    }
    var arguments = zoo_integer_map()
    arguments.a_pixel = pixels * source.pixel
    arguments.out_pixel = pixels * target.pixel
    arguments.a_is_wide = source.bytes == 2 ? 1 : 0
    arguments.channels = Int32(channels)
    arguments.writes = Int32(zoo_write_codes)
    let request = IntegerRequest(
      form: .numbers(multipliers: ofPixels(multipliers), offsets: ofPixels(offsets)), integers: integers,
      layer: nil, channels: channels, zeros: [])
    append(
      Step(
        layers: layers, algorithm: kernel == .quantize ? "quantize" : "dequantize", macs: 0,
        arguments: .integerMap(kernel, arguments), units: target.pixels / pixels, inputs: [source],
        output: target,
        weights: WeightRequest(request)))
  }
}

extension Int {
  /// At least 1.
  fileprivate func largestDivisor(upTo limit: Int) -> Int {
    stride(from: Swift.min(limit, self), to: 1, by: -1).first { isMultiple(of: $0) } ?? 1
  }
}

extension ValueCode {
  /// The codes of zero of so many values, channel after channel.
  func zeros(_ channels: Int) -> [UInt8] {
    (0..<channels).map { zeros[$0 % zeros.count] }
  }
}

extension WeightRequest {
  init(_ request: IntegerRequest) {
    self.init(layout: .integers(request), channels: request.channels)
  }
}
