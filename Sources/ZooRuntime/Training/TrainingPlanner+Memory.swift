// Where values and gradients lie.

extension TrainingPlanner {
  /// Gives each buffer its place.
  ///
  /// - Parameters:
  ///   - reads: the steps of the backward pass in which values are read.
  ///   - kept: a buffer that stays as it is.
  /// - Returns: the memory's size in floats, and what is computed again, by the layer before whose step backward it is.
  mutating func layOut(
    _ reads: [Int: ClosedRange<Int>], keeping kept: Int
  ) -> (floats: Int, repeats: [Int: [Repeat]]) {
    let unplaced = buffers
    let size = layOut(reads, [])
    guard size > options.valueBytes / MemoryLayout<Float>.size else { return (size, [:]) }
    let placed = buffers
    buffers = unplaced
    let cheap = cheapLayers(reads, keeping: kept)
    var repeats: [Int: [Repeat]] = [:]
    for layer in cheap {
      let buffer = layers[layer].links.output.buffer
      guard let steps = reads[buffer] else { continue }
      var later = Buffer(floats: buffers[buffer].floats)
      later.touch(steps.lowerBound)
      later.touch(steps.upperBound)
      buffers.append(later)
      repeats[2 * layers.count - steps.lowerBound, default: []].append(
        Repeat(layer: layer, buffer: buffer, later: buffers.count - 1))
    }
    let repeated = Set(cheap.map { layers[$0].links.output.buffer })
    let smaller = layOut(reads, repeated)
    guard smaller < size else {
      buffers = placed
      return (size, [:])
    }
    return (smaller, repeats)
  }

  /// Keeps values until they are read backward, but for those that are computed again.
  private mutating func layOut(_ reads: [Int: ClosedRange<Int>], _ repeated: Set<Int>) -> Int {
    for (buffer, steps) in reads where !repeated.contains(buffer) { buffers[buffer].touch(steps.upperBound) }
    return ZooRuntime.layOut(
      &buffers, buffers.indices.filter { buffers[$0].input == nil && buffers[$0].steps != nil })
  }

  /// The layers whose outputs can be computed again right before they are first read backward: in next to no time, from
  /// values that are kept until then.
  private func cheapLayers(_ reads: [Int: ClosedRange<Int>], keeping kept: Int) -> [Int] {
    var repeated: Set<Int> = [kept]
    return layers.indices.filter { index in
      let layer = layers[index]
      let buffer = layer.links.output.buffer
      guard layer.isCheap, let steps = reads[buffer], buffers[buffer].input == nil, !repeated.contains(buffer)
      else { return false }
      let isReady = layer.forwardReads.allSatisfy { input in
        guard !repeated.contains(input) else { return false }
        return buffers[input].input != nil || (reads[input]?.upperBound ?? 0) >= steps.lowerBound
      }
      if isReady { repeated.insert(buffer) }
      return isReady
    }
  }
}
