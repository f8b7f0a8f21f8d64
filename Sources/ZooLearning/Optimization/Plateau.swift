import ZooSystem

/// Lowers the rate when a measure stops getting better, as Keras' `ReduceLROnPlateau` does.
public struct Plateau: Sendable, Hashable, Codable {
  /// What the rate is multiplied by each time.
  public var factor = 0.1
  /// How many epochs without a better measure it takes.
  public var patience = 10
  /// A measure is better only if it is so by more than this.
  public var leastChange = 1e-4
  /// Epochs after a change that don't count.
  public var cooldown = 0
  /// The rate below which it does not go.
  public var leastRate = 0.0
  /// Whether a higher measure is better, as of accuracy; a loss should be low.
  public var isHigherBetter = false

  /// Keras' defaults.
  public init() {}

  /// Checks that every number makes sense.
  ///
  /// - Throws: ``ZooError`` of the code `invalidArgument`.
  package func check() throws(ZooError) {
    guard factor > 0, factor < 1, patience >= 0, cooldown >= 0, leastChange >= 0, leastChange.isFinite,
      leastRate >= 0, leastRate.isFinite
    else {
      throw ZooError(
        .invalidArgument, what: "invalid plateau", at: "",
        "the factor must be between 0 and 1, and no other number below 0")
    }
  }
}

/// A ``Plateau`` at work.
package struct PlateauState: Sendable, Hashable, Codable {
  /// The best measure so far.
  package private(set) var best: Double?
  /// Epochs since the best measure or the last change.
  package private(set) var wait = 0
  /// Epochs that don't count yet.
  package private(set) var cooldown = 0

  package init() {}

  /// Takes in the measure of an epoch.
  ///
  /// - Returns: the rate to go on with.
  package mutating func update(_ measure: Double, rate: Double, _ plateau: Plateau) -> Double {
    if cooldown > 0 {
      cooldown -= 1
      wait = 0
    }
    let isBetter =
      best.map {
        plateau.isHigherBetter ? measure > $0 + plateau.leastChange : measure < $0 - plateau.leastChange
      } ?? !measure.isNaN
    if isBetter {
      best = measure
      wait = 0
      return rate
    }
    guard cooldown == 0 else { return rate }
    wait += 1
    guard wait >= plateau.patience, rate > plateau.leastRate else { return rate }
    cooldown = plateau.cooldown
    wait = 0
    return max(rate * plateau.factor, plateau.leastRate)
  }
}
