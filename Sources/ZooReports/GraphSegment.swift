import ZooGraph

/// A part of a network from top to bottom, where only a few values come in above and go out below.
///
/// Segments are drawn each by itself, one below the other.
package struct GraphSegment {
  /// Its stacks, by their indices.
  package let stacks: Range<Int>
  /// The stacks before it whose values come in, the latest first; a value that only passes is one of them too.
  package let entries: [Int]
  /// The stacks whose values go out, the latest first.
  package let exits: [Int]

  /// More stacks than this are cut behind a merge where two or three values pass, if there is such a place.
  private static let longest = 40
  /// Such a cut leaves at least this many stacks on both sides.
  private static let shortest = 8

  /// Cuts a network wherever a single value passes, and where that is not enough, where a few do.
  static func all(of stacks: [LayerStack]) -> [GraphSegment] {
    let count = stacks.count
    var last = [Int](repeating: -1, count: count)
    for (index, stack) in stacks.enumerated() {
      for input in stack.inputs { last[input] = index }
    }
    // How many values are read at or after each place, of those made before it.
    var changes = [Int](repeating: 0, count: count + 1)
    for index in 0..<count where last[index] > index {
      changes[index + 1] += 1
      changes[last[index] + 1] -= 1
    }
    var passing = [Int](repeating: 0, count: count + 1)
    var current = 0
    for place in 0...count {
      current += changes[place]
      passing[place] = current
    }
    var cuts: Set<Int> = [0, count]
    for width in 0...3 {
      let sorted = cuts.sorted()
      for (from, to) in zip(sorted, sorted.dropFirst()) where width <= 1 || to - from > longest {
        var last = from
        for place in from..<to where place > from && passing[place] == width {
          if width > 1 {
            guard place - last >= shortest, to - place >= shortest, stacks[place - 1].inputs.count > 1 else {
              continue
            }
          }
          cuts.insert(place)
          last = place
        }
      }
    }
    let places = cuts.sorted()
    func live(at place: Int, among candidates: [Int]) -> [Int] {
      candidates.filter { $0 < place && last[$0] >= place }.sorted(by: >)
    }
    var segments: [GraphSegment] = []
    var entries: [Int] = []
    for (from, to) in zip(places, places.dropFirst()) {
      let exits = live(at: to, among: entries + Array(from..<to))
      segments.append(GraphSegment(stacks: from..<to, entries: entries, exits: exits))
      entries = exits
    }
    return segments
  }
}

/// Segments that follow each other in a picture: alone, or several in a row that are repeated alike.
package struct GraphUnit {
  /// Indices of segments; `period` of them are one copy.
  package let segments: Range<Int>
  package let period: Int

  package var copies: Int { segments.count / period }

  /// Folds repetitions of at least this many stacks.
  private static let leastStacks = 5

  /// - Parameter signatures: of each segment, equal where two are drawn alike.
  static func all(_ segments: [GraphSegment], signatures: [String]) -> [GraphUnit] {
    // Numbers compare faster than texts.
    var numbers: [String: Int] = [:]
    let tokens = signatures.map { signature -> Int in
      let number = numbers[signature] ?? numbers.count
      numbers[signature] = number
      return number
    }
    var units: [GraphUnit] = []
    var start = 0
    while start < tokens.count {
      var best = (period: 1, copies: 1)
      for period in 1...12 where start + 2 * period <= tokens.count {
        var end = start + period
        while end < tokens.count, tokens[end] == tokens[end - period] { end += 1 }
        let copies = (end - start) / period
        guard copies >= 2, period * copies > best.period * best.copies else { continue }
        let stacks = segments[start..<start + period * copies].reduce(0) { $0 + $1.stacks.count }
        if stacks >= leastStacks { best = (period, copies) }
      }
      units.append(GraphUnit(segments: start..<start + best.period * best.copies, period: best.period))
      start += best.period * best.copies
    }
    return units
  }
}
