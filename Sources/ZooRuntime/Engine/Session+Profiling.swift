import CZooKernels
import ZooSystem
import ZooTensor

extension Session {
  /// The median time of each step, in the order of ``Engine/steps``, over some runs of the first example.
  package func timeSteps(
    _ inputs: [Tensor], runs: Int = 15
  ) throws -> [(step: StepDescription, milliseconds: Double)] {
    guard try validate(inputs) > 0 else { return [] }
    var times = [[Duration]](repeating: [], count: engine.steps.count)
    want([])
    let workspace = try sharedWorkspace()
    try withPointers(to: inputs) { inputs in
      let arrays = try arrays(inputs, [], tails: 1, of: engine.shared)
      for _ in 0..<max(1, runs) {
        workspace.time(0, arrays, pool: pool) { times[$0].append($1) }
      }
    }
    return zip(engine.steps, times).map { step, samples in
      (step, samples.sorted()[samples.count / 2].seconds * 1e3)
    }
  }

  /// The most that this session's threads compute together in registers alone, in GFLOP/s: what its kernels
  /// are measured by. Takes some 50 ms.
  package func measurePeak() -> Double { engine.table.measurePeak(threads: engine.threads, pool: pool) }
}

extension Kernels {
  func measurePeak(threads: Int, pool: OpaquePointer?) -> Double {
    let kernels = table.pointee
    let units = threads * 8
    var sums = [Float](repeating: 0, count: units * vector)
    let turns = 20_000
    let operations = Double(units * turns * Int(kernels.peak_chains) * vector * 2)
    var best = Duration.seconds(1000)
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(50)
    sums.withUnsafeMutableBufferPointer { sums in
      var arguments = zoo_peak(output: sums.baseAddress, factor: 0.5, term: 0.5, turns: Int32(turns))
      repeat {
        best = min(best, clock.measure { zoo_pool_run(pool, kernels.peak, &arguments, Int32(units)) })
      } while clock.now < end
    }
    return operations / best.seconds * 1e-9
  }
}

extension Duration {
  fileprivate var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
