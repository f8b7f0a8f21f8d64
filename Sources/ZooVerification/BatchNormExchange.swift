import ZooSystem

/// Two batch-norm layers of one shape whose tensors have changed places.
///
/// Each of the two layers' tensors then fit the other layer, and clearly better than their own:
/// - the stored means deviate less from the means of what reaches the other layer;
/// - the stored variances correlate more, over the channels, with the variances of what reaches the other
///   layer. Not their deviations are compared, because images of more or less contrast scale all variances;
/// - the gammas and betas predict what the layer behind the other one has stored (``BatchNormPrediction``).
///
/// That is not enough: on images unlike the training data no layer's own tensors fit, and those of some other
/// layer, small ones for example, often do less badly. So they have to fit channel by channel as well, better
/// than they do with their channels shuffled. See ``ExchangeSearch``.
///
/// A layer is compared with itself alone, so none of this needs the images to match the training data well:
/// exchanges show between layers that are much alike, and in the first layers. What was exchanged may also
/// be the weights in front of the two layers, where it is their statistics that have changed places.
package struct BatchNormExchange: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case means = "moving means"
    case variances = "moving variances"
    case gammas, betas
    case gammasAndBetas = "gammas and betas"

    /// Whether it is a statistic of what reaches the layer, and not a parameter.
    var isStored: Bool { self == .means || self == .variances }
  }

  package let kind: Kind
  /// The layers in the order of the network.
  package let first: String
  package let second: String

  package init(kind: Kind, first: String, second: String) {
    self.kind = kind
    self.first = first
    self.second = second
  }

  /// The clearest exchange among the layers, if there is one.
  static func find(
    in layers: [BatchNormStatistics], images: BatchNormTestimony.Images
  ) -> BatchNormExchange? {
    ExchangeSearch(layers, images: images).exchange()
  }

  /// The standard deviations beyond which chance goes in one of `hypotheses` trials with a probability of at
  /// most ``Tolerances/falseExchanges``.
  package static func bar(hypotheses: Int) -> Double {
    (2 * log(Double(max(1, hypotheses)) / (2 * Tolerances.falseExchanges))).squareRoot()
  }
}
