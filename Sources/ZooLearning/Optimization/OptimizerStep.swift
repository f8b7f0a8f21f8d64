#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The numbers of one step that are the same for all weights of a variable.
struct StepTerms<Scalar: TrainingScalar> {
  /// The formula with its factors.
  enum Rule {
    /// w ← w − rate·g.
    case plain(rate: Scalar)
    /// m ← μm − scale·g; w ← w + share·m, or w ← w + share·(μm − scale·g).
    case momentum(Scalar, scale: Scalar, share: Scalar, nesterov: Bool)
    case rmsprop(RMSprop)
    /// m and v move to g and g² by their shares; w ← w − rate·m/(√v+ε).
    case adam(first: Scalar, second: Scalar, rate: Scalar, epsilon: Scalar)
  }

  /// v ← ρv + (1−ρ)g², a ← ρa + (1−ρ)g; the change is scale·g/(√(v−a²+inside)+outside).
  struct RMSprop {
    let decay, rest, inside, outside: Scalar
    /// Of the momentum of changes; 0 without.
    let momentum: Scalar
    let scale, share: Scalar
  }

  let rule: Rule
  /// The share of a weight that is taken away first.
  let decay: Scalar
  /// What gradients are multiplied by, and then limited to.
  let clippingFactor: Scalar?
  let clippingValue: Scalar?
  /// β of the running mean of weights.
  let averaging: Scalar

  init(
    _ optimizer: Optimizer, step: Int, rate: Double, momentum: Double?, isDecayed: Bool,
    clippingFactor: Double?
  ) {
    // PyTorch keeps momentum without the rate.
    let isKeras = optimizer.convention == .keras
    let (scale, share) = isKeras ? (Scalar(rate), 1) : (1, Scalar(rate))
    switch optimizer.rule {
    case .sgd(let own, let nesterov):
      rule =
        own > 0
        ? .momentum(Scalar(momentum ?? own), scale: scale, share: share, nesterov: nesterov)
        : .plain(rate: Scalar(rate))
    case .rmsprop(let decay, let own, let epsilon, _):
      rule = .rmsprop(
        RMSprop(
          decay: Scalar(decay), rest: Scalar(1 - decay), inside: isKeras ? Scalar(epsilon) : 0,
          outside: isKeras ? 0 : Scalar(epsilon), momentum: own > 0 ? Scalar(momentum ?? own) : 0,
          scale: scale, share: share))
    case .adam(let beta1, let beta2, let epsilon, _):
      let first = momentum ?? beta1
      let root = (1 - pow(beta2, Double(step))).squareRoot()
      rule = .adam(
        first: Scalar(1 - first), second: Scalar(1 - beta2),
        rate: Scalar(rate * root / (1 - pow(first, Double(step)))),
        // PyTorch adds ε to the corrected root.
        epsilon: Scalar(isKeras ? epsilon : epsilon * root))
    }
    decay = isDecayed ? Scalar(rate * optimizer.weightDecay) : 0
    self.clippingFactor = clippingFactor.map { Scalar($0) }
    if case .value(let limit) = optimizer.clipping {
      clippingValue = Scalar(limit)
    } else {
      clippingValue = nil
    }
    averaging = step == 1 ? 0 : Scalar(optimizer.averaging ?? 0)
  }
}

/// The buffers that a step reads and writes, all of the same layout.
struct StepMemory<Scalar: TrainingScalar> {
  let weights: UnsafeMutablePointer<Scalar>
  let momentum: UnsafeMutablePointer<Scalar>?
  let velocity: UnsafeMutablePointer<Scalar>?
  let averageGradient: UnsafeMutablePointer<Scalar>?
  let largestVelocity: UnsafeMutablePointer<Scalar>?
  let average: UnsafeMutablePointer<Scalar>?

  /// How many weights go through all loops of a step before the next ones do: what the first cache holds.
  private static var chunk: Int { 512 }

  /// Takes the step for some weights.
  ///
  /// - Parameter gradient: theirs alone.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func step(_ range: Range<Int>, gradient: UnsafePointer<Scalar>, _ terms: StepTerms<Scalar>) {
    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: 2 * Self.chunk) { scratch in
      guard let clipped = scratch.baseAddress else { return }
      let change = clipped + Self.chunk
      var start = range.lowerBound
      while start < range.upperBound {
        let count = min(Self.chunk, range.upperBound - start)
        let w = weights + start
        var g = gradient + (start - range.lowerBound)
        if terms.decay != 0 {
          let decay = terms.decay
          for i in 0..<count { w[i] -= w[i] * decay }
        }
        if let factor = terms.clippingFactor {
          for i in 0..<count { clipped[i] = g[i] * factor }
          g = UnsafePointer(clipped)
        } else if let limit = terms.clippingValue {
          // Comparisons leave what is no number as it is.
          for i in 0..<count {
            let low = g[i] < -limit ? -limit : g[i]
            clipped[i] = low > limit ? limit : low
          }
          g = UnsafePointer(clipped)
        }
        apply(terms.rule, w, g, change, start, count)
        if let average {
          let (e, share) = (average + start, terms.averaging)
          for i in 0..<count { e[i] = share * e[i] + (1 - share) * w[i] }
        }
        start += count
      }
    }
  }

  @inline(__always)
  private func apply(
    _ rule: StepTerms<Scalar>.Rule, _ w: UnsafeMutablePointer<Scalar>, _ g: UnsafePointer<Scalar>,
    _ change: UnsafeMutablePointer<Scalar>, _ start: Int, _ count: Int
  ) {
    switch rule {
    case .plain(let rate):
      for i in 0..<count { w[i] -= g[i] * rate }
    case .momentum(let mu, let scale, let share, let nesterov):
      guard let momentum else { return }
      let m = momentum + start
      for i in 0..<count { m[i] = m[i] * mu - g[i] * scale }
      if nesterov {
        for i in 0..<count { w[i] += share * (m[i] * mu - g[i] * scale) }
      } else {
        for i in 0..<count { w[i] += share * m[i] }
      }
    case .rmsprop(let terms): rmsprop(terms, w, g, change, start, count)
    case .adam(let first, let second, let rate, let epsilon):
      guard let momentum, let velocity else { return }
      let (m, v) = (momentum + start, velocity + start)
      for i in 0..<count { m[i] += (g[i] - m[i]) * first }
      for i in 0..<count { v[i] += (g[i] * g[i] - v[i]) * second }
      var squares = v
      if let largestVelocity {
        squares = largestVelocity + start
        for i in 0..<count { squares[i] = v[i] > squares[i] ? v[i] : squares[i] }
      }
      for i in 0..<count { w[i] -= m[i] * rate / (Scalar.root(squares[i]) + epsilon) }
    }
  }

  @inline(__always)
  private func rmsprop(
    _ terms: StepTerms<Scalar>.RMSprop, _ w: UnsafeMutablePointer<Scalar>, _ g: UnsafePointer<Scalar>,
    _ change: UnsafeMutablePointer<Scalar>, _ start: Int, _ count: Int
  ) {
    guard let velocity else { return }
    let v = velocity + start
    let (decay, rest, inside, outside) = (terms.decay, terms.rest, terms.inside, terms.outside)
    let (scale, share) = (terms.scale, terms.share)
    for i in 0..<count { v[i] = decay * v[i] + rest * (g[i] * g[i]) }
    if let averageGradient {
      let a = averageGradient + start
      for i in 0..<count { a[i] = decay * a[i] + rest * g[i] }
      for i in 0..<count { change[i] = v[i] - a[i] * a[i] + inside }
    } else {
      for i in 0..<count { change[i] = v[i] + inside }
    }
    for i in 0..<count { change[i] = scale * g[i] / (Scalar.root(change[i]) + outside) }
    if let momentum {
      let (m, mu) = (momentum + start, terms.momentum)
      for i in 0..<count { m[i] = mu * m[i] + change[i] }
      for i in 0..<count { w[i] -= share * m[i] }
    } else {
      for i in 0..<count { w[i] -= share * change[i] }
    }
  }
}
