import Foundation
import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

/// Files that keep to a size or to an error.
@Suite struct PrecisionFitTests {
  // MARK: The way

  private static func unit(_ layer: Int, _ states: [(Int, Double)]) -> PrecisionPath.Unit {
    PrecisionPath.Unit(
      layers: [Value(index: layer)],
      states: states.enumerated().map { PrecisionPath.State(rung: 3 - $0, bytes: $1.0, cost: $1.1) })
  }

  @Test func unitsKeepTheLowerHull() {
    // Half the bytes at a higher price than a quarter: never worth it. More bytes than the state before: neither.
    let unit = Self.unit(0, [(1000, 0), (500, 0.9), (250, 1), (300, 5)])
    #expect(unit.states.map(\.bytes) == [1000, 250])
    // Smaller and better than the one before.
    #expect(Self.unit(0, [(1000, 0), (500, 0.5), (250, 0.1)]).states.map(\.bytes) == [1000, 250])
    #expect(Self.unit(0, [(1000, 0), (500, 0.1), (250, 1)]).states.map(\.bytes) == [1000, 500, 250])
    #expect(Self.unit(0, [(1000, 0)]).states.count == 1 && Self.unit(0, []).states.isEmpty)
  }

  /// On the way, no other choice of the same or a smaller size has a smaller sum of squares.
  @Test(arguments: 0..<8) func theWayIsTheBestAtEachOfItsPlaces(seed: Int) {
    let random = CounterRandom(seed: UInt64(seed))
    var drawn = 0
    func next() -> Double {
      drawn += 1
      return random.unit(drawn)
    }
    let units = (0..<5).map { layer in
      var (bytes, cost) = (200 + Int(next() * 1000), 0.0)
      return Self.unit(
        layer,
        (0..<3).map { _ in
          defer {
            bytes = max(1, Int(Double(bytes) * (0.3 + 0.5 * next())))
            cost += next()
          }
          return (bytes, cost)
        })
    }
    let path = PrecisionPath(units: units, otherBytes: 77)
    func cost(_ states: [Int]) -> Double { zip(units, states).reduce(0) { $0 + $1.0.states[$1.1].cost } }
    var all: [[Int]] = [[]]
    for unit in units { all = all.flatMap { start in unit.states.indices.map { start + [$0] } } }
    var last = Int.max
    for count in 0...path.length {
      let states = path.states(after: count)
      let bytes = path.bytes(states)
      #expect(bytes < last)
      last = bytes
      #expect(path.stepCount(to: bytes) == count)
      for other in all where path.bytes(other) <= bytes { #expect(cost(other) >= cost(states) - 1e-9) }
      // What is undone fits and costs less.
      let room = bytes + 150
      let filled = path.states(after: count, filling: room)
      #expect(path.bytes(filled) <= room && cost(filled) <= cost(states) + 1e-9)
    }
    #expect(path.states(after: 0).allSatisfy { $0 == 0 } && path.stepCount(to: last - 1) == nil)
  }

  // MARK: Networks

  private static func convert(
    _ fit: FitTarget, to output: String
  ) throws -> ConversionReport {
    var options = Converter.Options()
    options.fit = fit
    options.overwrite = true
    options.verifier.threads = 1
    return try Converter(options: options).convert(fixture("digits/digits.h5"), to: output)
  }

  @Test func filesKeepToASize() throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
      let output = path("fit.zoo")
      let exact = try Self.convert(.bytes(10_000_000), to: output)
      let plain = try #require(exact.outputBytes)
      #expect(exact.storage == "f32" && exact.frontier?.first?.isChosen == true)
      #expect(exact.tensors.allSatisfy { $0.storedType == "f32" } && exact.outputError == 0)
      var last = 0.0
      for share in [0.95, 0.7, 0.5, 0.4] {
        let limit = Int(Double(plain) * share)
        let report = try Self.convert(.bytes(limit), to: output)
        let bytes = try #require(report.outputBytes)
        // There is no room left that a tensor could use but what the header was allowed.
        #expect(bytes <= limit && Double(bytes) > 0.7 * Double(limit), "\(bytes) of \(limit)")
        let file = try ModelFile.open(path: output)
        guard case .zoo(let zoo) = file else { return }
        let types = Set(zoo.tensors.map(\.form.name))
        #expect(share > 0.9 ? types == ["f32"] : types.count > 1)
        #expect(share < 0.9 || zoo.tensors.contains { !$0.planes.isEmpty })
        let error = try #require(report.outputError)
        #expect(error >= last, "\(share)")
        last = error
        #expect(report.verification?.passed == true)
        let frontier = try #require(report.frontier)
        #expect(frontier.count { $0.isChosen } == 1 && frontier.count > 4)
        #expect(frontier.map(\.bytes) == frontier.map(\.bytes).sorted(by: >))
        #expect(
          frontier.allSatisfy { $0.milliseconds > 0 && $0.weights.values.reduce(0, +) == report.parameters })
        #expect(frontier.contains { $0.hasIntegerActivations })
      }
      #expect(last > 0)
      // What is too small is refused, with what would do, and nothing is written.
      let refused = path("refused.zoo")
      let error = #expect(throws: ZooError.self) { try Self.convert(.bytes(plain / 20), to: refused) }
      #expect(error?.code == .unsuitable && error?.remedy?.contains("KB or more") == true)
      #expect(!exists("refused.zoo"))
    }
  }

  @Test func filesKeepToAnError() throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
      var last = Int.max
      for limit in [1e-9, 0.001, 0.01, 0.1, 10] {
        let report = try Self.convert(.error(limit), to: path("fit.zoo"))
        let (bytes, error) = try (#require(report.outputBytes), #require(report.outputError))
        #expect(error <= limit)
        #expect(bytes <= last)
        last = bytes
        if limit == 1e-9 { #expect(report.storage == "f32" && error == 0) }
        // The smallest file is the last one of the table, but for one with activations of 8 bits.
        if limit == 10 {
          #expect(report.frontier?.last { !$0.hasIntegerActivations }?.isChosen == true)
        }
      }
    }
  }

  /// The writer counts too, whoever chose the plan.
  @Test func theWriterRefusesLargerFiles() throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
      let recipe = try Recipe(path: fixture("digits/digits.h5"))
      let document = ZooDocument(graph: recipe.graph, card: recipe.card)
      let writer = ZooWriter(document: document, plan: StoragePlan())
      let error = #expect(throws: ZooError.self) {
        try writer.write(
          to: path("a.zoo"), overwrite: false, weights: recipe.weights, largestLength: 100_000)
      }
      #expect(error?.why.contains("more than 100000") == true && !exists("a.zoo"))
      let slots = recipe.graph.weightSlots
      let bytes = try StoragePlan().byteCount(of: slots, weights: recipe.weights)
      try writer.write(
        to: path("a.zoo"), overwrite: false, weights: recipe.weights,
        largestLength: bytes + document.headerAllowance)
    }
  }
}
