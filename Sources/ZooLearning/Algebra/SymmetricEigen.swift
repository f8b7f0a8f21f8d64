import ZooSystem

/// The eigenvalues and eigenvectors of a symmetric matrix.
///
/// Householder reflections make the matrix tridiagonal, and implicit QL steps make that diagonal.
package struct SymmetricEigen: Sendable {
  /// The number of rows, columns and eigenvalues.
  package let order: Int
  /// The eigenvalues, from the largest to the smallest.
  package let values: [Double]
  /// The eigenvectors as rows (order, order), of length 1; the largest component of each is positive (the first of
  /// equals).
  package let vectors: [Double]

  /// Decomposes a matrix (order, order), of which the lower triangle is read.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit` if a value is not finite; of `cancelled`.
  package init(_ matrix: [Double], order: Int, threads: Int = 1) throws(ZooError) {
    try self.init(matrix, order: order, on: Workers(threads: threads))
  }

  init(_ matrix: [Double], order: Int, on workers: Workers) throws(ZooError) {
    precondition(matrix.count == order * order)
    guard matrix.allSatisfy({ $0.isFinite }) else {
      throw .learning(.doesNotFit, "a matrix to decompose has values that are not finite")
    }
    var tridiagonal = Tridiagonal(matrix, order: order)
    try tridiagonal.reduce(on: workers)
    var vectors = try tridiagonal.reflections(on: workers)
    var values = tridiagonal.diagonal
    var beside = tridiagonal.beside
    try Self.diagonalise(&values, &beside, &vectors, order, workers)
    let places = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }
    self.order = order
    self.values = places.map { values[$0] }
    self.vectors = places.flatMap { place in
      let vector = vectors[place * order..<(place + 1) * order]
      let largest = vector.reduce(0.0) { abs($1) > abs($0) ? $1 : $0 }
      return largest < 0 ? vector.map { -$0 } : Array(vector)
    }
  }

  /// A plane rotation of two neighbouring eigenvectors.
  private struct Rotation {
    let first: Int
    let cosine, sine: Double
  }

  /// Implicit QL on a tridiagonal matrix, which turns the rows of `vectors` along.
  ///
  /// The rotations are gathered and applied to blocks of columns, so that threads share them and the rows stay in
  /// the cache.
  private static func diagonalise(
    _ d: inout [Double], _ e: inout [Double], _ vectors: inout [Double], _ n: Int, _ workers: Workers
  ) throws(ZooError) {
    guard n > 1 else { return }
    var pending: [Rotation] = []
    // What is as small as the whole matrix's rounding can't be told from nothing: where both eigenvalues beside it are
    // about zero, it never gets small against these.
    let rounding = 0x1p-53 * zip(d, e).reduce(0) { max($0, abs($1.0) + abs($1.1)) }
    for l in 0..<n {
      var steps = 0
      while true {
        var m = l
        while m < n - 1 {
          let scale = abs(d[m]) + abs(d[m + 1])
          if abs(e[m]) <= max(rounding, 0x1p-53 * scale) { break }
          m += 1
        }
        guard m > l else { break }
        steps += 1
        // Each eigenvalue takes two or three steps; this many mean that there is none to find.
        guard steps < 200 else {
          throw ZooError(
            .unexpected, what: "cannot decompose", at: "a symmetric matrix", "its eigenvalues don't converge")
        }
        var g = (d[l + 1] - d[l]) / (2 * e[l])
        var r = (g * g + 1).squareRoot()
        g = d[m] - d[l] + e[l] / (g + (g < 0 ? -r : r))
        var (s, c, p) = (1.0, 1.0, 0.0)
        var isSplit = false
        for i in stride(from: m - 1, through: l, by: -1) {
          let f = s * e[i]
          let b = c * e[i]
          r = hypotenuse(f, g)
          e[i + 1] = r
          if r == 0 {
            d[i + 1] -= p
            e[m] = 0
            isSplit = true
            break
          }
          s = f / r
          c = g / r
          g = d[i + 1] - p
          r = (d[i] - g) * s + 2 * c * b
          p = s * r
          d[i + 1] = g + p
          g = c * r - b
          pending.append(Rotation(first: i, cosine: c, sine: s))
        }
        if !isSplit {
          d[l] -= p
          e[l] = g
          e[m] = 0
        }
        if pending.count >= 16 * n {
          try Cancellation.check()
          rotate(&vectors, pending, n, workers)
          pending = []
        }
      }
    }
    rotate(&vectors, pending, n, workers)
  }

  /// Columns that one thread turns at a time.
  private static let block = 32

  private static func rotate(
    _ vectors: inout [Double], _ rotations: [Rotation], _ n: Int, _ workers: Workers
  ) {
    vectors.withUnsafeMutableBufferPointer { vectors in
      rotations.withUnsafeBufferPointer { rotations in
        nonisolated(unsafe) let vectors = vectors
        workers.forEach((n + block - 1) / block) { index in
          guard let start = vectors.baseAddress else { return }
          let first = index * block
          let count = min(block, n - first)
          for rotation in rotations {
            let low = start + rotation.first * n + first
            let high = low + n
            let (c, s) = (rotation.cosine, rotation.sine)
            if count == block {
              // Whole vectors, which the compiler keeps in registers.
              for part in stride(from: 0, to: block, by: 8) {
                let x = UnsafeRawPointer(low + part).loadUnaligned(as: SIMD8<Double>.self)
                let y = UnsafeRawPointer(high + part).loadUnaligned(as: SIMD8<Double>.self)
                UnsafeMutableRawPointer(high + part).storeBytes(of: s * x + c * y, as: SIMD8<Double>.self)
                UnsafeMutableRawPointer(low + part).storeBytes(of: c * x - s * y, as: SIMD8<Double>.self)
              }
            } else {
              for column in 0..<count {
                let (x, y) = (low[column], high[column])
                high[column] = s * x + c * y
                low[column] = c * x - s * y
              }
            }
          }
        }
      }
    }
  }
}

/// √(a²+b²) without overflow.
private func hypotenuse(_ a: Double, _ b: Double) -> Double {
  let (large, small) = (max(abs(a), abs(b)), min(abs(a), abs(b)))
  guard large > 0 else { return 0 }
  let ratio = small / large
  return large * (1 + ratio * ratio).squareRoot()
}

/// A symmetric matrix on its way to tridiagonal form by reflections from the first column on.
private struct Tridiagonal {
  let order: Int
  private(set) var diagonal: [Double]
  /// Beside the diagonal: `beside[i]` is between i and i + 1; the last is 0.
  private(set) var beside: [Double]
  /// The whole symmetric matrix; then row i holds the reflection that cleared column i, from i + 1 on.
  private var a: [Double]
  private var factors: [Double]

  init(_ matrix: [Double], order: Int) {
    self.order = order
    a = matrix
    diagonal = [Double](repeating: 0, count: order)
    beside = diagonal
    factors = diagonal
    for row in 0..<order {
      for column in 0..<row { a[column * order + row] = a[row * order + column] }
    }
  }

  /// Rows that one thread updates at a time.
  private static let block = 32

  mutating func reduce(on workers: Workers) throws(ZooError) {
    let n = order
    for k in 0..<n {
      if k % 64 == 0 { try Cancellation.check() }
      diagonal[k] = a[k * n + k]
      guard k < n - 1 else { break }
      // The reflection H = 1 − factor·v·vᵀ takes the column below the diagonal to a multiple of the first axis.
      let first = k + 1
      let count = n - first
      var v = Array(a[k * n + first..<(k + 1) * n])
      let scale = v.map(abs).max() ?? 0
      guard count > 1, v[1...].contains(where: { abs($0) > 0 }), scale > 0 else {
        beside[k] = v[0]
        for place in v.indices { a[k * n + first + place] = 0 }
        continue
      }
      for place in v.indices { v[place] /= scale }
      let norm = dot(v, v).squareRoot()
      let alpha = v[0] > 0 ? -norm : norm
      beside[k] = alpha * scale
      v[0] -= alpha
      let factor = 2 / dot(v, v)
      factors[k] = factor
      update(first, count, v, factor, workers)
      for place in v.indices { a[k * n + first + place] = v[place] }
    }
  }

  /// A ← H·A·H on the square from `first` on: A − v·wᵀ − w·vᵀ with w = p − ½·factor·(pᵀv)·v, p = factor·A·v.
  private mutating func update(
    _ first: Int, _ count: Int, _ v: [Double], _ factor: Double, _ workers: Workers
  ) {
    let (n, block) = (order, Self.block)
    let blocks = (count + block - 1) / block
    var w = [Double](repeating: 0, count: count)
    a.withUnsafeMutableBufferPointer { a in
      nonisolated(unsafe) let a = a
      v.withUnsafeBufferPointer { v in
        w.withUnsafeMutableBufferPointer { w in
          nonisolated(unsafe) let w = w
          workers.forEach(blocks) { index in
            for row in index * block..<min((index + 1) * block, count) {
              let start = (first + row) * n + first
              w[row] = factor * dot(UnsafeBufferPointer(rebasing: a[start..<start + count]), v)
            }
          }
          let share = factor / 2 * dot(UnsafeBufferPointer(w), v)
          for place in 0..<count { w[place] -= share * v[place] }
          workers.forEach(blocks) { index in
            guard let base = a.baseAddress, let v = v.baseAddress, let w = w.baseAddress else { return }
            for row in index * block..<min((index + 1) * block, count) {
              let own = base + (first + row) * n + first
              let (x, y) = (v[row], w[row])
              for column in 0..<count { own[column] -= x * w[column] + y * v[column] }
            }
          }
        }
      }
    }
  }

  /// The product of all reflections, transposed: row i becomes the i-th eigenvector of the tridiagonal form's basis.
  func reflections(on workers: Workers) throws(ZooError) -> [Double] {
    let (n, block) = (order, Self.block)
    var q = [Double](repeating: 0, count: n * n)
    for index in 0..<n { q[index * n + index] = 1 }
    // Qᵀ = … H₁·H₀, built from the last reflection on, while all but the last rows are those of the identity.
    for k in stride(from: n - 2, through: 0, by: -1) where factors[k] != 0 {
      if k % 64 == 0 { try Cancellation.check() }
      let first = k + 1
      let count = n - first
      let factor = factors[k]
      a.withUnsafeBufferPointer { a in
        q.withUnsafeMutableBufferPointer { q in
          nonisolated(unsafe) let q = q
          let v = UnsafeBufferPointer(rebasing: a[k * n + first..<(k + 1) * n])
          // From the right: each row changes by itself.
          workers.forEach((count + block - 1) / block) { index in
            for row in index * block..<min((index + 1) * block, count) {
              let start = (first + row) * n + first
              let own = UnsafeMutableBufferPointer(rebasing: q[start..<start + count])
              let share = factor * dot(UnsafeBufferPointer(own), v)
              for column in 0..<count { own[column] -= share * v[column] }
            }
          }
        }
      }
    }
    return q
  }
}
