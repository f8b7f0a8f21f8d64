import ZooSystem
import ZooTensor

/// Groups of examples around centres, by Lloyd's algorithm from several random starts.
package struct KMeans: Sendable {
  /// The centres, (clusters, columns).
  package let centers: [Double]
  /// The centre that each example is closest to, of equally close ones the first.
  package let assignment: [Int]
  /// The sum of the squared distances of all examples from their centres.
  package let inertia: Double
  /// Whether no example changed its centre at the end.
  package let converged: Bool

  /// The number of clusters.
  package var clusters: Int { columns > 0 ? centers.count / columns : 0 }
  private let columns: Int

  private static let limit = 300

  /// Finds the clusters of the least inertia among several starts.
  ///
  /// - Parameters:
  ///   - x: the features (N, columns).
  ///   - clusters: how many centres, from 1 to N.
  ///   - starts: how many random starts (k-means++).
  /// - Throws: ``ZooError`` of the code `doesNotFit` if there are fewer examples than clusters or a feature is not
  ///   finite; of `cancelled`.
  package init(
    _ x: FeatureMatrix, clusters: Int, starts: Int = 10, seed: UInt64 = 0, threads: Int = 1
  ) throws(ZooError) {
    guard clusters > 0, clusters <= x.rows, x.columns > 0 else {
      throw .learning(.doesNotFit, "\(x.rows) examples make no \(clusters) clusters")
    }
    try x.checkFinite()
    let search = try Search(x, clusters: clusters, on: Workers(threads: threads))
    var best = try search.run(start: 0, seed: seed, limit: Self.limit)
    for start in 1..<max(starts, 2) where start < starts {
      let other = try search.run(start: start, seed: seed, limit: Self.limit)
      if other.inertia < best.inertia { best = other }
    }
    columns = x.columns
    centers = best.centers
    assignment = best.assignment
    inertia = best.inertia
    converged = best.converged
  }

  /// The clusters of the number with the highest silhouette.
  ///
  /// - Parameter range: the numbers of clusters to try, from 2 on.
  /// - Returns: the clusters and the silhouette for each number.
  /// - Throws: ``ZooError`` of the code `doesNotFit` if no number in the range is possible.
  package static func choosing(
    _ x: FeatureMatrix, clusters range: ClosedRange<Int>, starts: Int = 10, seed: UInt64 = 0, threads: Int = 1
  ) throws(ZooError) -> (KMeans, silhouettes: [Int: Double]) {
    var best: (clusters: KMeans, silhouette: Double)?
    var silhouettes: [Int: Double] = [:]
    for count in range where count >= 2 && count < x.rows {
      let own = try KMeans(x, clusters: count, starts: starts, seed: seed, threads: threads)
      let silhouette = try Self.silhouette(x, assignment: own.assignment, threads: threads)
      silhouettes[count] = silhouette
      if best == nil || silhouette > best?.silhouette ?? 0 { best = (own, silhouette) }
    }
    guard let best else {
      throw .learning(.doesNotFit, "\(x.rows) examples make none of these numbers of clusters")
    }
    return (best.clusters, silhouettes)
  }

  /// The mean over the examples of (b − a)/max(a, b): a is the mean distance from the others of the same cluster, b
  /// that from the examples of the closest other cluster. 0 for an example that is alone.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit` if there are not two clusters.
  package static func silhouette(
    _ x: FeatureMatrix, assignment: [Int], threads: Int = 1
  ) throws(ZooError) -> Double {
    let names = Set(assignment).sorted()
    guard assignment.count == x.rows, names.count > 1 else {
      throw .learning(.doesNotFit, "a silhouette needs two clusters or more")
    }
    let workers = try Workers(threads: threads)
    let places = Dictionary(uniqueKeysWithValues: zip(names, 0...))
    let own = assignment.map { places[$0] ?? 0 }
    let sizes = own.reduce(into: [Int](repeating: 0, count: names.count)) { $0[$1] += 1 }
    let table = Table(x)
    let squares = (0..<x.rows).map { row in x[row: row].reduce(0) { $0 + Double($1) * Double($1) } }
    var total = 0.0
    for start in stride(from: 0, to: x.rows, by: 64) {
      try Cancellation.check()
      let count = min(64, x.rows - start)
      var products = [Double](repeating: 0, count: x.rows * count)
      table.product(
        x.values[start * x.columns..<(start + count) * x.columns].map(Double.init), outputs: count,
        into: &products, on: workers)
      for place in 0..<count {
        let row = start + place
        var sums = [Double](repeating: 0, count: names.count)
        for other in 0..<x.rows where other != row {
          let square = squares[row] + squares[other] - 2 * products[other * count + place]
          sums[own[other]] += max(square, 0).squareRoot()
        }
        guard sizes[own[row]] > 1 else { continue }
        let inside = sums[own[row]] / Double(sizes[own[row]] - 1)
        let outside = names.indices.filter { $0 != own[row] }.map { sums[$0] / Double(sizes[$0]) }.min() ?? 0
        let larger = max(inside, outside)
        if larger > 0 { total += (outside - inside) / larger }
      }
    }
    return total / Double(x.rows)
  }
}

extension KMeans {
  private struct Found {
    var centers: [Double]
    var assignment: [Int]
    var inertia: Double
    var converged: Bool
  }

  private struct Search {
    let x: FeatureMatrix
    let clusters: Int
    let workers: Workers
    let table: Table
    let squares: [Double]

    init(_ x: FeatureMatrix, clusters: Int, on workers: Workers) {
      self.x = x
      self.clusters = clusters
      self.workers = workers
      table = Table(x)
      squares = (0..<x.rows).map { row in x[row: row].reduce(0) { $0 + Double($1) * Double($1) } }
    }

    func run(start: Int, seed: UInt64, limit: Int) throws(ZooError) -> Found {
      var found = Found(
        centers: seeds(CounterRandom(seed: splitMix64(seed) &+ UInt64(start))), assignment: [], inertia: 0,
        converged: false)
      for _ in 0..<limit {
        try Cancellation.check()
        let (assignment, distances) = assign(found.centers)
        found.inertia = distances.reduce(0, +)
        found.converged = assignment == found.assignment
        found.assignment = assignment
        if found.converged { break }
        found.centers = means(&found.assignment, distances)
      }
      return found
    }

    /// k-means++: each further centre is an example, drawn in proportion to its squared distance from the closest
    /// centre before it.
    private func seeds(_ random: CounterRandom) -> [Double] {
      var centers: [Double] = []
      var distances = [Double](repeating: 1, count: x.rows)
      for index in 0..<clusters {
        let total = distances.reduce(0, +)
        var rest = random.unit(index) * total
        var row = distances.lastIndex { $0 > 0 } ?? 0
        for place in distances.indices where distances[place] > 0 {
          rest -= distances[place]
          if rest < 0 {
            row = place
            break
          }
        }
        let center = x[row: row].map(Double.init)
        let own = assign(center).distances
        distances = index == 0 ? own : zip(distances, own).map { min($0, $1) }
        distances[row] = 0
        centers += center
      }
      return centers
    }

    /// The closest of the centres to each example, and the squared distances.
    private func assign(_ centers: [Double]) -> (assignment: [Int], distances: [Double]) {
      let count = centers.count / x.columns
      var products = [Double](repeating: 0, count: x.rows * count)
      table.product(centers, outputs: count, into: &products, on: workers)
      let lengths = (0..<count).map { center in
        centers[center * x.columns..<(center + 1) * x.columns].reduce(0) { $0 + $1 * $1 }
      }
      var assignment = [Int](repeating: 0, count: x.rows)
      var distances = [Double](repeating: 0, count: x.rows)
      for row in 0..<x.rows {
        var best = Double.infinity
        for center in 0..<count {
          let distance = lengths[center] - 2 * products[row * count + center]
          if distance < best { (best, assignment[row]) = (distance, center) }
        }
        distances[row] = max(best + squares[row], 0)
      }
      return (assignment, distances)
    }

    /// The means of the clusters. One without examples takes the example that is farthest from its centre.
    private func means(_ assignment: inout [Int], _ distances: [Double]) -> [Double] {
      var sizes = assignment.reduce(into: [Int](repeating: 0, count: clusters)) { $0[$1] += 1 }
      var distances = distances
      for cluster in 0..<clusters where sizes[cluster] == 0 {
        let rows = assignment.indices.filter { sizes[assignment[$0]] > 1 }
        guard let far = rows.max(by: { (distances[$0], -$0) < (distances[$1], -$1) }) else { continue }
        sizes[assignment[far]] -= 1
        assignment[far] = cluster
        sizes[cluster] = 1
        distances[far] = 0
      }
      var members = [Double](repeating: 0, count: x.rows * clusters)
      for (row, cluster) in assignment.enumerated() {
        members[row * clusters + cluster] = 1 / Double(sizes[cluster])
      }
      var centers = [Double](repeating: 0, count: clusters * x.columns)
      table.adjoint(members, outputs: clusters, into: &centers, on: workers)
      return centers
    }
  }
}
