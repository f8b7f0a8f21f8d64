import ZooSystem

/// What a row or column of a resized image is made of: `weights.count` rows or columns of the input from `start`.
///
/// The image is resized along one axis and then along the other. The weights are those of TensorFlow's
/// `tf.image.resize`, in the 32-bit arithmetic that decides which pixels count.
package struct ResizeTaps: Sendable {
  package var start: Int
  package var weights: [Float]
}

extension Resize {
  /// Of row or column `index` of `output`, among the `input` ones; for interpolations that are not simple.
  package func taps(of index: Int, output: Int, input: Int) -> ResizeTaps {
    switch interpolation {
    case .area: areaTaps(of: index, output: output, input: input)
    case .adaptive: windowTaps(of: index, output: output, input: input)
    case .bicubic where !antialias: cubicTaps(of: index, output: output, input: input)
    default: kernelTaps(of: index, output: output, input: input)
    }
  }

  /// The taps of all rows or columns, of which each has as many; what is missing weighs nothing.
  package func allTaps(output: Int, input: Int) -> [ResizeTaps] {
    let taps = (0..<output).map { self.taps(of: $0, output: output, input: input) }
    let count = taps.reduce(1) { max($0, $1.weights.count) }
    return taps.map { tap in
      let start = min(tap.start, input - count)
      let before = [Float](repeating: 0, count: tap.start - start)
      let after = [Float](repeating: 0, count: count - before.count - tap.weights.count)
      return ResizeTaps(start: start, weights: before + tap.weights + after)
    }
  }

  /// How many taps a row or column has at most.
  package func tapCount(output: Int, input: Int) -> Int {
    (0..<output).reduce(1) { max($0, taps(of: $1, output: output, input: input).weights.count) }
  }

  /// By the part of each pixel that lies under that of the output.
  private func areaTaps(of index: Int, output: Int, input: Int) -> ResizeTaps {
    let scale = Float(input) / Float(output)
    let (first, last) = (Float(index) * scale, Float(index + 1) * scale)
    let start = min(Int(first), input - 1)
    let end = max(min(Int(last.rounded(.up)), input), start + 1)
    let weights = (start..<end).map { pixel in
      max(min(Float(pixel + 1), last) - max(Float(pixel), first), 0) / scale
    }
    return ResizeTaps(start: start, weights: weights)
  }

  /// All pixels that lie at least partly under that of the output, by the same weight.
  private func windowTaps(of index: Int, output: Int, input: Int) -> ResizeTaps {
    let start = index * input / output
    let count = ((index + 1) * input + output - 1) / output - start
    return ResizeTaps(start: start, weights: Array(repeating: 1 / Float(count), count: count))
  }

  /// Keys' cubic (1981) of four pixels, at one of 1024 places between two of them.
  private func cubicTaps(of index: Int, output: Int, input: Int) -> ResizeTaps {
    let scale = Float(input) / Float(output)
    let place = (Float(index) + 0.5) * scale - 0.5
    let below = place.rounded(.down)
    let steps: Float = 1024
    let fraction = ((place - below) * steps).rounded(.toNearestOrEven) / steps
    let kernel = Kernel.keysCubic
    let all = (-1...2).map { tap in
      (pixel: Int(below) + tap, weight: kernel.value(abs(Float(tap) - fraction)))
    }
    return normalized(all.filter { (0..<input).contains($0.pixel) })
  }

  private func kernelTaps(of index: Int, output: Int, input: Int) -> ResizeTaps {
    let kernel: Kernel =
      switch interpolation {
      case .lanczos3: .lanczos(3)
      case .lanczos5: .lanczos(5)
      case .gaussian: .gaussian
      case .mitchellcubic: .mitchellCubic
      case .bicubic: .keysCubic
      case .bilinear, .nearest, .area, .adaptive: .triangle
      }
    let inverse = 1 / (Float(output) / Float(input))
    let stretch = antialias ? max(inverse, 1) : 1
    let reach = kernel.radius * stretch
    let centre = (Float(index) + 0.5) * inverse
    let start = min(max(Int((centre - reach - 0.5).rounded(.up)), 0), input - 1)
    let end = min(max(Int((centre + reach - 0.5).rounded(.down)), 0), input - 1)
    let narrowing = 1 / stretch
    return normalized(
      (start...max(start, end)).map { pixel in
        (pixel, kernel.value(abs((Float(pixel) + 0.5 - centre) * narrowing)))
      })
  }

  /// The weights divided by their sum.
  private func normalized(_ taps: [(pixel: Int, weight: Float)]) -> ResizeTaps {
    let sum = taps.reduce(0) { $0 + $1.weight }
    let factor = abs(sum) >= 1000 * Float.leastNormalMagnitude ? 1 / sum : 0
    return ResizeTaps(start: taps.first?.pixel ?? 0, weights: taps.map { $0.weight * factor })
  }
}

/// How much a pixel counts at a distance.
private enum Kernel {
  case triangle
  case keysCubic
  case mitchellCubic
  case gaussian
  case lanczos(Float)

  var radius: Float {
    switch self {
    case .triangle: 1
    case .keysCubic, .mitchellCubic: 2
    case .gaussian: 1.5
    case .lanczos(let radius): radius
    }
  }

  func value(_ x: Float) -> Float {
    guard x < radius || x == radius && !isOpen else { return 0 }
    switch self {
    case .triangle: return 1 - x
    case .keysCubic: return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1
    case .mitchellCubic:
      return x >= 1
        ? ((-7.0 / 18 * x + 2) * x - 10.0 / 3) * x + 16.0 / 9 : (7.0 / 6 * x - 2) * x * x + 8.0 / 9
    case .gaussian: return Float(exp(-Double(x) * Double(x) / (2 * 0.5 * 0.5)))
    case .lanczos(let radius):
      guard x > 1e-3 else { return 1 }
      let angle = Double.pi * Double(x)
      return Float(Double(radius) * sin(angle) * sin(angle / Double(radius)) / (angle * angle))
    }
  }

  /// Whether the end itself does not count.
  private var isOpen: Bool {
    switch self {
    case .lanczos, .triangle: false
    case .keysCubic, .mitchellCubic, .gaussian: true
    }
  }
}
