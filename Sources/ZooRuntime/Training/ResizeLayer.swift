import CZooKernels
import ZooGraph

/// Of what positions along an axis each position is a weighted sum.
struct WeightedPlaces: Sendable {
  /// Where the places of each position begin, and at the end how many there are.
  private(set) var starts = [0]
  private(set) var places: [Int] = []
  private(set) var weights: [Float] = []

  init(_ all: [[(place: Int, weight: Float)]]) {
    for position in all {
      places += position.map(\.place)
      weights += position.map(\.weight)
      starts.append(places.count)
    }
  }

  /// For a resized axis: of each position of the output, those of the input.
  init(_ resize: Resize, output: Int, input: Int) {
    self.init(
      (0..<output).map { index in
        guard resize.isSimple else {
          let taps = resize.taps(of: index, output: output, input: input)
          return taps.weights.enumerated().map { (taps.start + $0, $1) }
        }
        let position = resize.position(of: index, output: output, input: input)
        if resize.interpolation == .nearest { return [(position.lower, 1)] }
        return [(position.lower, 1 - position.fraction), (position.upper, position.fraction)]
      })
  }

  /// The same from the other side: of each of `count` places, the positions that it is a part of.
  func transposed(_ count: Int) -> WeightedPlaces {
    var all: [[(place: Int, weight: Float)]] = Array(repeating: [], count: count)
    for position in 0..<starts.count - 1 {
      for tap in starts[position]..<starts[position + 1] { all[places[tap]].append((position, weights[tap])) }
    }
    return WeightedPlaces(all)
  }

  subscript(position: Int) -> Range<Int> { starts[position]..<starts[position + 1] }
}

/// An image at another size.
struct ResizeLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let resize: Resize
  /// Of the output's rows and columns.
  let (rows, columns): (WeightedPlaces, WeightedPlaces)
  /// Of the input's rows and columns, for the gradient.
  let (backRows, backColumns): (WeightedPlaces, WeightedPlaces)

  init(name: String, links: TrainingLinks, resize: Resize) {
    self.name = name
    self.links = links
    self.resize = resize
    let (input, output) = (links.inputs[0], links.output)
    rows = WeightedPlaces(resize, output: output.height, input: input.height)
    columns = WeightedPlaces(resize, output: output.width, input: input.width)
    backRows = rows.transposed(input.height)
    backColumns = columns.transposed(input.width)
  }

  func forward(_ run: TrainingRun) {
    let (input, output) = (links.inputs[0], links.output)
    guard resize.isSimple else {
      return mix(run, input, run.values(input), to: run.values(output), output, rows, columns)
    }
    var arguments = zoo_resize()
    (arguments.in_pixel, arguments.in_row) = (input.channels, input.width * input.channels)
    arguments.out_pixel = output.channels
    (arguments.in_height, arguments.in_width) = (Int32(input.height), Int32(input.width))
    (arguments.out_height, arguments.out_width) = (Int32(output.height), Int32(output.width))
    arguments.channels = Int32(output.channels)
    arguments.bilinear = resize.interpolation == .bilinear ? 1 : 0
    for example in 0..<run.count {
      arguments.input = UnsafePointer(run.values(input, example))
      arguments.output = run.values(output, example)
      run.call(.resize, arguments, units: output.height)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    let input = links.inputs[0]
    mix(run, links.output, run.values[gradient], to: run.scratch, input, backRows, backColumns)
    run.contribute(run.scratch, pixel: input.channels, example: input.floats, to: target, input)
  }

  /// Makes each pixel of `place` the sum of pixels of `source`, weighted by row and column.
  private func mix(
    _ run: TrainingRun, _ source: TrainingPlace, _ values: UnsafeMutablePointer<Float>,
    to target: UnsafeMutablePointer<Float>, _ place: TrainingPlace, _ rows: WeightedPlaces,
    _ columns: WeightedPlaces
  ) {
    let channels = place.channels
    run.share(run.count * place.height) { unit in
      let (example, row) = unit.quotientAndRemainder(dividingBy: place.height)
      for column in 0..<place.width {
        let pixel = target + (unit * place.width + column) * channels
        pixel.update(repeating: 0, count: channels)
        for down in rows[row] {
          let line = values + (example * source.height + rows.places[down]) * source.width * channels
          for right in columns[column] {
            let weight = rows.weights[down] * columns.weights[right]
            let from = line + columns.places[right] * channels
            for c in 0..<channels { pixel[c] += weight * from[c] }
          }
        }
      }
    }
  }
}
