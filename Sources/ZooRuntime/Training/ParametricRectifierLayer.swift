import CZooKernels

/// x where it is positive, else a weight times x; the weight is shared along some axes.
struct ParametricRectifierLayer: TrainingLayer {
  /// Which values of an example have the same weight.
  enum Sharing {
    /// Those of a channel.
    case pixels
    case none
    /// Those that the map takes to one place.
    case some(AxisMap)
  }

  let name: String
  var links: TrainingLinks
  let alpha: WeightPlace
  let sharing: Sharing
  /// The place in the packed weights of a weight for each value, where some share it.
  let repeated: Int
  /// The place of the sums of the gradient of ``alpha``, twice as many as it has numbers.
  let sums: Int

  var keepsInputs: Bool { true }
  var learns: Bool { alpha.learns }

  private var place: TrainingPlace { links.output }
  private var channels: Int { place.channels }

  func prepare(_ run: TrainingRun) {
    guard case .some(let map) = sharing else { return }
    for index in 0..<place.floats {
      run.packed[repeated + index] = run.weights[alpha.offset + map.source(of: index)]
    }
  }

  /// The weights of the first pixel, and floats to those of the next.
  private func slopes(_ run: TrainingRun) -> (first: UnsafePointer<Float>, pixel: Int) {
    switch sharing {
    case .pixels: (UnsafePointer(run.weights + alpha.offset), 0)
    case .none: (UnsafePointer(run.weights + alpha.offset), channels)
    case .some: (UnsafePointer(run.packed + repeated), channels)
    }
  }

  func forward(_ run: TrainingRun) {
    let slopes = slopes(run)
    var arguments = zoo_elementwise()
    arguments.b = slopes.first
    (arguments.a_pixel, arguments.b_pixel, arguments.out_pixel) = (channels, slopes.pixel, channels)
    arguments.channels = Int32(channels)
    (arguments.lo, arguments.hi) = (-.infinity, .infinity)
    for example in 0..<run.count {
      arguments.a = UnsafePointer(run.values(links.inputs[0], example))
      arguments.output = run.values(place, example)
      run.call(.rectify, arguments, units: place.pixels)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let g = UnsafePointer(run.values[gradient])
    let x = UnsafePointer(run.values(links.inputs[0]))
    let width = place.width * channels
    if alpha.learns {
      run.share(run.count * place.height) { row in
        for index in row * width..<(row + 1) * width {
          run.scratch[index] = x[index] > 0 ? 0 : g[index] * x[index]
        }
      }
      addWeightGradient(run)
    }
    guard let target = links.inputGradients[0] else { return }
    let slopes = slopes(run)
    run.share(run.count * place.height) { row in
      for column in 0..<place.width {
        let slope = slopes.first + (row % place.height * place.width + column) * slopes.pixel
        let first = row * width + column * channels
        for c in 0..<channels {
          run.scratch[first + c] = x[first + c] > 0 ? g[first + c] : slope[c] * g[first + c]
        }
      }
    }
    run.contribute(run.scratch, pixel: channels, example: place.floats, to: target, links.inputs[0])
  }

  /// Adds up what the scratch memory has for each value.
  private func addWeightGradient(_ run: TrainingRun) {
    let sums = run.sums + self.sums
    let size = place.floats
    switch sharing {
    case .pixels:
      run.addSums(of: run.scratch, pixels: run.count * place.pixels, channels: channels, to: sums)
    case .none:
      run.share(place.height) { row in
        for index in row * place.width * channels..<(row + 1) * place.width * channels {
          for example in 0..<run.count { sums[index] += Double(run.scratch[example * size + index]) }
        }
      }
    case .some(let map):
      for example in 0..<run.count {
        for index in 0..<size { sums[map.source(of: index)] += Double(run.scratch[example * size + index]) }
      }
    }
  }

  func finish(_ run: TrainingRun) {
    guard alpha.learns else { return }
    for index in 0..<alpha.count { run.gradient(alpha)[index] += Float(run.sums[sums + index]) }
  }
}
