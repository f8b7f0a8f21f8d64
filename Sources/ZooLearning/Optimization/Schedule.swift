import ZooSystem

/// The rate of each step of a training, in units of weight per gradient, in Keras' conventions.
///
/// Steps count from 0. A schedule of a number of steps stays at its last rate afterwards.
public enum Schedule: Sendable, Hashable, Codable {
  /// The same rate for all steps.
  case constant(Double)
  /// From a rate down to the share `floor` of it along half a cosine (Loshchilov and Hutter, 2017), after
  /// warming up.
  case cosine(initial: Double, steps: Int, floor: Double = 0, warmUp: WarmUp? = nil)
  /// initial·factor^(step/steps); a staircase rounds the exponent down.
  case exponential(initial: Double, steps: Int, factor: Double, staircase: Bool = false)
  /// initial / (1 + factor·step/steps); a staircase rounds step/steps down.
  case inverseTime(initial: Double, steps: Int, factor: Double, staircase: Bool = false)
  /// (initial − final)·(1 − step/steps)^power + final.
  case polynomial(initial: Double, final: Double, steps: Int, power: Double = 1)
  /// One rate up to and with each boundary, in rising order, and one more after the last.
  case piecewise(boundaries: [Int], rates: [Double])
  /// Up to the peak and down again, as fastai does it.
  case oneCycle(OneCycle)

  /// Steps of a rising rate before a schedule begins.
  public struct WarmUp: Sendable, Hashable, Codable {
    /// The number of steps, which come before those of the schedule.
    public var steps: Int
    /// The rate of the first step.
    public var initial: Double

    /// Steps in which the rate rises evenly from `initial`.
    public init(steps: Int, initial: Double = 0) {
      self.steps = steps
      self.initial = initial
    }
  }

  /// A rate that rises to a peak and falls again, both along half a cosine, while momentum does the opposite
  /// (Smith, 2018). The defaults are those of fastai's `fit_one_cycle`.
  public struct OneCycle: Sendable, Hashable, Codable {
    /// The highest rate.
    public var peak: Double
    /// The number of steps of the cycle.
    public var steps: Int
    /// The share of steps in which the rate rises, above 0 and below 1.
    public var rise = 0.25
    /// What the peak is divided by for the first rate.
    public var startDivisor = 25.0
    /// What the peak is divided by for the rate at the end.
    public var endDivisor = 1e5
    /// Momentum, or β₁ of Adam, at the first step and at the end; nil leaves it as the optimizer has it.
    public var highMomentum: Double? = 0.95
    /// Momentum, or β₁ of Adam, at the peak.
    public var lowMomentum = 0.85

    /// A cycle with fastai's defaults.
    public init(peak: Double, steps: Int) {
      self.peak = peak
      self.steps = steps
    }
  }

  /// The rate of a step.
  public func rate(at step: Int) -> Double {
    switch self {
    case .constant(let rate): return rate
    case .cosine(let initial, let steps, let floor, let warmUp):
      let start = warmUp?.steps ?? 0
      if let warmUp, step < start {
        return (initial - warmUp.initial) * (Double(step) / Double(start)) + warmUp.initial
      }
      let share = Double(min(step - start, steps)) / Double(steps)
      return initial * ((1 - floor) * (0.5 * (1 + ZooLearning.cosine(.pi * share))) + floor)
    case .exponential(let initial, let steps, let factor, let staircase):
      return initial * power(factor, Self.share(step, steps, staircase))
    case .inverseTime(let initial, let steps, let factor, let staircase):
      return initial / (1 + factor * Self.share(step, steps, staircase))
    case .polynomial(let initial, let final, let steps, let exponent):
      let share = Double(min(step, steps)) / Double(steps)
      return (initial - final) * power(1 - share, exponent) + final
    case .piecewise(let boundaries, let rates):
      return rates[boundaries.firstIndex { step <= $0 } ?? boundaries.count]
    case .oneCycle(let cycle):
      return cycle.value(at: step, cycle.peak / cycle.startDivisor, cycle.peak, cycle.peak / cycle.endDivisor)
    }
  }

  /// The momentum of a step; nil leaves it as the optimizer has it.
  public func momentum(at step: Int) -> Double? {
    guard case .oneCycle(let cycle) = self else { return nil }
    return cycle.highMomentum.map { cycle.value(at: step, $0, cycle.lowMomentum, $0) }
  }

  private static func share(_ step: Int, _ steps: Int, _ staircase: Bool) -> Double {
    let share = Double(step) / Double(steps)
    return staircase ? share.rounded(.down) : share
  }

  /// Checks that every number is one that the formula can use.
  ///
  /// - Throws: ``ZooError`` of the code `invalidArgument`.
  package func check() throws(ZooError) {
    func refuse(_ why: String) -> ZooError {
      ZooError(.invalidArgument, what: "invalid schedule", at: "", why)
    }
    func checkRates(_ rates: Double...) throws(ZooError) {
      for rate in rates where !(rate >= 0 && rate.isFinite) {
        throw refuse("\(rate) is no rate of at least 0")
      }
    }
    func checkSteps(_ steps: Int) throws(ZooError) {
      guard steps > 0 else { throw refuse("it is of \(steps) steps") }
    }
    switch self {
    case .constant(let rate): try checkRates(rate)
    case .cosine(let initial, let steps, let floor, let warmUp):
      try checkRates(initial, warmUp?.initial ?? 0)
      try checkSteps(steps)
      guard (0...1).contains(floor) else { throw refuse("the floor is \(floor), not in 0...1") }
      if let warmUp { try checkSteps(warmUp.steps) }
    case .exponential(let initial, let steps, let factor, _),
      .inverseTime(let initial, let steps, let factor, _):
      try checkRates(initial, factor)
      try checkSteps(steps)
    case .polynomial(let initial, let final, let steps, let power):
      try checkRates(initial, final)
      try checkSteps(steps)
      guard power >= 0, power.isFinite else {
        throw refuse("the power is \(power), not a number of at least 0")
      }
    case .piecewise(let boundaries, let rates):
      for rate in rates { try checkRates(rate) }
      guard rates.count == boundaries.count + 1,
        zip(boundaries, boundaries.dropFirst()).allSatisfy({ $0 < $1 })
      else { throw refuse("\(rates.count) rates and the boundaries \(boundaries) don't fit together") }
    case .oneCycle(let cycle):
      try checkRates(cycle.peak)
      try checkSteps(cycle.steps)
      guard cycle.rise > 0, cycle.rise < 1 else {
        throw refuse("the rise is \(cycle.rise), not inside 0...1")
      }
      guard cycle.startDivisor >= 1, cycle.endDivisor >= 1 else { throw refuse("a divisor is below 1") }
      for momentum in [cycle.highMomentum ?? 0, cycle.lowMomentum] where !(0..<1).contains(momentum) {
        throw refuse("momentum is \(momentum), not at least 0 and below 1")
      }
    }
  }
}

extension Schedule.OneCycle {
  /// From a to b in the rise, then to c, along half cosines.
  fileprivate func value(at step: Int, _ a: Double, _ b: Double, _ c: Double) -> Double {
    let share = Double(min(step, steps)) / Double(steps)
    func along(_ from: Double, _ to: Double, _ share: Double) -> Double {
      from + (1 + cosine(.pi * (1 - share))) * (to - from) / 2
    }
    return share < rise ? along(a, b, share / rise) : along(b, c, (share - rise) / (1 - rise))
  }
}
