import ZooSystem

/// How a gradient changes weights.
///
/// The formulas are those of Keras 3 unless ``convention`` says otherwise. In them, w is a weight, g its
/// gradient after clipping, η the rate of the step, and t the step's number from 1.
public struct Optimizer: Sendable, Hashable, Codable {
  /// The formula of a step.
  public enum Rule: Sendable, Hashable, Codable {
    /// m ← μm − ηg, then w ← w + m, or w ← w + μm − ηg with Nesterov's look ahead (Sutskever et al., 2013).
    case sgd(momentum: Double, nesterov: Bool)
    /// v ← ρv + (1−ρ)g², then w ← w − ηg/√(v+ε), with ρ the decay (Hinton, 2012).
    ///
    /// Centered subtracts the square of the mean gradient from v. Momentum sums up the changes as `sgd` does.
    case rmsprop(decay: Double, momentum: Double, epsilon: Double, centered: Bool)
    /// m ← m + (g−m)(1−β₁), v ← v + (g²−v)(1−β₂), then w ← w − η·√(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v+ε) (Kingma and Ba,
    /// 2015).
    ///
    /// AMSGrad (Reddi et al., 2018) divides by the root of the largest v so far.
    case adam(beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool)
  }

  /// Whose formulas are used where frameworks differ.
  public enum Convention: String, Sendable, Hashable, Codable {
    /// Those of Keras 3.
    case keras
    /// Those of PyTorch: momentum is kept without the rate, ε of RMSprop is outside of the root, ε of Adam is
    /// scaled with the corrected root, and norms to clip by have 10⁻⁶ added.
    case pytorch
  }

  /// The formula of a step.
  public var rule: Rule
  /// The share of a weight, times the rate, that each step takes away before it applies the gradient: λ in
  /// w ← w − ηλw (Loshchilov and Hutter, 2019). 0 leaves weights alone.
  public var weightDecay: Double
  /// Whether weight decay applies to vectors too: biases, and the scales and shifts of normalizations.
  public var decaysVectors: Bool
  /// How large gradients are limited; nil leaves them alone.
  public var clipping: GradientClipping?
  /// β of the running mean of the weights, e ← βe + (1−β)w after each step; nil keeps no mean.
  public var averaging: Double?
  /// Whose formulas are used where frameworks differ.
  public var convention: Convention

  /// An optimizer of this rule.
  public init(
    _ rule: Rule, weightDecay: Double = 0, decaysVectors: Bool = false, clipping: GradientClipping? = nil,
    averaging: Double? = nil, convention: Convention = .keras
  ) {
    self.rule = rule
    self.weightDecay = weightDecay
    self.decaysVectors = decaysVectors
    self.clipping = clipping
    self.averaging = averaging
    self.convention = convention
  }

  /// Stochastic gradient descent.
  public static func sgd(momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0) -> Optimizer {
    Optimizer(.sgd(momentum: momentum, nesterov: nesterov), weightDecay: weightDecay)
  }

  /// RMSprop.
  public static func rmsprop(
    decay: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7, centered: Bool = false
  ) -> Optimizer {
    Optimizer(.rmsprop(decay: decay, momentum: momentum, epsilon: epsilon, centered: centered))
  }

  /// Adam without weight decay.
  public static func adam(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false
  ) -> Optimizer {
    Optimizer(.adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad))
  }

  /// Adam with decoupled weight decay.
  public static func adamW(
    weightDecay: Double = 0.004, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7
  ) -> Optimizer {
    Optimizer(
      .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: false), weightDecay: weightDecay)
  }

  /// Checks that every number is one that the formulas can use.
  ///
  /// - Throws: ``ZooError`` of the code `invalidArgument`.
  package func check() throws(ZooError) {
    func refuse(_ why: String) -> ZooError {
      ZooError(.invalidArgument, what: "invalid optimizer", at: "", why)
    }
    func checkShare(_ name: String, _ value: Double) throws(ZooError) {
      guard (0..<1).contains(value) else { throw refuse("\(name) is \(value), not at least 0 and below 1") }
    }
    func checkEpsilon(_ value: Double) throws(ZooError) {
      guard value >= 0, value.isFinite else {
        throw refuse("epsilon is \(value), not a number of at least 0")
      }
    }
    switch rule {
    case .sgd(let momentum, _): try checkShare("momentum", momentum)
    case .rmsprop(let decay, let momentum, let epsilon, _):
      try checkShare("the decay of RMSprop", decay)
      try checkShare("momentum", momentum)
      try checkEpsilon(epsilon)
    case .adam(let beta1, let beta2, let epsilon, _):
      try checkShare("beta1", beta1)
      try checkShare("beta2", beta2)
      try checkEpsilon(epsilon)
    }
    guard weightDecay >= 0, weightDecay.isFinite else {
      throw refuse("the weight decay is \(weightDecay), not a number of at least 0")
    }
    if let averaging { try checkShare("the share of the average", averaging) }
    if let clipping, !(clipping.limit > 0) {
      throw refuse("gradients are clipped at \(clipping.limit), which is not above 0")
    }
  }
}
