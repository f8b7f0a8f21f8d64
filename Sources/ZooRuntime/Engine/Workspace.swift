import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

/// The memory in which a plan is run on one image at a time.
final class Workspace {
  let plan: Plan
  private let kernels: UnsafePointer<zoo_kernels>
  private let arena: FloatArena
  private let streamed: StreamedWeights?
  /// Where each buffer of the plan begins, for the image last chosen.
  private var bases: [UnsafeMutablePointer<Float>]
  /// Buffers that lie elsewhere for each image.
  private let moving: [Int]
  /// What is copied out of each step's results, and before the first step.
  private let captures: [[Capture]]
  private let given: [Capture]

  /// A value that the caller wants.
  private struct Capture {
    let place: Place
    /// Which of the caller's outputs it is.
    let output: Int
  }

  /// The caller's memory.
  struct Arrays {
    /// Of each of the graph's inputs, for all images; nothing is written there.
    let inputs: [UnsafeMutablePointer<Float>]
    /// Of each of the wanted values, for all images.
    let outputs: [UnsafeMutablePointer<Float>]
    /// The first of the tails, one behind the other.
    let tails: UnsafeMutablePointer<Float>
  }

  /// - Parameters:
  ///   - wanted: the values to copy out.
  ///   - streaming: packs weights as they are needed.
  init(_ plan: Plan, kernels: Kernels, wanted: [Value], streaming: WeightPacker?) throws(ZooError) {
    self.plan = plan
    self.kernels = kernels.table
    // A kernel's vector may reach past the last value.
    arena = try FloatArena(floats: plan.arenaFloats + 64, for: "the activations")
    streamed = try streaming.map { packer throws(ZooError) in try StreamedWeights(for: plan, by: packer) }
    let base = arena.base
    bases = plan.buffers.map { base + ($0.isInTail ? 0 : $0.arenaOffset) }
    moving = plan.buffers.indices.filter { plan.buffers[$0].isInTail || plan.buffers[$0].input != nil }
    func captures(of produced: [Value]) -> [Capture] {
      produced.flatMap { value in
        wanted.indices.filter { wanted[$0] == value }.compactMap { output in
          plan.places[value].map { Capture(place: $0, output: output) }
        }
      }
    }
    given = captures(of: plan.given)
    self.captures = plan.steps.map { captures(of: $0.produced) }
  }

  /// The memory that it holds for activations.
  var activationBytes: Int { arena.byteCount }

  /// Why weights could not be had; the steps after that did nothing.
  var failure: (any Error)? { streamed?.failure }

  /// Runs the steps before the tail on one image.
  ///
  /// - Parameter tail: which of the tails the image gets.
  func runHead(_ image: Int, tail: Int, _ arrays: Arrays, pool: OpaquePointer?) {
    choose(image, tail: tail, arrays)
    copy(given, image, arrays)
    for index in 0..<plan.tailStart {
      run(plan.steps[index], pool)
      copy(captures[index], image, arrays)
    }
  }

  /// Runs the tail on images whose heads have been run, the first of them with the first tail.
  func runTail(_ images: Range<Int>, _ arrays: Arrays, pool: OpaquePointer?, threads: Int) {
    for index in plan.tailStart..<plan.steps.count {
      if let step = plan.steps[index].forRows(images.count, threads: threads, stride: stride(of:)) {
        choose(images.lowerBound, tail: 0, arrays)
        run(step, pool)
      } else {
        for (tail, image) in images.enumerated() {
          choose(image, tail: tail, arrays)
          run(plan.steps[index], pool)
        }
      }
      guard !captures[index].isEmpty else { continue }
      for (tail, image) in images.enumerated() {
        choose(image, tail: tail, arrays)
        copy(captures[index], image, arrays)
      }
    }
  }

  /// Runs step after step on one image and tells the time of each.
  func time(
    _ image: Int, _ arrays: Arrays, pool: OpaquePointer?, _ note: (_ step: Int, Duration) -> Void
  ) {
    let clock = ContinuousClock()
    choose(image, tail: 0, arrays)
    for (index, step) in plan.steps.enumerated() {
      note(index, clock.measure { run(step, pool) })
    }
  }

  @inline(__always)
  private func run(_ step: Step, _ pool: OpaquePointer?) {
    guard let streamed else { return run(ready: step, pool) }
    streamed.withWeights(of: step) { run(ready: $0, pool) }
  }

  @inline(__always)
  private func run(ready step: Step, _ pool: OpaquePointer?) {
    bases.withUnsafeBufferPointer { bases in
      step.run(with: kernels, pool: pool) {
        (UnsafeMutableRawPointer(bases[$0.buffer]) + $0.offset * $0.bytes).assumingMemoryBound(to: Float.self)
      }
    }
  }

  private func choose(_ image: Int, tail: Int, _ arrays: Arrays) {
    for index in moving {
      let buffer = plan.buffers[index]
      if let input = buffer.input {
        bases[index] = arrays.inputs[input] + image * buffer.floats
      } else {
        bases[index] = arrays.tails + tail * plan.tailFloats + buffer.arenaOffset
      }
    }
  }

  /// Floats from a buffer of the tail or an input to that of the next image.
  private func stride(of place: Place) -> Int {
    let buffer = plan.buffers[place.buffer]
    return buffer.input == nil ? plan.tailFloats : buffer.floats
  }

  private func copy(_ captures: [Capture], _ image: Int, _ arrays: Arrays) {
    for capture in captures {
      let place = capture.place
      let source = bases[place.buffer] + place.offset
      let target = arrays.outputs[capture.output] + image * place.pixels * place.channels
      for pixel in 0..<place.pixels {
        (target + pixel * place.channels).update(from: source + pixel * place.pixel, count: place.channels)
      }
    }
  }
}
