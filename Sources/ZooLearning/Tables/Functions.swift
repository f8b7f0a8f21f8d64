#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }

/// 1/(1+e⁻ˣ), without overflow.
func logistic(_ x: Double) -> Double {
  let tail = exp(-abs(x))
  return x >= 0 ? 1 / (1 + tail) : tail / (1 + tail)
}

/// ln(1+eˣ), without overflow.
func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

/// Σ a·b in eight chains, which are added in order.
func dot(_ a: [Double], _ b: [Double]) -> Double {
  a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { b in dot(a, b) } }
}

func dot(_ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>) -> Double {
  var chains = SIMD8<Double>.zero
  let count = min(a.count, b.count)
  guard count > 0, let a = a.baseAddress, let b = b.baseAddress else { return 0 }
  var index = 0
  while index + 8 <= count {
    let x = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Double>.self)
    let y = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Double>.self)
    chains += x * y
    index += 8
  }
  var sum = 0.0
  for lane in 0..<8 { sum += chains[lane] }
  while index < count {
    sum += a[index] * b[index]
    index += 1
  }
  return sum
}

/// y ← y + factor·x.
func add(_ factor: Double, _ x: [Double], to y: inout [Double]) {
  x.withUnsafeBufferPointer { x in
    y.withUnsafeMutableBufferPointer { y in
      for index in 0..<y.count { y[index] += factor * x[index] }
    }
  }
}

func cosine(_ x: Double) -> Double { cos(x) }
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
