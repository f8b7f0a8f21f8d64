/// Columns of text, padded to a common width; in a terminal that is too narrow, the widest of them are cut.
struct Table {
  private var rows: [[String]] = []
  /// The columns that are aligned at their right edge.
  let rightAligned: Set<Int>
  /// What is never cut, apart from what is aligned at its right edge.
  let whole: Set<Int>
  /// What a narrow terminal is not shown, the first first.
  let dropping: [Int]
  /// The last column, where its cells are lists that may go on in further lines.
  let wrapsLast: Bool
  private static let gap = 2
  /// A cut column keeps this many columns of the terminal.
  private static let leastWidth = 12
  /// Rather than to cut others below this, columns of ``dropping`` are left out.
  private static let readableWidth = 20

  init(
    _ header: [String], rightAligned: Set<Int> = [], whole: Set<Int> = [], dropping: [Int] = [],
    wrapsLast: Bool = false
  ) {
    rows = [header]
    self.rightAligned = rightAligned
    self.whole = whole
    self.dropping = dropping
    self.wrapsLast = wrapsLast
  }

  mutating func add(_ row: String...) { add(row) }

  mutating func add(_ row: [String]) { rows.append(row) }

  func print(on stream: Terminal.Stream = .output) throws {
    let widths = widths(in: Terminal.outputWidth)
    for row in rows {
      var line = ""
      for (column, cell) in row.enumerated() {
        guard let width = widths[column] else { continue }
        if !line.isEmpty { line += String(repeating: " ", count: Self.gap) }
        guard column + 1 < row.count || !wrapsLast else { continue }
        let text = cell.nameFitting(columns: width)
        let padding = String(repeating: " ", count: width - text.columns)
        line += rightAligned.contains(column) ? padding + text : text + padding
      }
      guard wrapsLast, let last = row.last, let width = widths[row.count - 1] else {
        try Self.print(line, on: stream)
        continue
      }
      let margin = String(repeating: " ", count: line.columns)
      for (index, part) in Self.lines(of: last, columns: width).enumerated() {
        try Self.print((index == 0 ? line : margin) + part, on: stream)
      }
    }
  }

  private static func print(_ line: String, on stream: Terminal.Stream) throws {
    let end = line.lastIndex { $0 != " " }
    try Terminal.print(end.map { String(line[...$0]) } ?? "", indent: nil, on: stream)
  }

  /// The entries of a list, with their commas.
  private static func parts(of cell: String) -> [String] {
    let entries = cell.split(separator: ", ")
    return entries.enumerated().map { $0 + 1 < entries.count ? $1 + "," : String($1) }
  }

  /// A list in lines of at most `columns` columns; an entry that is longer is cut.
  private static func lines(of cell: String, columns: Int) -> [String] {
    var lines: [String] = []
    for part in parts(of: cell) {
      let text = part.nameFitting(columns: columns)
      if let last = lines.last, last.columns + 1 + text.columns <= columns {
        lines[lines.count - 1] = "\(last) \(text)"
      } else {
        lines.append(text)
      }
    }
    return lines.isEmpty ? [""] : lines
  }

  /// The width of each column, so that all fit into `limit` columns of the terminal, as far as they can; nil for
  /// one that is left out.
  private func widths(in limit: Int?) -> [Int?] {
    let count = rows.map(\.count).max() ?? 0
    var widths: [Int?] = (0..<count).map { column in
      rows.map { $0.count > column ? $0[column].columns : 0 }.max() ?? 0
    }
    guard let limit else { return widths }
    if wrapsLast, count > 0, widths.reduce(Self.gap * (count - 1), { $0 + ($1 ?? 0) }) > limit {
      widths[count - 1] = rows.compactMap(\.last).flatMap { Self.parts(of: $0) }.map(\.columns).max() ?? 0
    }
    func excess() -> Int {
      let shown = widths.compactMap(\.self)
      return shown.reduce(Self.gap * (shown.count - 1), +) - limit
    }
    let cuttable = widths.indices.filter { !rightAligned.contains($0) && !whole.contains($0) }
    func reserve() -> Int { cuttable.reduce(0) { $0 + max(0, (widths[$1] ?? 0) - Self.readableWidth) } }
    for column in dropping where excess() > reserve() { widths[column] = nil }
    while excess() > 0, let widest = cuttable.max(by: { widths[$0] ?? 0 < widths[$1] ?? 0 }),
      let width = widths[widest], width > Self.leastWidth
    {
      widths[widest] = width - 1
    }
    return widths
  }
}
