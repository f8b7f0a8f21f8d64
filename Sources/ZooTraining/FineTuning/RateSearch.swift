import ZooGraph
import ZooLearning
import ZooSystem

/// A test of rates (Smith, 2017): steps at rising rates, until the loss explodes.
public struct RateSearch: Sendable, Encodable {
  /// One step.
  public struct Step: Sendable, Encodable {
    /// The rate of the head.
    public let rate: Double
    /// The loss before the step.
    public let loss: Double
    /// The loss after the noise of single batches is taken out, as fastai does it.
    public let smoothed: Double
  }

  /// Which layers were trained, in words.
  public let stage: String
  /// In their order.
  public let steps: [Step]
  /// The rate to take: two thirds down the longest fall of the loss, fastai's "valley"; nil where the loss never falls.
  public let suggestion: Double?

  static let count = 100
  static let first = 1e-6
  static let last = 1.0

  init(stage: String, losses: [Double]) {
    self.stage = stage
    var mean = 0.0
    let kept = 0.9
    steps = losses.enumerated().map { index, loss in
      mean = kept * mean + (1 - kept) * loss
      var power = 1.0
      for _ in 0...index { power *= kept }
      return Step(rate: Self.rate(at: index), loss: loss, smoothed: mean / (1 - power))
    }
    suggestion = Self.valley(steps)
  }

  static func rate(at step: Int) -> Double {
    Schedule.exponential(initial: first, steps: count - 1, factor: last / first).rate(at: step)
  }

  /// The longest run of falling losses (the longest falling subsequence), and of it the place two thirds on.
  private static func valley(_ steps: [Step]) -> Double? {
    let values = steps.map(\.smoothed)
    guard values.count > 3 else { return nil }
    var lengths = [Int](repeating: 1, count: values.count)
    var starts = Array(values.indices)
    var (start, end) = (0, 0)
    for i in values.indices {
      for j in 0..<i where values[i] < values[j] && lengths[i] < lengths[j] + 1 {
        lengths[i] = lengths[j] + 1
        starts[i] = starts[j]
      }
      if lengths[i] > lengths[end] { (start, end) = (starts[i], i) }
    }
    guard end > start + 2 else { return nil }
    return steps[start + (end - start) / 3 * 2].rate
  }
}

extension FineTuner {
  /// Trains the first stage at rising rates, and forgets what it learned.
  func findRate(progress: (TuningProgress) -> Void) throws -> RateSearch {
    let stage = try network.groups.stages(configuration.layers)[0]
    let one = try StageTraining(
      stage, of: network, weights: network.weights, pictures: pictures, losses: losses,
      configuration: configuration, room: try room(for: stage), seed: seed, threads: threads)
    var losses: [Double] = []
    var smallest = Double.infinity
    let perEpoch = (training.count + configuration.batch - 1) / configuration.batch
    for step in 0..<RateSearch.count {
      try Cancellation.check()
      progress(
        TuningProgress(
          stage: "\(stage.name), rising rates", epoch: step / perEpoch + 1,
          epochs: (RateSearch.count + perEpoch - 1) / perEpoch, step: step, steps: RateSearch.count,
          trainingLoss: losses.last, validationLoss: nil))
      let epoch = step / perEpoch
      let order = order(run: 0, epoch: epoch)
      let place = step % perEpoch
      let range = place * order.count / perEpoch..<(place + 1) * order.count / perEpoch
      let loss: Double
      do {
        loss = try one.step(
          on: Array(order[range]), at: .init(run: 0, epoch: epoch, step: step),
          rate: RateSearch.rate(at: step), momentum: nil)
      } catch let error as ZooError where error.code == .cannotRun {
        // What is too high a rate is found out like this.
        break
      }
      losses.append(loss)
      smallest = min(smallest, loss)
      if loss > 4 * smallest, step > 10 { break }
    }
    return RateSearch(stage: stage.name, losses: losses)
  }
}
