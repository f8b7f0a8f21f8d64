import ZooGraph

/// The way from the exact file to the smallest one: at each step some layers become smaller, those first that save the
/// most bytes for the error that they add.
///
/// Errors of layers are held to be independent, so that their squares add up. On that, the files along the way are those
/// that no other file of the same size is better than, up to what one step changes (the hull of Lagrange's method, as
/// in Shoham and Gersho, "Efficient bit allocation for an arbitrary set of quantizers", 1988).
package struct PrecisionPath {
  /// A way to store some layers.
  package struct State: Sendable, Hashable {
    /// The step of the ladder.
    package var rung: Int
    package var bytes: Int
    /// The square of the error that the outputs have with these layers alone stored so.
    package var cost: Double

    package init(rung: Int, bytes: Int, cost: Double) {
      self.rung = rung
      self.bytes = bytes
      self.cost = cost
    }
  }

  /// Layers that are stored alike.
  package struct Unit: Sendable {
    package var layers: [Value]
    /// From the exact state, which costs nothing, each one smaller than the one before, at a rising price per byte.
    package fileprivate(set) var states: [State]

    /// - Parameter states: the first one is the exact one.
    package init(layers: [Value], states: [State]) {
      self.layers = layers
      guard var last = states.first else {
        self.states = []
        return
      }
      var hull = [last]
      func price(_ state: State) -> Double { (state.cost - last.cost) / Double(last.bytes - state.bytes) }
      while let next = states.filter({ $0.bytes < last.bytes }).min(by: {
        (price($0), $0.bytes) < (price($1), $1.bytes)
      }) {
        hull.append(next)
        last = next
      }
      self.states = hull
    }
  }

  /// One unit becomes smaller.
  private struct Step: Sendable {
    let unit: Int
    let state: Int
    let price: Double
  }

  package let units: [Unit]
  /// Of all tensors that have no choice.
  private let otherBytes: Int
  private let steps: [Step]

  package init(units: [Unit], otherBytes: Int) {
    self.units = units
    self.otherBytes = otherBytes
    let steps = units.enumerated().flatMap { unit, content in
      zip(content.states, content.states.dropFirst()).enumerated().map { index, pair in
        Step(
          unit: unit, state: index + 1,
          price: (pair.1.cost - pair.0.cost) / Double(pair.0.bytes - pair.1.bytes))
      }
    }
    // Equal prices keep the network's order.
    self.steps = steps.enumerated().sorted {
      ($0.element.price, $0.offset) < ($1.element.price, $1.offset)
    }.map(\.element)
  }

  /// How many places there are behind the exact one.
  package var length: Int { steps.count }

  /// The state of each unit after so many steps.
  package func states(after count: Int) -> [Int] {
    var states = [Int](repeating: 0, count: units.count)
    for step in steps.prefix(count) { states[step.unit] = step.state }
    return states
  }

  package func bytes(_ states: [Int]) -> Int {
    zip(units, states).reduce(otherBytes) { $0 + ($1.0.states.isEmpty ? 0 : $1.0.states[$1.1].bytes) }
  }

  /// Each layer's step of the ladder.
  package func rungs(_ states: [Int]) -> [Value: Int] {
    let rungs = zip(units, states).flatMap { unit, state in
      unit.layers.map { ($0, unit.states[state].rung) }
    }
    return Dictionary(rungs, uniquingKeysWith: { first, _ in first })
  }

  /// The fewest steps to a file of at most so many bytes; nil where the smallest is larger.
  package func stepCount(to limit: Int) -> Int? { (0...length).first { bytes(states(after: $0)) <= limit } }

  /// The states after so many steps, with those steps undone, the dearest first, for which there is room all the same.
  package func states(after count: Int, filling limit: Int) -> [Int] {
    var states = states(after: count)
    var room = limit - bytes(states)
    for step in steps.prefix(count).reversed() where states[step.unit] == step.state {
      let unit = units[step.unit]
      let added = unit.states[step.state - 1].bytes - unit.states[step.state].bytes
      guard added <= room else { continue }
      states[step.unit] = step.state - 1
      room -= added
    }
    return states
  }
}
