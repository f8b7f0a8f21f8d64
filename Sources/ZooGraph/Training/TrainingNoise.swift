/// What a layer does to values in training, and not at inference.
package struct TrainingNoise: Sendable, Hashable {
  /// How values are changed; r is the amount.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Each value is 0 with the probability r, and else divided by 1−r.
    case dropout
    /// The same for all values of a channel (the last axis) at once.
    case spatialDropout = "spatial_dropout"
    /// The same for a whole example at once.
    case stochasticDepth = "stochastic_depth"
    /// Each value is multiplied by a normal number of the mean 1 and the variance r/(1−r).
    case gaussianDropout = "gaussian_dropout"
    /// A normal number of the mean 0 and the deviation r is added to each value.
    case gaussianNoise = "gaussian_noise"
    /// Each value is −1.7580993408473766 with the probability r; all are then scaled and shifted so that
    /// values of the mean 0 and the variance 1 keep both (Klambauer et al., 2017).
    case alphaDropout = "alpha_dropout"
  }

  package var kind: Kind
  /// A probability, or the deviation of ``Kind/gaussianNoise`` in units of the values.
  package var amount: Double

  package init(_ kind: Kind, _ amount: Double) {
    self.kind = kind
    self.amount = amount
  }

  /// Whether the amount is one that the kind can have; 0 would do nothing.
  package var isValid: Bool {
    switch kind {
    case .dropout, .spatialDropout, .stochasticDepth: amount > 0 && amount <= 1
    case .gaussianDropout, .alphaDropout: amount > 0 && amount < 1
    case .gaussianNoise: amount > 0 && amount.isFinite
    }
  }
}
