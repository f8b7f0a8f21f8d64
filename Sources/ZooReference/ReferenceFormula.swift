import ZooGraph
import ZooTensor

/// A step each of whose values is a formula of some values of its inputs and weights. One definition
/// serves whole layers and single recomputed values; see ``ReferenceStep/Kind``.
enum ReferenceFormula: Sendable {
  /// Weight: the kernel (kernel height, kernel width, filters, input channels). `image` is the input's shape.
  case transposedConvolution(TransposedConvolution, image: Shape)
  /// Over vectors of `length` values. Weights: gamma, beta where there are any (length).
  case layerNormalization(LayerNormalization, length: Int)
  /// Weights: mean and variance. `period` is how many of each there are.
  case normalization(Normalization, period: Int)
  case rescaling(Rescaling)
  /// Weight: gamma (channels).
  case layerScale(channels: Int)
  /// Weights: gamma, beta where there are any (channels).
  case channelAffine(ChannelAffine, channels: Int)
  /// Weight: alpha, found at the place that the axes say.
  case prelu(ReferenceAxes)
  /// `image` is the input's shape, `output` the output's.
  case resize(Resize, image: Shape, output: Shape)
  /// Where the value of each input lies.
  case merge(Merge, [ReferenceAxes])
  case permutation(ReferenceAxes)

  /// The output's value `index` (row-major).
  ///
  /// - Parameters:
  ///   - input: the value (input, index).
  ///   - weight: the element (weight, index).
  func value<Number: ReferenceNumber>(
    at index: Int, input: (Int, Int) -> Number, weight: (Int, Int) -> Double
  ) -> Number {
    switch self {
    case .transposedConvolution(let c, let image):
      return transposedConvolution(c, image, at: index, input: input, weight: weight)
    case .layerNormalization(let n, let length):
      return layerNormalization(n, length: length, at: index, input: input, weight: weight)
    case .normalization(let n, let period):
      return normalization(n, period: period, at: index, input: input, weight: weight)
    case .rescaling(let r):
      return input(0, index).scaled(by: r.scale[index % r.scale.count])
        + Number(r.offset[index % r.offset.count])
    case .layerScale(let channels):
      return input(0, index).scaled(by: weight(0, index % channels))
    case .channelAffine(let c, let channels):
      let scaled = c.scale ? input(0, index).scaled(by: weight(0, index % channels)) : input(0, index)
      return c.center ? scaled + Number(weight(c.scale ? 1 : 0, index % channels)) : scaled
    case .prelu(let axes):
      return input(0, index).rectified(slope: weight(0, axes.source(of: index)))
    case .resize(let r, let image, let output):
      return resized(r, image, output, at: index, input: input)
    case .merge(let merge, let places):
      return merged(merge, places, at: index, input: input)
    case .permutation(let axes):
      return input(0, axes.source(of: index))
    }
  }

  private func transposedConvolution<Number: ReferenceNumber>(
    _ c: TransposedConvolution, _ image: Shape, at index: Int, input: (Int, Int) -> Number,
    weight: (Int, Int) -> Double
  ) -> Number {
    let (pixel, filter) = index.quotientAndRemainder(dividingBy: c.filters)
    let (row, column) = pixel.quotientAndRemainder(dividingBy: c.size.width)
    let channels = image[2]
    var sum = Number(0)
    for ky in 0..<c.kernel.height {
      let y = row + c.offset.height - ky * c.dilation.height
      guard y >= 0, y % c.strides.height == 0, y / c.strides.height < image[0] else { continue }
      for kx in 0..<c.kernel.width {
        let x = column + c.offset.width - kx * c.dilation.width
        guard x >= 0, x % c.strides.width == 0, x / c.strides.width < image[1] else { continue }
        let source = (y / c.strides.height * image[1] + x / c.strides.width) * channels
        let tap = ((ky * c.kernel.width + kx) * c.filters + filter) * channels
        for channel in 0..<channels {
          sum = sum + input(0, source + channel).scaled(by: weight(0, tap + channel))
        }
      }
    }
    return sum
  }

  private func layerNormalization<Number: ReferenceNumber>(
    _ n: LayerNormalization, length: Int, at index: Int, input: (Int, Int) -> Number,
    weight: (Int, Int) -> Double
  ) -> Number {
    let place = index % length
    let vector = (index - place..<index - place + length).map { input(0, $0) }
    let gamma = n.scale ? weight(0, place) : 1
    let beta = n.center ? weight(n.scale ? 1 : 0, place) : 0
    return Number.standardized(vector, at: place, epsilon: n.epsilon).scaled(by: gamma) + Number(beta)
  }

  private func normalization<Number: ReferenceNumber>(
    _ n: Normalization, period: Int, at index: Int, input: (Int, Int) -> Number,
    weight: (Int, Int) -> Double
  ) -> Number {
    let mean = weight(0, index % period)
    let deviation = max(weight(1, index % period).squareRoot(), n.epsilon)
    return n.inverted
      ? input(0, index).scaled(by: deviation) + Number(mean)
      : (input(0, index) + Number(-mean)).scaled(by: 1 / deviation)
  }

  private func resized<Number: ReferenceNumber>(
    _ r: Resize, _ image: Shape, _ output: Shape, at index: Int, input: (Int, Int) -> Number
  ) -> Number {
    let channels = image[2]
    let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
    let (row, column) = pixel.quotientAndRemainder(dividingBy: output[1])
    guard r.isSimple else {
      let rows = r.taps(of: row, output: output[0], input: image[0])
      let columns = r.taps(of: column, output: output[1], input: image[1])
      return weighted(rows) { y in
        weighted(columns) { x in input(0, (y * image[1] + x) * channels + channel) }
      }
    }
    let y = r.position(of: row, output: output[0], input: image[0])
    let x = r.position(of: column, output: output[1], input: image[1])
    func sample(_ row: Int, _ column: Int) -> Number {
      input(0, (row * image[1] + column) * channels + channel)
    }
    func across(_ row: Int) -> Number {
      sample(row, x.lower).scaled(by: 1 - Double(x.fraction))
        + sample(row, x.upper).scaled(by: Double(x.fraction))
    }
    if r.interpolation == .nearest { return sample(y.lower, x.lower) }
    return across(y.lower).scaled(by: 1 - Double(y.fraction))
      + across(y.upper).scaled(by: Double(y.fraction))
  }

  private func weighted<Number: ReferenceNumber>(_ taps: ResizeTaps, _ value: (Int) -> Number) -> Number {
    taps.weights.indices.reduce(Number(0)) { sum, tap in
      sum + value(taps.start + tap).scaled(by: Double(taps.weights[tap]))
    }
  }

  private func merged<Number: ReferenceNumber>(
    _ merge: Merge, _ places: [ReferenceAxes], at index: Int, input: (Int, Int) -> Number
  ) -> Number {
    var result = input(0, places[0].source(of: index))
    for i in 1..<places.count {
      let other = input(i, places[i].source(of: index))
      switch merge {
      case .add, .average: result = result + other
      case .subtract: result = result + other.scaled(by: -1)
      case .multiply: result = result * other
      case .maximum: result = result.larger(other)
      case .minimum: result = result.smaller(other)
      }
    }
    return merge == .average ? result.scaled(by: 1 / Double(places.count)) : result
  }

  /// About how many values of its inputs a value is made of.
  var readsPerElement: Int {
    switch self {
    case .transposedConvolution(let c, let image): c.kernel.height * c.kernel.width * image[2]
    case .layerNormalization(_, let length): length
    case .resize(let r, _, _) where r.isSimple: 4
    case .resize(let r, let image, let output):
      r.taps(of: output[0] / 2, output: output[0], input: image[0]).weights.count
        * r.taps(of: output[1] / 2, output: output[1], input: image[1]).weights.count
    case .merge(_, let places): places.count
    case .normalization, .rescaling, .layerScale, .channelAffine, .prelu, .permutation: 1
    }
  }
}

/// The axes of an output, each with how far apart, in another tensor, the values of its steps lie.
struct ReferenceAxes: Sendable {
  private let extents: [Int]
  private let strides: [Int]

  /// `tensor` repeated to the shape `output`.
  init(broadcasting tensor: Shape, to output: Shape) {
    let own = ReferenceAxes.strides(of: tensor)
    let missing = output.rank - tensor.rank
    extents = output.dimensions
    strides = output.dimensions.indices.map { axis in
      axis < missing || tensor[axis - missing] == 1 ? 0 : own[axis - missing]
    }
  }

  /// The axes of `tensor` in another order.
  init(_ tensor: Shape, order: [Int]) {
    let own = ReferenceAxes.strides(of: tensor)
    extents = order.map { tensor[$0] }
    strides = order.map { own[$0] }
  }

  private static func strides(of shape: Shape) -> [Int] {
    var strides: [Int] = []
    var stride = 1
    for extent in shape.dimensions.reversed() {
      strides.append(stride)
      stride *= extent
    }
    return strides.reversed()
  }

  /// The place in the other tensor of the output's value `index` (row-major).
  func source(of index: Int) -> Int {
    var rest = index
    var source = 0
    for axis in extents.indices.reversed() {
      let (quotient, place) = rest.quotientAndRemainder(dividingBy: extents[axis])
      source += place * strides[axis]
      rest = quotient
    }
    return source
  }
}
