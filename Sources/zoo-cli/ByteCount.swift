import ArgumentParser

/// A size as people type it: `10MB`, `9.5 MiB`, `400000`.
struct ByteCount: ExpressibleByArgument {
  let bytes: Int

  private static let units: [(name: String, bytes: Double)] = [
    ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("kb", 1e3), ("mb", 1e6), ("gb", 1e9),
    ("k", 1e3), ("m", 1e6), ("g", 1e9), ("b", 1),
  ]

  init?(argument: String) {
    let text = argument.lowercased()
    let unit = Self.units.first { text.hasSuffix($0.name) }
    let number = text.dropLast(unit?.name.count ?? 0).filter { $0 != " " }
    guard let value = Double(number), value > 0,
      let bytes = Int(exactly: (value * (unit?.bytes ?? 1)).rounded(.down)), bytes > 0
    else { return nil }
    self.bytes = bytes
  }
}
