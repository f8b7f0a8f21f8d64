/// Solves min |A x - b|² + λ |x|² for many b: the normal equations, factored once by Cholesky.
struct RidgeSolver {
  /// λ as a share of the mean of the diagonal of AᵀA.
  private static let regularization = 0.05

  private let inputs: Int
  private let outputs: Int
  private let inputScales: [Double]
  /// Aᵀ, row-major (inputs, outputs).
  private let transposed: [Float]
  /// AᵀA, row-major.
  private let gram: [Double]
  /// The lower triangle L of L Lᵀ = AᵀA + λ, row-major.
  private let factor: [Double]

  /// - Parameters:
  ///   - response: Row-major (inputs, outputs). A is its transpose with every output and input scaled.
  ///
  /// Nil where the matrix is not finite or all zero.
  init?(_ response: [Float], inputScales: [Double], outputScales: [Double]) {
    let (inputs, outputs) = (inputScales.count, outputScales.count)
    var transposed = response
    for i in 0..<inputs {
      for o in 0..<outputs {
        transposed[i * outputs + o] *= Float(inputScales[i] * outputScales[o])
      }
    }
    let gram = Self.gram(transposed, rows: inputs, columns: outputs)
    let lambda = (0..<inputs).reduce(0) { $0 + gram[$1 * inputs + $1] } / Double(inputs) * Self.regularization
    guard lambda.isFinite, lambda > 0, let factor = Self.cholesky(gram, size: inputs, shift: lambda) else {
      return nil
    }
    self.inputs = inputs
    self.outputs = outputs
    self.inputScales = inputScales
    self.transposed = transposed
    self.gram = gram
    self.factor = factor
  }

  /// x for one b, in units of the inputs' scales; `b` in units of the outputs' scales.
  func solve(_ b: [Double]) -> [Double] {
    substitute(
      (0..<inputs).map { i in
        (0..<outputs).reduce(0) { $0 + Double(transposed[i * outputs + $1]) * b[$1] }
      })
  }

  /// What ``solve(_:)`` makes of the b that the unscaled inputs `x` give.
  func regularized(_ x: [Double]) -> [Double] {
    let scaled = zip(x, inputScales).map { $0 / $1 }
    return substitute(
      (0..<inputs).map { i in
        gram[i * inputs..<(i + 1) * inputs].withUnsafeBufferPointer { row in
          var sum = 0.0
          for j in 0..<inputs { sum += row[j] * scaled[j] }
          return sum
        }
      })
  }

  /// Solves L Lᵀ x = y.
  private func substitute(_ y: [Double]) -> [Double] {
    var x = y
    factor.withUnsafeBufferPointer { factor in
      for i in 0..<inputs {
        var sum = x[i]
        for j in 0..<i { sum -= factor[i * inputs + j] * x[j] }
        x[i] = sum / factor[i * inputs + i]
      }
      for i in (0..<inputs).reversed() {
        x[i] /= factor[i * inputs + i]
        for j in 0..<i { x[j] -= factor[i * inputs + j] * x[i] }
      }
    }
    return x
  }

  /// M Mᵀ of a row-major matrix.
  private static func gram(_ matrix: [Float], rows: Int, columns: Int) -> [Double] {
    var gram = [Double](repeating: 0, count: rows * rows)
    matrix.withUnsafeBufferPointer { matrix in
      for i in 0..<rows {
        for j in 0...i {
          // Eight sums side by side, which the compiler makes vectors of.
          var sums = SIMD8<Float>.zero
          var k = 0
          while k + 8 <= columns {
            var (a, b) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
            for lane in 0..<8 {
              a[lane] = matrix[i * columns + k + lane]
              b[lane] = matrix[j * columns + k + lane]
            }
            sums += a * b
            k += 8
          }
          var sum = Double(sums.sum())
          while k < columns {
            sum += Double(matrix[i * columns + k] * matrix[j * columns + k])
            k += 1
          }
          gram[i * rows + j] = sum
          gram[j * rows + i] = sum
        }
      }
    }
    return gram
  }

  private static func cholesky(_ matrix: [Double], size: Int, shift: Double) -> [Double]? {
    var factor = matrix
    return factor.withUnsafeMutableBufferPointer { factor -> Bool in
      for i in 0..<size {
        for j in 0...i {
          var sum = factor[i * size + j] + (i == j ? shift : 0)
          for k in 0..<j { sum -= factor[i * size + k] * factor[j * size + k] }
          if i == j {
            guard sum > 0 else { return false }
            factor[i * size + i] = sum.squareRoot()
          } else {
            factor[i * size + j] = sum / factor[j * size + j]
          }
        }
      }
      return true
    } ? factor : nil
  }
}
