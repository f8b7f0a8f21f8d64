/// A moment as headers state it: `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum WebDate {
  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  /// Seconds since 1970; nil for a text of another form.
  package static func seconds(_ text: String) -> Double? {
    let parts = text.lowercased().split(separator: " ")
    guard parts.count == 6, parts[5] == "gmt", let day = number(parts[1], 1...31),
      let month = months.firstIndex(of: String(parts[2])), let year = number(parts[3], 1970...9999)
    else { return nil }
    let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
    guard clock.count == 3, let hour = number(clock[0], 0...23), let minute = number(clock[1], 0...59),
      let second = number(clock[2], 0...60)
    else { return nil }
    // A year begins in March, so that the day more of a leap year is its last.
    let (late, shifted) = month < 2 ? (1, month + 10) : (0, month - 2)
    let years = year - late
    let days = 365 * years + years / 4 - years / 100 + years / 400 + (153 * shifted + 2) / 5 + day - 1
    return Double((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
  }

  private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let value = Int(text),
      range.contains(value)
    else { return nil }
    return value
  }
}
