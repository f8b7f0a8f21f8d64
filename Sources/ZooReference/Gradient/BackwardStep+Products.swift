import ZooGraph
import ZooTensor

// Products with a kernel. Each thread has some of the input's channels.

extension BackwardStep {
  func convolution(_ window: ReferenceWindow, groups: Int, filters: Int) {
    let (target, sums) = (inputGradients[0], weightGradients[0])
    let groupChannels = window.channels / groups
    let groupFilters = filters / groups
    let (rows, columns) = (step.shape[0], step.shape[1])
    let image = length(of: 0)
    split(window.channels, threads: threads) { channels in
      let x = inputs[0].start
      withUnsafeTemporaryAllocation(of: Double.self, capacity: groupFilters) { weights in
        // An example's gradient stays in the cache while all channels read it.
        for example in 0..<count {
          for channel in channels {
            let (group, c) = channel.quotientAndRemainder(dividingBy: groupChannels)
            let first = group * groupFilters
            for ky in 0..<window.size.height {
              for kx in 0..<window.size.width {
                let tap = ((ky * window.size.width + kx) * groupChannels + c) * filters + first
                if target != nil { self.weights[0].copy(from: tap, to: weights) }
                for row in 0..<rows {
                  guard let iy = window.inputRow(row, tap: ky) else { continue }
                  for column in 0..<columns {
                    guard let ix = window.inputColumn(column, tap: kx) else { continue }
                    let source = example * image + window.index(iy, ix, channel)
                    let slope =
                      gradient.start + ((example * rows + row) * columns + column) * filters + first
                    if let sums { add(slope, times: x[source], to: sums.start + tap, groupFilters) }
                    if let target, let weights = weights.baseAddress {
                      target.start[source] += dot(slope, weights, groupFilters)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  func depthwiseConvolution(_ window: ReferenceWindow, multiplier: Int) {
    let (target, sums) = (inputGradients[0], weightGradients[0])
    let kernel = weights[0].values
    let (rows, columns) = (step.shape[0], step.shape[1])
    let outputs = window.channels * multiplier
    let image = length(of: 0)
    split(window.channels, threads: threads) { channels in
      for example in 0..<count {
        for row in 0..<rows {
          for column in 0..<columns {
            let slope = gradient.start + ((example * rows + row) * columns + column) * outputs
            window.forEachTap(row, column) { tap, y, x in
              let source = example * image + window.index(y, x, 0)
              for channel in channels {
                for place in channel * multiplier..<(channel + 1) * multiplier {
                  if let sums {
                    sums.start[tap * outputs + place] += inputs[0].start[source + channel] * slope[place]
                  }
                  if let target {
                    target.start[source + channel] += kernel[tap * outputs + place] * slope[place]
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// `image` is the input's shape.
  func transposedConvolution(_ c: TransposedConvolution, _ image: Shape) {
    let (target, sums) = (inputGradients[0], weightGradients[0])
    let channels = image[2]
    split(channels, threads: threads) { part in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: part.count) { weights in
        guard
          let weights = weights.baseAddress.map({ UnsafeMutableBufferPointer(start: $0, count: part.count) }),
          let kernel = weights.baseAddress
        else { return }
        for tap in 0..<c.kernel.height * c.kernel.width * c.filters {
          let (place, filter) = tap.quotientAndRemainder(dividingBy: c.filters)
          let down = place / c.kernel.width * c.dilation.height - c.offset.height
          let right = place % c.kernel.width * c.dilation.width - c.offset.width
          let first = tap * channels + part.lowerBound
          if target != nil { self.weights[0].copy(from: first, to: weights) }
          for example in 0..<count {
            for y in 0..<image[0] {
              let row = y * c.strides.height + down
              guard row >= 0, row < c.size.height else { continue }
              for x in 0..<image[1] {
                let column = x * c.strides.width + right
                guard column >= 0, column < c.size.width else { continue }
                let pixel = (example * c.size.height + row) * c.size.width + column
                let slope = gradient.start[pixel * c.filters + filter]
                let source = ((example * image[0] + y) * image[1] + x) * channels + part.lowerBound
                if let sums {
                  add(inputs[0].start + source, times: slope, to: sums.start + first, part.count)
                }
                if let target { add(kernel, times: slope, to: target.start + source, part.count) }
              }
            }
          }
        }
      }
    }
  }
}

/// Adds `count` values, each times `factor`, to as many others.
@inline(__always)
private func add(
  _ values: UnsafePointer<Double>, times factor: Double, to target: UnsafeMutablePointer<Double>, _ count: Int
) {
  for index in 0..<count { target[index] += values[index] * factor }
}

/// The sum of the products of `count` values: of eight sums, in an order that only `count` decides.
@inline(__always)
private func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
  var sums = SIMD8<Double>()
  var index = 0
  while index + 8 <= count {
    let left = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Double>.self)
    sums += left * UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Double>.self)
    index += 8
  }
  var sum = 0.0
  for lane in 0..<8 { sum += sums[lane] }
  while index < count {
    sum += a[index] * b[index]
    index += 1
  }
  return sum
}
