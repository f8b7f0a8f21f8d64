import Testing
import ZooData
import ZooTensor

@Suite struct SplitTests {
  /// Examples of uneven classes, in groups of one to five of mostly one class.
  struct Examples {
    var strata: [Int] = []
    var groups: [Int] = []
    var keys: [UInt64] = []

    init(seed: UInt64, classes: Int = 7, groups groupCount: Int = 200, isMixed: Bool = false) {
      let random = CounterRandom(seed: seed)
      for group in 0..<groupCount {
        let size = random.unit(group * 16) < 0.7 ? 1 : 1 + Int(random[group * 16 + 1] % 5)
        let own = Int(random.unit(group * 16 + 2) * random.unit(group * 16 + 3) * Double(classes))
        for member in 0..<size {
          let strays = isMixed && random.unit(group * 16 + 4 + member) < 0.3
          strata.append(strays ? Int(random[group * 16 + 9] % UInt64(classes)) : own)
          groups.append(group)
          keys.append(splitMix64(seed &+ UInt64(group * 16 + member)))
        }
      }
    }

    /// The same in another order, and with other numbers for the groups.
    func shuffled(_ seed: UInt64) -> (Examples, order: [Int]) {
      let random = CounterRandom(seed: seed)
      let order = strata.indices.sorted { random[$0] < random[$1] }
      var other = self
      other.strata = order.map { strata[$0] }
      other.groups = order.map { 1000 - groups[$0] }
      other.keys = order.map { keys[$0] }
      return (other, order)
    }
  }

  @Test(arguments: 0..<20, [false, true]) func holdoutKeepsGroupsTogether(_ seed: UInt64, _ isMixed: Bool) {
    let data = Examples(seed: seed, isMixed: isMixed)
    let split = DataSplit.holdout(
      strata: data.strata, groups: data.groups, keys: data.keys, share: 0.2, seed: seed)
    #expect((split.kept + split.held).sorted() == Array(data.strata.indices))
    #expect(Set(split.kept.map { data.groups[$0] }).isDisjoint(with: split.held.map { data.groups[$0] }))
    #expect(Set(split.kept.map { data.strata[$0] }) == Set(data.strata))
    for stratum in Set(data.strata) {
      let all = data.strata.indices.filter { data.strata[$0] == stratum }
      let groupCount = Set(all.map { data.groups[$0] }).count
      let held = split.held.count { data.strata[$0] == stratum }
      if groupCount > 1 && !isMixed { #expect(held > 0) }
      // Groups have up to five examples.
      #expect(abs(Double(held) - 0.2 * Double(all.count)) <= (isMixed ? 5 : 2.5), "\(held) of \(all.count)")
    }
  }

  @Test(arguments: 0..<20, [false, true]) func foldsKeepGroupsTogether(_ seed: UInt64, _ isMixed: Bool) {
    let data = Examples(seed: seed, isMixed: isMixed)
    let folds = DataSplit.folds(
      strata: data.strata, groups: data.groups, keys: data.keys, count: 5, seed: seed)
    #expect(Set(folds) == Set(0..<5))
    for group in Set(data.groups) {
      #expect(Set(data.groups.indices.filter { data.groups[$0] == group }.map { folds[$0] }).count == 1)
    }
    for stratum in Set(data.strata) {
      let counts = (0..<5).map { fold in
        data.strata.indices.count { data.strata[$0] == stratum && folds[$0] == fold }
      }
      let spread = (counts.max() ?? 0) - (counts.min() ?? 0)
      #expect(spread <= 5, "\(counts)")
    }
  }

  @Test(arguments: 0..<10, [false, true]) func orderDoesNotMatter(_ seed: UInt64, _ isMixed: Bool) {
    let data = Examples(seed: seed, isMixed: isMixed)
    let split = DataSplit.holdout(
      strata: data.strata, groups: data.groups, keys: data.keys, share: 0.3, seed: 5)
    let folds = DataSplit.folds(strata: data.strata, groups: data.groups, keys: data.keys, count: 4, seed: 5)
    for shuffle in 0..<3 {
      let (other, order) = data.shuffled(seed * 31 + UInt64(shuffle))
      let again = DataSplit.holdout(
        strata: other.strata, groups: other.groups, keys: other.keys, share: 0.3, seed: 5)
      #expect(again.held.map { order[$0] }.sorted() == split.held)
      let others = DataSplit.folds(
        strata: other.strata, groups: other.groups, keys: other.keys, count: 4, seed: 5)
      #expect(others == order.map { folds[$0] })
    }
  }

  @Test func seedsGiveOtherSplits() {
    let data = Examples(seed: 1)
    let splits = (0..<10).map { seed in
      DataSplit.holdout(
        strata: data.strata, groups: data.groups, keys: data.keys, share: 0.2, seed: UInt64(seed)
      ).held
    }
    #expect(Set(splits).count == 10)
    // Over many splits every example is held about as often.
    let counts = (0..<200).reduce(into: [Int](repeating: 0, count: data.strata.count)) { counts, seed in
      let held = DataSplit.holdout(
        strata: data.strata, groups: data.groups, keys: data.keys, share: 0.2, seed: UInt64(seed)
      ).held
      for index in held { counts[index] += 1 }
    }
    let single = data.groups.indices.filter { index in
      data.strata[index] == 0 && data.groups.count { $0 == data.groups[index] } == 1
    }
    #expect(single.allSatisfy { (15...70).contains(counts[$0]) }, "\(single.map { counts[$0] })")
  }

  @Test func singlePicturesSplitExactly() {
    let strata = (0..<100).map { $0 < 50 ? 0 : $0 < 90 ? 1 : 2 }
    let keys = strata.indices.map { splitMix64(UInt64($0)) }
    let split = DataSplit.holdout(strata: strata, groups: Array(0..<100), keys: keys, share: 0.2, seed: 0)
    #expect((0..<3).map { stratum in split.held.count { strata[$0] == stratum } } == [10, 8, 2])
    let folds = DataSplit.folds(strata: strata, groups: Array(0..<100), keys: keys, count: 5, seed: 0)
    for fold in 0..<5 {
      #expect(
        (0..<3).map { c in strata.indices.count { strata[$0] == c && folds[$0] == fold } } == [10, 8, 2])
    }
  }

  @Test func smallClasses() {
    // One picture; two; two in one group; a large and a small group.
    let strata = [0, 1, 1, 2, 2] + [Int](repeating: 3, count: 11)
    let groups = [0, 1, 2, 3, 3] + [Int](repeating: 4, count: 10) + [5]
    let keys = strata.indices.map { UInt64($0) }
    for seed in 0..<20 {
      let split = DataSplit.holdout(
        strata: strata, groups: groups, keys: keys, share: 0.4, seed: UInt64(seed))
      #expect((0..<4).map { c in split.held.count { strata[$0] == c } } == [0, 1, 0, 1])
    }
    #expect(DataSplit.holdout(strata: [], groups: [], keys: [], share: 0.5, seed: 0).held.isEmpty)
  }
}
