/// What the rate of each group of layers is multiplied by, from the input's group to the head.
package enum RateFactors {
  /// The head's factor is 1, and each group before it has the next one's divided by `divisor`: 2.6 in ULMFiT
  /// (Howard and Ruder, 2018).
  package static func falling(by divisor: Double, groups: Int) -> [Double] {
    (0..<groups).map { power(divisor, -Double(groups - 1 - $0)) }
  }

  /// Evenly spread ratios from `first` at the first group to 1 at the head, as fastai spreads a slice of
  /// rates.
  package static func spread(from first: Double, groups: Int) -> [Double] {
    (0..<groups).map { groups > 1 ? power(first, 1 - Double($0) / Double(groups - 1)) : 1 }
  }
}
