import ZooGraph
import ZooTensor

// Steps that choose, move or mix values of several places. Each thread has some of the examples.

extension BackwardStep {
  // MARK: Pooling

  /// All goes to the first of several equal maxima, row by row.
  func maximum(_ window: ReferenceWindow) {
    forEachWindow(window) { target, x, slope, first, taps in
      for channel in 0..<window.channels {
        var best = first + channel
        for tap in taps where x[tap + channel] > x[best] { best = tap + channel }
        target[best] += slope[channel]
      }
    }
  }

  func mean(_ window: ReferenceWindow) {
    forEachWindow(window) { target, _, slope, _, taps in
      for tap in taps {
        for channel in 0..<window.channels { target[tap + channel] += slope[channel] / Double(taps.count) }
      }
    }
  }

  /// Calls `body` for each output pixel.
  private func forEachWindow(
    _ window: ReferenceWindow,
    _ body:
      @Sendable (
        _ target: UnsafeMutablePointer<Double>, _ input: UnsafePointer<Double>,
        _ gradient: UnsafePointer<Double>,
        _ first: Int, _ taps: [Int]
      ) -> Void
  ) {
    guard let target = inputGradients[0] else { return }
    let (rows, columns) = (step.shape[0], step.shape[1])
    let image = length(of: 0)
    forEachExample { example in
      var taps: [Int] = []
      for row in 0..<rows {
        for column in 0..<columns {
          taps.removeAll(keepingCapacity: true)
          window.forEachTap(row, column) { _, y, x in taps.append(window.index(y, x, 0)) }
          guard let first = taps.first else { continue }
          let pixel = (example * rows + row) * columns + column
          body(
            target.start + example * image, inputs[0].start + example * image,
            gradient.start + pixel * window.channels, first, taps)
        }
      }
    }
  }

  // MARK: The same values at other places

  func shift(down: Int, right: Int, height: Int, width: Int, channels: Int) {
    guard let target = inputGradients[0] else { return }
    let (rows, columns) = (step.shape[0], step.shape[1])
    forEachExample { example in
      for y in 0..<height where y + down >= 0 && y + down < rows {
        for x in 0..<width where x + right >= 0 && x + right < columns {
          let place = ((example * height + y) * width + x) * channels
          let source = ((example * rows + y + down) * columns + x + right) * channels
          for channel in 0..<channels {
            target.values[place + channel] += gradient.values[source + channel]
          }
        }
      }
    }
  }

  func permutation(_ axes: ReferenceAxes) {
    guard let target = inputGradients[0] else { return }
    let length = length(of: 0)
    forEachExample { example in
      for index in 0..<length {
        target.values[example * length + axes.source(of: index)] += gradient.values[example * length + index]
      }
    }
  }

  func concatenation() {
    let total = step.shape.dimensions.last ?? 1
    let vectors = gradient.count / max(1, total)
    var first = 0
    for index in inputs.indices {
      let width = inputs[index].count / vectors
      if let target = inputGradients[index] {
        let start = first
        split(vectors, threads: threads) { part in
          for vector in part {
            for channel in 0..<width {
              target.values[vector * width + channel] += gradient.values[vector * total + start + channel]
            }
          }
        }
      }
      first += width
    }
  }

  // MARK: Resizing

  /// Each pixel of the output hands its gradient to those it is made of, by their weights.
  func resize(_ r: Resize, _ image: Shape, _ output: Shape) {
    guard let target = inputGradients[0] else { return }
    let rows = (0..<output[0]).map { weightedPlaces(r, $0, output: output[0], input: image[0]) }
    let columns = (0..<output[1]).map { weightedPlaces(r, $0, output: output[1], input: image[1]) }
    let channels = image[2]
    forEachExample { example in
      for row in 0..<output[0] {
        for column in 0..<output[1] {
          let source = ((example * output[0] + row) * output[1] + column) * channels
          for (y, down) in rows[row] {
            for (x, right) in columns[column] {
              let place = ((example * image[0] + y) * image[1] + x) * channels
              for channel in 0..<channels {
                target.values[place + channel] += gradient.values[source + channel] * (down * right)
              }
            }
          }
        }
      }
    }
  }

  private func weightedPlaces(
    _ r: Resize, _ index: Int, output: Int, input: Int
  ) -> [(place: Int, weight: Double)] {
    guard r.isSimple else {
      let taps = r.taps(of: index, output: output, input: input)
      return taps.weights.enumerated().map { (taps.start + $0, Double($1)) }
    }
    let position = r.position(of: index, output: output, input: input)
    if r.interpolation == .nearest { return [(position.lower, 1)] }
    return [(position.lower, 1 - Double(position.fraction)), (position.upper, Double(position.fraction))]
  }

  // MARK: Merging

  /// Each place of an input gets the sum over all places of the output to which it is repeated.
  func merge(_ merge: Merge, _ places: [ReferenceAxes]) {
    let total = step.shape.elementCount
    let lengths = inputs.indices.map { length(of: $0) }
    forEachExample { example in
      /// Where the input `input` has its value for the output's `index`.
      func place(_ input: Int, _ index: Int) -> Int {
        // Of as many values, none is repeated.
        let own = lengths[input] == total ? index : places[input].source(of: index)
        return example * lengths[input] + own
      }
      func value(_ input: Int, _ index: Int) -> Double { inputs[input].values[place(input, index)] }
      for (own, target) in inputGradients.enumerated() {
        guard let target else { continue }
        for index in 0..<total {
          let slope = gradient.values[example * total + index]
          let part =
            switch merge {
            case .add: slope
            case .average: slope / Double(inputs.count)
            case .subtract: own == 0 ? slope : -slope
            case .multiply: inputs.indices.reduce(slope) { $1 == own ? $0 : $0 * value($1, index) }
            case .maximum, .minimum:
              // The first of several equal ones gets all.
              own
                == inputs.indices.dropFirst().reduce(0) { best, other in
                  let (x, y) = (value(other, index), value(best, index))
                  return (merge == .maximum ? x > y : x < y) ? other : best
                } ? slope : 0
            }
          target.values[place(own, index)] += part
        }
      }
    }
  }
}
