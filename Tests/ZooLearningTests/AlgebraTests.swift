import Testing
import ZooLearning
import ZooSystem
import ZooTensor

@Suite struct AlgebraTests {
  /// A symmetric matrix VᵀDV with known eigenvalues, from random reflections V.
  private func matrix(_ values: [Double], seed: UInt64) -> [Double] {
    let n = values.count
    let random = CounterRandom(seed: seed)
    var a = [Double](repeating: 0, count: n * n)
    for index in 0..<n { a[index * n + index] = values[index] }
    for turn in 0..<3 {
      var v = (0..<n).map { random.signed(turn * n + $0) }
      let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
      v = v.map { $0 / length }
      // A ← (1 − 2vvᵀ)A(1 − 2vvᵀ)
      for _ in 0..<2 {
        for row in 0..<n {
          let share = 2 * (0..<n).reduce(0) { $0 + a[row * n + $1] * v[$1] }
          for column in 0..<n { a[row * n + column] -= share * v[column] }
        }
        a = (0..<n * n).map { a[$0 % n * n + $0 / n] }
      }
    }
    return a
  }

  @Test(arguments: [1, 2, 3, 31, 32, 33, 100, 150]) func eigenvaluesAndVectors(order: Int) throws {
    let truth = (0..<order).map { Double(order - $0) * ($0 % 2 == 0 ? 1 : -0.5) }
    let a = matrix(truth, seed: UInt64(order))
    let eigen = try SymmetricEigen(a, order: order)
    #expect(distance(eigen.values, truth.sorted(by: >)) < 1e-13)
    for i in 0..<order {
      let v = Array(eigen.vectors[i * order..<(i + 1) * order])
      for row in 0..<order {
        let product = (0..<order).reduce(0) { $0 + a[row * order + $1] * v[$1] }
        #expect(abs(product - eigen.values[i] * v[row]) < 1e-12 * Double(order))
      }
      for j in 0...i {
        let w = eigen.vectors[j * order..<(j + 1) * order]
        let product = zip(v, w).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (i == j ? 1 : 0)) < 1e-12)
      }
      #expect(v.max { abs($0) < abs($1) } ?? 0 > 0)
    }
    let three = try SymmetricEigen(a, order: order, threads: 3)
    #expect(three.vectors == eigen.vectors && three.values == eigen.values)
  }

  @Test func degenerateMatrices() throws {
    let zero = try SymmetricEigen([Double](repeating: 0, count: 400), order: 20)
    #expect(zero.values.allSatisfy { $0 == 0 })
    let ones = try SymmetricEigen([Double](repeating: 1, count: 1600), order: 40)
    #expect(abs(ones.values[0] - 40) < 1e-12)
    #expect(ones.values.dropFirst().allSatisfy { abs($0) < 1e-12 })
    let scale = 1e-160
    let tiny = try SymmetricEigen(matrix([4, 3, 2, 1], seed: 1).map { $0 * scale }, order: 4)
    #expect(distance(tiny.values, [4, 3, 2, 1].map { $0 * scale }) < 1e-13)
    #expect(throws: ZooError.self) { try SymmetricEigen([.nan], order: 1) }
  }

  @Test(arguments: 0..<2) func componentsAgreeWithScikitLearn(index: Int) throws {
    let golden = try Goldens.read().components[index]
    let x = FeatureMatrix(golden.x, columns: golden.columns)
    let found = try PrincipalComponents(x, count: 100)
    #expect(found.count == golden.variances.count)
    #expect(distance(found.variances, golden.variances) < 1e-12)
    #expect(distance(found.directions, golden.directions) < 1e-9)
    #expect(try distance(found.coordinates(x, whitened: true), golden.whitened) < 1e-9)
    #expect(abs(found.totalVariance - golden.variances.reduce(0, +)) < 1e-10 * found.totalVariance)
    let two = try PrincipalComponents(x, count: 2, threads: 3)
    #expect(two.directions == Array(found.directions.prefix(2 * golden.columns)))
  }

  @Test(arguments: 0..<2) func logMEAgreesWithNumPy(index: Int) throws {
    let golden = try Goldens.read().logME[index]
    let x = FeatureMatrix(golden.x, columns: golden.columns)
    let score = try LogME.score(x, labels: golden.labels, classes: golden.classes)
    #expect(abs(score - golden.score) < 1e-8)
    #expect(try LogME.score(x, labels: golden.labels, classes: golden.classes, threads: 3) == score)
    // A class without examples changes nothing, nor does the order.
    #expect(try LogME.score(x, labels: golden.labels, classes: golden.classes + 1) == score)
    let order = Array((0..<x.rows).reversed())
    let turned = try LogME.score(
      x.selecting(rows: order), labels: order.map { golden.labels[$0] }, classes: golden.classes)
    #expect(abs(turned - score) < 1e-9)
  }

  @Test func logMEPrefersFeaturesThatTell() throws {
    let scores = try [0, 0.5, 2, 8].map { size in
      let (x, labels) = clusters(rows: 60, columns: 10, classes: 3, distance: size)
      return try LogME.score(x, labels: labels, classes: 3)
    }
    #expect(scores == scores.sorted())
    let same = FeatureMatrix(rows: 4, columns: 2, values: [Float](repeating: 1, count: 8))
    #expect(try LogME.score(same, labels: [0, 1, 0, 1], classes: 2).isFinite)
    #expect(throws: ZooError.self) { try LogME.score(same, labels: [1, 1, 1, 1], classes: 2) }
  }

  @Test(arguments: 0..<2) func ridgeAgreesWithScikitLearn(index: Int) throws {
    let golden = try Goldens.read().ridge[index]
    let x = FeatureMatrix(golden.x, columns: golden.columns)
    let head = try RidgeRegression.fit(x, targets: golden.targets, penalty: golden.penalty)
    #expect(distance(head.weights, golden.weights) < 1e-11)
    #expect(abs(head.bias[0] - golden.bias) < 1e-9)
    #expect(try RidgeRegression.fit(x, targets: golden.targets, penalty: golden.penalty, threads: 3) == head)
  }

  @Test func ridgeSearchPredictsOtherFolds() throws {
    let (x, _) = clusters(rows: 60, columns: 8, classes: 2)
    let targets = (0..<60).map { 5 + 3 * Double(x.values[$0 * 8]) - Double(x.values[$0 * 8 + 1]) }
    let folds = (0..<60).map { $0 % 5 }
    let result = try RidgeRegression.search(x, targets: targets, folds: folds)
    #expect(result.penalty <= 0.001)
    let metrics = try RegressionMetrics(predictions: result.outOfFold, targets: targets)
    #expect(metrics.explained.value > 0.999)
    let rows = folds.indices.filter { folds[$0] != 0 }
    let training = x.selecting(rows: rows)
    let head = try RidgeRegression.fit(training, targets: rows.map { targets[$0] }, penalty: result.penalty)
      .folding(Standardization(training))
    #expect(abs(try head.scores(x)[0] - result.outOfFold[0]) < 1e-9)
    #expect(
      try RidgeRegression.search(x, targets: targets.map { $0 * 1000 }, folds: folds).penalty
        == result.penalty)
  }
}
