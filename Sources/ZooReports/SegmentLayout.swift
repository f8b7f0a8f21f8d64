/// Where the boxes and lines of one segment lie: a layered drawing from top to bottom.
///
/// Boxes lie in layers, each below all that it reads. Lines that pass a layer have a place in it too, so that they run
/// beside boxes and not through them. Each layer is ordered to cross few lines; then everything moves as far below what
/// it reads as its neighbours let it.
package struct SegmentLayout {
  /// A place in a layer.
  package struct Vertex {
    package enum Kind: Hashable {
      /// A box, by the index of its stack.
      case box(Int)
      /// A value that comes in or goes out, by its number there.
      case entry(Int)
      case exit(Int)
      /// A line that passes.
      case bend
    }

    package let kind: Kind
    package let layer: Int
    package let width: Double
    package let height: Double
    /// The middle of it.
    package var x = 0.0
    /// The upper edge.
    package var y = 0.0
  }

  /// A line, by its vertices from top to bottom.
  package struct Line {
    package let path: [Int]
    /// The stack whose value it carries.
    package let source: Int
  }

  package private(set) var vertices: [Vertex] = []
  package private(set) var lines: [Line] = []
  private(set) var height = 0.0
  private var layers: [[Int]] = []
  private var above: [[Int]] = []
  private var below: [[Int]] = []

  package static let boxWidth = 236.0
  private static let laneWidth = 22.0
  private static let layerGap = 44.0
  /// Between boxes and what comes in or goes out.
  private static let endGap = 23.0
  private static let boxGap = 26.0
  /// More bends than this are not drawn: a file's author decides how many there would be.
  private static let mostBends = 20_000

  /// Where values come in and go out: the latest in the middle, the others right of the boxes of one column.
  static func lane(_ number: Int) -> Double { number == 0 ? 0 : 128 + Double(number) * 18 }

  /// - Parameter heights: of the box of each stack.
  package init(_ segment: GraphSegment, stacks: [LayerStack], heights: [Double]) {
    let first = segment.stacks.lowerBound
    var layerOf = [Int](repeating: 1, count: segment.stacks.count)
    for index in segment.stacks {
      for input in stacks[index].inputs where input >= first {
        layerOf[index - first] = max(layerOf[index - first], layerOf[input - first] + 1)
      }
    }
    // What reads nothing lies just above what reads it.
    for index in segment.stacks.reversed() where stacks[index].inputs.isEmpty {
      let readers = segment.stacks.filter { stacks[$0].inputs.contains(index) }
      if let least = readers.map({ layerOf[$0 - first] }).min() { layerOf[index - first] = max(1, least - 1) }
    }
    let lastLayer = (layerOf.max() ?? 0) + 1
    layers = Array(repeating: [], count: lastLayer + 1)

    var vertexOf: [Int: Int] = [:]
    for (number, entry) in segment.entries.enumerated() {
      vertexOf[entry] = add(.entry(number), layer: 0, width: Self.laneWidth, height: 0)
    }
    for index in segment.stacks {
      vertexOf[index] = add(
        .box(index), layer: layerOf[index - first], width: Self.boxWidth, height: heights[index])
    }
    let exits = segment.exits.enumerated().map { number, stack in
      (stack, add(.exit(number), layer: lastLayer, width: Self.laneWidth, height: 0))
    }
    var ends: [(source: Int, target: Int)] = segment.stacks.flatMap { index in
      stacks[index].inputs.compactMap { input in vertexOf[index].map { (input, $0) } }
    }
    ends += exits
    connect(ends, vertexOf)
    order()
    place()
  }

  private mutating func add(_ kind: Vertex.Kind, layer: Int, width: Double, height: Double) -> Int {
    vertices.append(Vertex(kind: kind, layer: layer, width: width, height: height))
    above.append([])
    below.append([])
    layers[layer].append(vertices.count - 1)
    return vertices.count - 1
  }

  /// Lines of one value share their bends.
  private mutating func connect(_ ends: [(source: Int, target: Int)], _ vertexOf: [Int: Int]) {
    let bends = ends.reduce(0) { sum, end in
      sum + max(0, vertices[end.target].layer - (vertexOf[end.source].map { vertices[$0].layer } ?? 0) - 1)
    }
    let isBent = bends <= Self.mostBends
    var chains: [Int: [Int]] = [:]
    for (source, target) in ends {
      guard let from = vertexOf[source] else { continue }
      var chain = chains[source] ?? [from]
      if isBent {
        while vertices[from].layer + chain.count < vertices[target].layer {
          let bend = add(
            .bend, layer: vertices[from].layer + chain.count, width: Self.laneWidth, height: 0)
          link(chain[chain.count - 1], bend)
          chain.append(bend)
        }
        chains[source] = chain
        chain = Array(chain.prefix(vertices[target].layer - vertices[from].layer))
      }
      link(chain[chain.count - 1], target)
      lines.append(Line(path: chain + [target], source: source))
    }
  }

  private mutating func link(_ upper: Int, _ lower: Int) {
    below[upper].append(lower)
    above[lower].append(upper)
  }

  // MARK: Order within layers

  private mutating func order() {
    var position = [Int](repeating: 0, count: vertices.count)
    func note(_ layer: [Int]) { for (place, vertex) in layer.enumerated() { position[vertex] = place } }
    for layer in layers { note(layer) }
    var best = layers
    var fewest = crossings(position)
    for round in 0..<12 where fewest > 0 {
      let down = round % 2 == 0
      let sweep = down ? Array(layers.indices.dropFirst()) : Array(layers.indices.dropLast().reversed())
      for layer in sweep {
        let keys = layers[layer].map { vertex -> Double in
          let neighbours = down ? above[vertex] : below[vertex]
          guard !neighbours.isEmpty else { return Double(position[vertex]) }
          return Double(neighbours.reduce(0) { $0 + position[$1] }) / Double(neighbours.count)
        }
        layers[layer] = zip(layers[layer], keys).enumerated()
          .sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }.map(\.element.0)
        note(layers[layer])
      }
      let count = crossings(position)
      if count < fewest { (fewest, best) = (count, layers) }
    }
    layers = best
    // Entries and exits keep their lanes.
    layers[0].sort()
    layers[layers.count - 1].sort()
  }

  /// How many pairs of lines between neighbouring layers cross.
  private func crossings(_ position: [Int]) -> Int {
    var total = 0
    for layer in layers {
      var ends: [(Int, Int)] = []
      for vertex in layer { for lower in below[vertex] { ends.append((position[vertex], position[lower])) } }
      guard ends.count <= 2000 else { continue }
      for first in ends.indices {
        for second in ends.indices.dropFirst(first + 1)
        where (ends[first].0 - ends[second].0) * (ends[first].1 - ends[second].1) < 0 { total += 1 }
      }
    }
    return total
  }

  // MARK: Coordinates

  private mutating func place() {
    for layer in layers.indices { spread(layer) { _ in 0 } }
    for round in 0..<8 {
      let down = round % 2 == 0
      for layer in down ? Array(layers.indices) : layers.indices.reversed() {
        spread(layer) { [self] vertex in
          let neighbours = down ? above[vertex] : below[vertex]
          guard !neighbours.isEmpty else { return vertices[vertex].x }
          return neighbours.reduce(0) { $0 + vertices[$1].x } / Double(neighbours.count)
        }
      }
    }
    var y = 0.0
    for layer in layers.indices {
      for vertex in layers[layer] { vertices[vertex].y = y }
      y += layers[layer].map { vertices[$0].height }.max() ?? 0
      if layer + 1 < layers.count { y += gap(below: layer) }
    }
    height = y
  }

  /// The room for lines below a layer: more where they go far to the side.
  private func gap(below layer: Int) -> Double {
    var farthest = 0.0
    for vertex in layers[layer] {
      for lower in below[vertex] { farthest = max(farthest, abs(vertices[vertex].x - vertices[lower].x)) }
    }
    let least = layer == 0 || layer + 2 == layers.count ? Self.endGap : Self.layerGap
    return least + min(60, max(0, farthest - 100) / 9)
  }

  /// Moves the vertices of a layer as near to where they want to be as their distances and order allow.
  private mutating func spread(_ layer: Int, wanting wanted: (Int) -> Double) {
    var offset = 0.0
    var offsets: [Double] = []
    // Pools of vertices that touch, as in isotonic regression.
    var pools: [(sum: Double, weight: Double, count: Int)] = []
    for (index, vertex) in layers[layer].enumerated() {
      switch vertices[vertex].kind {
      case .entry(let number), .exit(let number):
        vertices[vertex].x = Self.lane(number)
        continue
      default: break
      }
      if index > 0 {
        offset += (vertices[layers[layer][index - 1]].width + vertices[vertex].width) / 2 + Self.boxGap
      }
      offsets.append(offset)
      // Lines that pass want to be straight.
      let weight = vertices[vertex].kind == .bend ? 3.0 : 1
      pools.append(((wanted(vertex) - offset) * weight, weight, 1))
      while pools.count > 1 {
        let (last, before) = (pools[pools.count - 1], pools[pools.count - 2])
        guard before.sum / before.weight > last.sum / last.weight else { break }
        pools.removeLast(2)
        pools.append((before.sum + last.sum, before.weight + last.weight, before.count + last.count))
      }
    }
    guard !offsets.isEmpty else { return }
    var index = 0
    for pool in pools {
      for _ in 0..<pool.count {
        vertices[layers[layer][index]].x = pool.sum / pool.weight + offsets[index]
        index += 1
      }
    }
  }
}
