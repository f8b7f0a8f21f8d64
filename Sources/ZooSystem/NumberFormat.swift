// Numbers as people read them.

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

/// `12,345,678`.
package func grouped(_ number: Int) -> String {
  var digits = String(number.magnitude)
  var groups: [String] = []
  while digits.count > 3 {
    groups.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
}

/// `1 picture`, `2,000 pictures`.
package func counted(_ number: Int, _ thing: String) -> String {
  "\(grouped(number)) \(thing)\(number == 1 ? "" : "s")"
}

/// `97.8 MiB`.
package func byteSize(_ count: Int) -> String {
  let units = ["B", "KiB", "MiB", "GiB"]
  var value = Double(count)
  var unit = 0
  while value >= 1024, unit + 1 < units.count {
    value /= 1024
    unit += 1
  }
  return unit == 0 ? "\(count) B" : "\(decimal(value, 1)) \(units[unit])"
}

/// The number with a fixed number of decimals.
package func decimal(_ value: Double, _ places: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  let scale = pow(10.0, Double(places))
  let scaled = Int((value.magnitude * scale).rounded())
  let divisor = Int(scale)
  let fraction =
    places > 0
    ? "." + String(repeating: "0", count: places - String(scaled % divisor).count) + String(scaled % divisor)
    : ""
  return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / divisor)" + fraction
}
