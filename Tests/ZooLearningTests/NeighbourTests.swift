import Testing
import ZooLearning
import ZooSystem

@Suite struct NeighbourTests {
  private typealias Neighbour = NearestNeighbours.Neighbour

  private func plain(
    _ query: ArraySlice<Float>, _ x: FeatureMatrix, _ count: Int, _ metric: NearestNeighbours.Metric
  ) -> [Int] {
    let keys = (0..<x.rows).map { row -> Double in
      let pairs = zip(query, x[row: row]).map { (Double($0), Double($1)) }
      switch metric {
      case .euclidean: return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      case .cosine:
        let product = pairs.reduce(0) { $0 + $1.0 * $1.1 }
        let lengths = pairs.reduce(0) { $0 + $1.0 * $1.0 } * pairs.reduce(0) { $0 + $1.1 * $1.1 }
        return lengths > 0 ? -product / lengths.squareRoot() : 0
      case .product: return -pairs.reduce(0) { $0 + $1.0 * $1.1 }
      }
    }
    return Array(keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }.prefix(count))
  }

  @Test(arguments: [NearestNeighbours.Metric.cosine, .euclidean, .product])
  func agreesWithPlainLoops(metric: NearestNeighbours.Metric) throws {
    // More rows than are compared at a time.
    let (x, _) = clusters(rows: 5000, columns: 19, classes: 7)
    let queries = x.selecting(rows: [3, 4500, 77])
    let found = try x.values.withUnsafeBufferPointer {
      try NearestNeighbours.find(queries, in: $0, count: 12, metric: metric)
    }
    for (query, own) in found.enumerated() {
      #expect(own.map(\.row) == plain(queries[row: query], x, 12, metric))
    }
    // By the product a longer row is closer than the row itself.
    if metric != .product {
      #expect(found.map { $0[0].row } == [3, 4500, 77])
      #expect(abs(found[0][0].value - (metric == .cosine ? 1 : 0)) < 1e-12)
    }
    let three = try x.values.withUnsafeBufferPointer {
      try NearestNeighbours.find(queries, in: $0, count: 12, metric: metric, threads: 3)
    }
    #expect(three == found)
  }

  @Test func tiesComeInOrderAndOddRowsLast() throws {
    let x = FeatureMatrix(rows: 6, columns: 2, values: [2, 0, 1, 0, 0, 0, 1, 0, .nan, 1, 0, 3])
    let query = FeatureMatrix(rows: 1, columns: 2, values: [1, 0])
    func find(_ metric: NearestNeighbours.Metric) throws -> [Neighbour] {
      try x.values.withUnsafeBufferPointer {
        try NearestNeighbours.find(query, in: $0, count: 10, metric: metric)[0]
      }
    }
    let rows = try find(.cosine).map(\.row)
    #expect(rows == [0, 1, 3, 2, 5])
    #expect(try find(.product).map(\.row) == [0, 1, 3, 2, 5])
    #expect(try find(.product).map(\.value) == [2, 1, 1, 0, 0])
    #expect(try find(.euclidean).map(\.row) == [1, 3, 0, 2, 5])
    #expect(try find(.euclidean).map(\.value) == [0, 0, 1, 1, 10.0.squareRoot()])
    #expect(throws: ZooError.self) {
      try [Float](repeating: 0, count: 3).withUnsafeBufferPointer {
        try NearestNeighbours.find(query, in: $0, count: 1, metric: .cosine)
      }
    }
  }

  @Test func clustersAgreeWithScikitLearn() throws {
    let golden = try Goldens.read().clustering
    let x = FeatureMatrix(golden.x, columns: golden.columns)
    let silhouette = try KMeans.silhouette(x, assignment: golden.labels)
    #expect(abs(silhouette - golden.silhouette) < 1e-12)
    let found = try KMeans(x, clusters: 3, starts: 50)
    #expect(found.converged)
    #expect(abs(found.inertia - golden.inertia) < 1e-9)
  }

  @Test func clustersAreFoundAndCounted() throws {
    let (x, labels) = clusters(rows: 90, columns: 6, classes: 4, distance: 20)
    let (found, silhouettes) = try KMeans.choosing(x, clusters: 2...7)
    #expect(found.clusters == 4)
    #expect(silhouettes.count == 6)
    let pairs = Set(zip(labels, found.assignment).map { [$0, $1] })
    #expect(pairs.count == 4)
    let three = try KMeans(x, clusters: 4, threads: 3)
    #expect(three.centers == found.centers && three.assignment == found.assignment)
  }

  @Test func equalExamplesStillMakeClusters() throws {
    let x = FeatureMatrix(rows: 5, columns: 1, values: [1, 1, 1, 1, 2])
    let found = try KMeans(x, clusters: 3)
    #expect(found.inertia == 0)
    #expect(found.centers.allSatisfy { $0 == 1 || $0 == 2 })
    #expect(throws: ZooError.self) { try KMeans(x, clusters: 6) }
  }
}
