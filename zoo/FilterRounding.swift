/// The whole multiple of 8 nearest to `wanted`, at least 8: how many filters a scaled layer has in Keras'
/// MobileNets and EfficientNets.
///
/// - Parameter keepsNineTenths: whether it is the next larger multiple where rounding down takes more than a
///   tenth.
func roundedFilters(_ wanted: Double, keepsNineTenths: Bool = true) -> Int {
  let rounded = max(8, Int(wanted + 4) / 8 * 8)
  return keepsNineTenths && Double(rounded) < 0.9 * wanted ? rounded + 8 : rounded
}

/// Multipliers of width: the published ones, then all others up to 4 in hundredths.
let usualMultipliers: [Double] =
  [1, 0.75, 0.5, 0.35, 0.25, 1.3, 1.4] + (5...400).map { Double($0) / 100 }
