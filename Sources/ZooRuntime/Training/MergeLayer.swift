import CZooKernels
import ZooGraph

/// Two or more values, value by value, with the rectifier after it. An input may have one vector for all pixels
/// of an example.
struct MergeLayer: TrainingLayer {
  let name: String
  var links: TrainingLinks
  let merge: Merge
  /// Which inputs have one vector for all pixels.
  let repeats: [Bool]
  let (lo, hi): (Float, Float)
  /// The place of the sums of an example's gradients over its pixels.
  let sums: Int
  /// A norm by itself whose output is one of two inputs of a sum, and is computed here.
  let deferred: NormLayer?

  var keepsInputs: Bool { [.multiply, .maximum, .minimum].contains(merge) }
  var passesGradient: Bool { merge == .add }
  var isCheap: Bool { merge == .add }
  var forwardReads: [Int] {
    links.inputs.map { input in
      if let deferred, deferred.links.output.buffer == input.buffer { return deferred.links.inputs[0].buffer }
      return input.buffer
    }
  }

  private var output: TrainingPlace { links.output }

  func backwardScratch(part: Int) -> Int {
    guard keepsInputs || repeats.contains(true) else { return 0 }
    return part * (output.floats + output.channels) + 32
  }

  /// One vector for all pixels, or as many as the output has.
  private struct Operand {
    let values: UnsafePointer<Float>
    let repeats: Bool
  }

  private func operand(_ index: Int, _ run: TrainingRun) -> Operand {
    Operand(values: run.values(links.inputs[index]), repeats: repeats[index])
  }

  /// Calls a kernel for all examples at once, or for each where a vector is repeated.
  private func combine(
    _ kernel: zoo_kernel_id, _ a: Operand, _ b: Operand, to output: UnsafeMutablePointer<Float>,
    _ run: TrainingRun, _ bounds: (lo: Float, hi: Float) = (-.infinity, .infinity)
  ) {
    let place = self.output
    var arguments = zoo_elementwise()
    (arguments.a, arguments.b, arguments.output) = (a.values, b.values, output)
    arguments.a_pixel = a.repeats ? 0 : place.channels
    arguments.b_pixel = b.repeats ? 0 : place.channels
    arguments.out_pixel = place.channels
    arguments.channels = Int32(place.channels)
    arguments.factor = 1 / Float(links.inputs.count)
    (arguments.lo, arguments.hi) = bounds
    guard a.repeats || b.repeats else {
      return run.call(kernel, arguments, units: run.count * place.pixels)
    }
    for _ in 0..<run.count {
      run.call(kernel, arguments, units: place.pixels)
      arguments.a += a.repeats ? place.channels : place.floats
      arguments.b += b.repeats ? place.channels : place.floats
      arguments.output += place.floats
    }
  }

  func forward(_ run: TrainingRun) {
    if let deferred {
      let other = links.inputs.first { $0.buffer != deferred.links.output.buffer }
      return deferred.apply(run, to: output, adding: other, (lo, hi))
    }
    let kernel: zoo_kernel_id =
      switch merge {
      case .add, .average: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .maximum: .maximum
      case .minimum: .minimum
      }
    let result = run.values(output)
    var left = operand(0, run)
    for index in links.inputs.indices.dropFirst() {
      let isLast = index == links.inputs.count - 1
      let isMean = isLast && merge == .average
      combine(
        isMean ? .average : kernel, left, operand(index, run), to: result, run,
        isLast ? (lo, hi) : (-.infinity, .infinity))
      left = Operand(values: result, repeats: false)
    }
  }

  func backward(_ run: TrainingRun) {
    guard let gradient = links.outputGradient else { return }
    let slopes = UnsafePointer(run.values[gradient])
    for (own, target) in links.inputGradients.enumerated() {
      guard let target else { continue }
      switch merge {
      case .add: contribute(slopes, factor: 1, own, to: target, run)
      case .subtract: contribute(slopes, factor: own == 0 ? 1 : -1, own, to: target, run)
      case .average:
        contribute(slopes, factor: 1 / Float(links.inputs.count), own, to: target, run)
      case .multiply:
        if repeats[own], links.inputs.count == 2, !repeats[1 - own] {
          contribute(slopes, times: operand(1 - own, run).values, factor: 1, own, to: target, run)
        } else {
          var part = slopes
          for other in links.inputs.indices where other != own {
            combine(
              .multiply, Operand(values: part, repeats: false), operand(other, run), to: run.scratch, run)
            part = UnsafePointer(run.scratch)
          }
          contribute(part, factor: 1, own, to: target, run)
        }
      case .maximum, .minimum:
        choose(slopes, own, run)
        contribute(run.scratch, factor: 1, own, to: target, run)
      }
    }
  }

  /// Contributes to an input's gradient, of a repeated one the sum over pixels.
  ///
  /// - Parameter factors: what values are multiplied by before they are added up.
  private func contribute(
    _ part: UnsafePointer<Float>, times factors: UnsafePointer<Float>? = nil, factor: Float, _ own: Int,
    to target: GradientTarget, _ run: TrainingRun
  ) {
    let channels = output.channels
    guard repeats[own] else {
      return run.contribute(
        part, pixel: channels, example: output.floats, factor: factor, to: target, links.inputs[own])
    }
    let sums = run.sums + self.sums
    let vectors = run.scratch + run.count * output.floats
    for example in 0..<run.count {
      let first = example * output.floats
      run.addSums(
        of: part + first, times: factors.map { $0 + first }, pixels: output.pixels, channels: channels,
        to: sums, afresh: true)
      let source = factors == nil ? sums : sums + channels
      for c in 0..<channels { vectors[example * channels + c] = Float(source[c]) }
    }
    run.contribute(
      vectors, pixel: channels, example: channels, factor: factor, to: target, links.inputs[own])
  }

  /// Leaves in the scratch memory what an input gets of each slope; of several equal maxima or minima the first
  /// gets all.
  private func choose(_ slopes: UnsafePointer<Float>, _ own: Int, _ run: TrainingRun) {
    let channels = output.channels
    let operands = links.inputs.indices.map { operand($0, run) }
    run.share(run.count * output.pixels) { pixel in
      let example = pixel / output.pixels
      for c in 0..<channels {
        func value(_ input: Int) -> Float {
          operands[input].values[(operands[input].repeats ? example : pixel) * channels + c]
        }
        var best = 0
        for other in operands.indices.dropFirst()
        where merge == .maximum ? value(other) > value(best) : value(other) < value(best) { best = other }
        run.scratch[pixel * channels + c] = own == best ? slopes[pixel * channels + c] : 0
      }
    }
  }
}
