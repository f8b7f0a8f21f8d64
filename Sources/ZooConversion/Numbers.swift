import ZooSystem

/// The number with two significant digits, for people: `3.2e-06`, `1.5`.
package func significant(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  let exponent = Int(log10(value.magnitude).rounded(.down))
  let tenths = Int((value / pow(10, Double(exponent)) * 10).rounded())
  if (-2...2).contains(exponent) {
    let scale = pow(10, Double(1 - exponent))
    return "\((value * scale).rounded() / scale)"
  }
  let sign = tenths < 0 ? "-" : ""
  let carried = tenths.magnitude == 100
  let digits = carried ? 10 : Int(tenths.magnitude)
  return "\(sign)\(digits / 10).\(digits % 10)e\(carried ? exponent + 1 : exponent)"
}
