import ZooTensor

/// Splits examples so that every class has its share in each part and no group of duplicates is on both sides.
///
/// An example is known by its key, for example a hash of its content: what it is split into depends on keys, strata,
/// groups and the seed alone, never on the order in which examples are listed.
package enum DataSplit {
  /// Holds back a share of the examples, of each stratum as near to `share` as its groups allow.
  ///
  /// Every stratum keeps an example. One with at least two groups has an example held, unless that would take from
  /// another stratum its last one.
  ///
  /// - Parameters:
  ///   - strata: the class of each example, from 0; any number that is to be spread evenly.
  ///   - groups: which examples belong together.
  ///   - keys: a stable key of each example.
  ///   - share: above 0 and below 1.
  ///   - seed: another seed gives another split.
  /// - Returns: the indices of both parts, ascending.
  package static func holdout(
    strata: [Int], groups: [Int], keys: [UInt64], share: Double, seed: UInt64
  ) -> (kept: [Int], held: [Int]) {
    precondition(share > 0 && share < 1, "a share between 0 and 1")
    let units = Unit.all(strata: strata, groups: groups, keys: keys, seed: seed, purpose: .holdout)
    var left: [Int: (examples: Int, groups: Int)] = [:]
    for unit in units {
      for (stratum, count) in unit.counts { left[stratum, default: (0, 0)].examples += count }
      for (stratum, _) in unit.counts { left[stratum, default: (0, 0)].groups += 1 }
    }
    // What is still to be held of each stratum; below 0 where it is too much.
    var due = left.mapValues { $0.groups > 1 ? max(1, Int((Double($0.examples) * share).rounded())) : 0 }
    let groupCount = left.mapValues(\.groups)
    var kept = groupCount
    var isHeld = [Bool](repeating: false, count: units.count)

    func canHold(_ unit: Unit) -> Bool { unit.counts.allSatisfy { kept[$0.stratum, default: 0] > 1 } }
    func hold(_ index: Int) {
      isHeld[index] = true
      for (stratum, count) in units[index].counts {
        due[stratum, default: 0] -= count
        kept[stratum, default: 0] -= 1
      }
    }

    // First what fits, then what brings the sum of squared deviations down.
    for (index, unit) in units.enumerated()
    where canHold(unit) && unit.counts.allSatisfy({ $0.count <= due[$0.stratum, default: 0] }) { hold(index) }
    for (index, unit) in units.enumerated() where !isHeld[index] && canHold(unit) {
      let change = unit.counts.reduce(0) { $0 + $1.count * ($1.count - 2 * due[$1.stratum, default: 0]) }
      if change < 0 { hold(index) }
    }
    // A stratum of large groups alone can still have none.
    for stratum in groupCount.keys.sorted() where groupCount[stratum, default: 0] > 1 {
      guard kept[stratum] == groupCount[stratum] else { continue }
      let candidates = units.indices.filter { index in
        units[index].counts.contains { $0.stratum == stratum } && canHold(units[index])
      }
      // The first of the smallest: units are in random order.
      var best: Int?
      for index in candidates where best.map({ units[index].members.count < units[$0].members.count }) ?? true
      {
        best = index
      }
      if let best { hold(best) }
    }

    var held: [Int] = []
    var others: [Int] = []
    for (index, unit) in units.enumerated() {
      if isHeld[index] { held += unit.members } else { others += unit.members }
    }
    return (others.sorted(), held.sorted())
  }

  /// Divides the examples into `count` parts, with about as many of each stratum in every one.
  ///
  /// With fewer groups than parts, some parts are empty.
  ///
  /// - Parameters:
  ///   - strata: the class of each example, from 0.
  ///   - groups: which examples belong together.
  ///   - keys: a stable key of each example.
  ///   - count: how many parts; at least 2.
  ///   - seed: another seed gives other parts.
  /// - Returns: the part of each example, from 0.
  package static func folds(
    strata: [Int], groups: [Int], keys: [UInt64], count: Int, seed: UInt64
  ) -> [Int] {
    precondition(count > 1, "at least two folds")
    let units = Unit.all(strata: strata, groups: groups, keys: keys, seed: seed, purpose: .folds)
    // Large groups first, while there is room everywhere; sorting keeps the random order of equals.
    let order = units.indices.sorted { first, second in
      let (a, b) = (units[first].members.count, units[second].members.count)
      return a == b ? first < second : a > b
    }
    var totals = [Int](repeating: 0, count: count)
    var counts = [Int: [Int]]()
    var folds = [Int](repeating: 0, count: strata.count)
    for index in order {
      let unit = units[index]
      // How much the squares of the strata's counts grow; of equal parts, the one with the fewest examples.
      var best = (fold: 0, growth: Int.max, total: Int.max)
      for fold in 0..<count {
        var growth = 0
        for (stratum, added) in unit.counts {
          growth += added * (added + 2 * (counts[stratum]?[fold] ?? 0))
        }
        if (growth, totals[fold]) < (best.growth, best.total) { best = (fold, growth, totals[fold]) }
      }
      totals[best.fold] += unit.members.count
      for (stratum, added) in unit.counts {
        counts[stratum, default: [Int](repeating: 0, count: count)][best.fold] += added
      }
      for member in unit.members { folds[member] = best.fold }
    }
    return folds
  }

  private enum Purpose: UInt64 {
    case holdout = 1
    case folds
  }

  /// The examples of a group, which stay together.
  private struct Unit {
    var members: [Int] = []
    /// How many there are of each stratum, in the strata's order.
    var counts: [(stratum: Int, count: Int)] = []
    /// The smallest keys first.
    var keys: [UInt64] = []
    var rank: UInt64 = 0

    /// All groups in an order that looks random and depends on their keys alone.
    static func all(
      strata: [Int], groups: [Int], keys: [UInt64], seed: UInt64, purpose: Purpose
    ) -> [Unit] {
      precondition(
        strata.count == groups.count && strata.count == keys.count, "a stratum, group and key each")
      var units: [Int: Unit] = [:]
      for index in strata.indices { units[groups[index], default: Unit()].members.append(index) }
      let random = CounterRandom(seed: splitMix64(seed) ^ purpose.rawValue)
      let all = units.values.map { unit in
        var unit = unit
        var counts: [Int: Int] = [:]
        for member in unit.members { counts[strata[member], default: 0] += 1 }
        unit.counts = counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        unit.keys = unit.members.map { keys[$0] }.sorted()
        unit.rank = random[Int(truncatingIfNeeded: unit.keys[0])]
        return unit
      }
      return all.sorted { first, second in
        if first.rank != second.rank { return first.rank < second.rank }
        if first.keys != second.keys { return first.keys.lexicographicallyPrecedes(second.keys) }
        // Equal keys in several groups: what is in them decides, and only then the listing.
        let (a, b) = (
          first.counts.map { [$0.stratum, $0.count] }, second.counts.map { [$0.stratum, $0.count] }
        )
        if a != b { return a.lexicographicallyPrecedes(b) { $0.lexicographicallyPrecedes($1) } }
        return first.members[0] < second.members[0]
      }
    }
  }
}
