import ZooSystem

/// What training makes small: a mean over the examples of a batch, in Keras' conventions.
///
/// Losses of classes and labels take logits, the values before softmax or sigmoid. All logarithms are
/// natural. Label smoothing s makes y(1−s) + s/K of a target of K classes, and y(1−s) + s/2 of a label.
public enum Loss: Sendable, Hashable, Codable {
  /// −Σ y·ln softmax(z) over exclusive classes.
  case softmaxCrossEntropy(smoothing: Double = 0)
  /// −y·ln p − (1−y)·ln(1−p) with p = sigmoid(z), the mean over labels that don't exclude each other.
  case binaryCrossEntropy(smoothing: Double = 0)
  /// −α Σ (1−p)^γ·y·ln p with p = softmax(z) (Lin et al., 2017).
  case categoricalFocal(alpha: Double = 0.25, gamma: Double = 2, smoothing: Double = 0)
  /// Binary cross-entropy times (1−q)^γ, where q is the probability of the target.
  ///
  /// With α, a yes counts α and a no 1−α.
  case binaryFocal(gamma: Double = 2, alpha: Double? = nil, smoothing: Double = 0)
  /// (z−y)², the mean over an example's numbers.
  case meanSquaredError
  /// |z−y|, the mean over an example's numbers.
  case meanAbsoluteError
  /// ½(z−y)² up to a distance of δ, then δ|z−y| − ½δ²; the mean over an example's numbers (Huber, 1964).
  case huber(delta: Double = 1)

  /// Whether an example has exactly one of several classes.
  package var isOfClasses: Bool {
    switch self {
    case .softmaxCrossEntropy, .categoricalFocal: true
    default: false
    }
  }

  /// Checks that every number is one that the formula can use.
  ///
  /// - Throws: ``ZooError`` of the code `invalidArgument`.
  package func check() throws(ZooError) {
    func refuse(_ why: String) -> ZooError { ZooError(.invalidArgument, what: "invalid loss", at: "", why) }
    func checkSmoothing(_ smoothing: Double) throws(ZooError) {
      guard (0...1).contains(smoothing) else { throw refuse("label smoothing is \(smoothing), not in 0...1") }
    }
    func checkGamma(_ gamma: Double) throws(ZooError) {
      guard gamma >= 0, gamma.isFinite else { throw refuse("gamma is \(gamma), not a number of at least 0") }
    }
    switch self {
    case .softmaxCrossEntropy(let smoothing), .binaryCrossEntropy(let smoothing):
      try checkSmoothing(smoothing)
    case .categoricalFocal(let alpha, let gamma, let smoothing):
      guard alpha > 0, alpha.isFinite else { throw refuse("alpha is \(alpha), not above 0") }
      try checkGamma(gamma)
      try checkSmoothing(smoothing)
    case .binaryFocal(let gamma, let alpha, let smoothing):
      if let alpha, !(0...1).contains(alpha) { throw refuse("alpha is \(alpha), not in 0...1") }
      try checkGamma(gamma)
      try checkSmoothing(smoothing)
    case .meanSquaredError, .meanAbsoluteError: break
    case .huber(let delta):
      guard delta > 0, delta.isFinite else { throw refuse("delta is \(delta), not above 0") }
    }
  }
}
