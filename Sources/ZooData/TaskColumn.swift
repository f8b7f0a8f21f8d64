import ZooSystem

/// A column of a table, with what its values are.
///
/// Unless the caller says so, values are
/// - numbers, where each is one and they don't look like classes. They do where all are whole, have no leading zeros
///   and no decimal point, have at most 20 different values, and each value occurs at least twice on average; and
///   where any has a leading zero, as codes do;
/// - labels, where any has a `|` or `;`, which separate several labels. A `|` alone means that none applies;
/// - else classes.
///
/// Empty cells are unknown values, and so are `NA`, `N/A`, `NaN` and `null` where all others are numbers.
package struct TaskColumn {
  let name: String
  /// Its values, without blanks at their ends; empty where unknown.
  private(set) var values: [String]
  package let kind: ImageDataset.Task.Kind

  /// The most different whole numbers that are taken for classes.
  static let mostNumberedClasses = 20
  /// The longest name of a class or label in bytes; what is longer is a description, not a label.
  static let longestName = 512

  package init(name: String, values: [String], kind: ImageDataset.Task.Kind?) {
    self.name = name
    self.values = values.map { ImageDataset.cleaned($0) }
    let kind = kind ?? Self.kind(of: self.values)
    self.kind = kind
    if kind == .number {
      self.values = self.values.map { Self.unknown.contains($0.lowercased()) ? "" : $0 }
    }
  }

  private static let unknown: Set<String> = ["na", "n/a", "nan", "null"]

  static func number(_ text: String) -> Double? {
    // Swift would also read hexadecimal numbers and the names of infinity.
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else {
      return nil
    }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  private static func kind(of values: [String]) -> ImageDataset.Task.Kind {
    let known = values.filter { !$0.isEmpty && !unknown.contains($0.lowercased()) }
    if !known.isEmpty, known.allSatisfy({ number($0) != nil }) {
      let digits = known.map { $0.utf8.first == UInt8(ascii: "-") ? $0.dropFirst() : $0[...] }
      let isWhole = digits.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
      guard isWhole else { return .number }
      if digits.contains(where: { $0.utf8.count > 1 && $0.utf8.first == UInt8(ascii: "0") }) {
        return .classes
      }
      let different = Set(known).count
      return different <= mostNumberedClasses && different * 2 <= known.count ? .classes : .number
    }
    return values.contains { $0.utf8.contains { $0 == UInt8(ascii: "|") || $0 == UInt8(ascii: ";") } }
      ? .labels : .classes
  }

  /// The labels in a cell.
  static func labels(in text: String) -> [String] {
    text.split { $0 == "|" || $0 == ";" }.map { ImageDataset.cleaned(String($0)) }.filter { !$0.isEmpty }
  }

  /// The task and the target of each row.
  ///
  /// - Parameter location: where row `n` is, for errors.
  func task(location: (Int) -> String) throws(ZooError) -> (ImageDataset.Task, [ImageDataset.Target]) {
    var names: Set<String> = []
    if kind != .number {
      for (row, value) in values.enumerated() where !value.isEmpty {
        for name in kind == .labels ? Self.labels(in: value) : [value] {
          guard name.utf8.count <= Self.longestName else {
            throw ZooError(
              .unsuitable, what: "no label", at: location(row),
              "column \(listed([self.name])) has a text of \(name.utf8.count) bytes",
              remedy: "Choose the columns to learn.")
          }
          names.insert(name)
        }
      }
    }
    let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let index = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, $0) })
    var targets: [ImageDataset.Target] = []
    targets.reserveCapacity(values.count)
    for (row, value) in values.enumerated() {
      guard !value.isEmpty else {
        targets.append(.missing)
        continue
      }
      switch kind {
      case .classes: targets.append(index[value].map { .classIndex($0) } ?? .missing)
      case .labels: targets.append(.labels(Set(Self.labels(in: value).compactMap { index[$0] }).sorted()))
      case .number:
        guard let number = Self.number(value) else {
          throw ZooError(
            .malformed, "number", at: location(row), "column \(listed([name])) has \(listed([value]))")
        }
        targets.append(.number(number))
      }
    }
    return (ImageDataset.Task(name: name, kind: kind, classNames: sorted), targets)
  }

  /// Why there is nothing to learn here; nil where there is.
  var emptiness: String? {
    let known = values.filter { !$0.isEmpty }
    guard let first = known.first else { return "it has no values" }
    if kind == .labels { return known.allSatisfy { Self.labels(in: $0).isEmpty } ? "it has no labels" : nil }
    let isConstant =
      kind == .number
      ? Set(known.compactMap { Self.number($0) }).count == 1 && known.allSatisfy { Self.number($0) != nil }
      : Set(known).count == 1
    return isConstant ? "all its values are \(listed([first]))" : nil
  }

  /// Whether it tells pictures apart rather than saying what they show: more than 20 classes, no two alike.
  package var isIdentity: Bool {
    guard kind == .classes else { return false }
    let known = values.filter { !$0.isEmpty }
    return known.count > 20 && Set(known).count == known.count
  }
}
