import CZooKernels
import ZooTensor

/// Which value of an input each value of an output is a copy of.
struct AxisMap: Sendable {
  /// Of the output.
  let extents: [Int]
  /// In values of the input; 0 where one is repeated along an axis.
  let strides: [Int]

  /// - Parameter order: axis i of the output is axis `order[i]` of the input.
  init(permuting input: Shape, order: [Int]) {
    let strides = AxisMap.strides(of: input.dimensions)
    extents = order.map { input.dimensions[$0] }
    self.strides = order.map { strides[$0] }
  }

  /// Repeats what has an extent of 1, or misses the first axes.
  init(repeating input: Shape, to output: Shape) {
    extents = output.dimensions
    let missing = [Int](repeating: 0, count: output.rank - input.rank)
    strides =
      missing + zip(input.dimensions, AxisMap.strides(of: input.dimensions)).map { $0 == 1 ? 0 : $1 }
  }

  private static func strides(of extents: [Int]) -> [Int] {
    var strides: [Int] = []
    var stride = 1
    for extent in extents.reversed() {
      strides.append(stride)
      stride *= extent
    }
    return strides.reversed()
  }

  func source(of index: Int) -> Int {
    var (rest, source) = (index, 0)
    for axis in extents.indices.reversed() {
      source += rest % extents[axis] * strides[axis]
      rest /= extents[axis]
    }
    return source
  }
}

/// Values at other places: axes in another order, or an input that is repeated along some.
struct StridedLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let map: AxisMap

  func forward(_ run: TrainingRun) {
    var arguments = zoo_strided()
    let channels = map.extents.last ?? 1
    arguments.out_pixel = channels
    arguments.channels = Int32(channels)
    arguments.channel_stride = map.strides.last ?? 0
    let axes = max(0, map.extents.count - 1)
    arguments.axes = Int32(axes)
    withUnsafeMutableBytes(of: &arguments.extents) { bytes in
      let target = bytes.assumingMemoryBound(to: Int32.self)
      for axis in 0..<axes { target[axis] = Int32(map.extents[axis]) }
    }
    withUnsafeMutableBytes(of: &arguments.strides) { bytes in
      let target = bytes.assumingMemoryBound(to: Int.self)
      for axis in 0..<axes { target[axis] = map.strides[axis] }
    }
    for example in 0..<run.count {
      arguments.input = UnsafePointer(run.values(links.inputs[0], example))
      arguments.output = run.values(links.output, example)
      run.call(.copy_strided, arguments, units: links.output.floats / channels)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient, let target = links.inputGradients[0] else { return }
    let (input, output) = (links.inputs[0], links.output)
    let channels = map.extents.last ?? 1
    let stride = map.strides.last ?? 0
    run.share(run.count) { example in
      let sums = run.scratch + example * input.floats
      let slopes = run.values[gradient] + example * output.floats
      sums.update(repeating: 0, count: input.floats)
      for first in Swift.stride(from: 0, to: output.floats, by: channels) {
        let source = sums + map.source(of: first)
        for c in 0..<channels { source[c * stride] += slopes[first + c] }
      }
    }
    run.contribute(run.scratch, pixel: input.channels, example: input.floats, to: target, input)
  }
}
