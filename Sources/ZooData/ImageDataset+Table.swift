import ZooSystem

extension ImageDataset {
  /// The pictures that a CSV file names, and a task for each of its other columns.
  static func table(at path: String, options: Options) throws(ZooError) -> ImageDataset {
    let table = try PictureTable(path: path)
    var notes = ListingNotes()
    var warnings: [String] = []
    let kept = try table.present(notes: &notes)
    guard !kept.isEmpty else { throw noPictures(at: path, notes) }
    let wanted = try table.wantedColumns(options, warnings: &warnings)
    let parts = try table.parts(of: kept)

    var tasks: [Task] = []
    var targets: [[Target]] = []
    var leftOut: [String] = []
    for (column, kind, isChosen) in wanted {
      let name = table.header[column]
      let values = TaskColumn(
        name: cleaned(name), values: kept.map { table.rows[$0].cells[column] }, kind: kind)
      let fault =
        values.emptiness ?? (values.isIdentity && !isChosen ? "no two of its values are alike" : nil)
      if let fault {
        guard !isChosen else {
          throw ZooError(
            .unsuitable, what: "nothing to learn", at: path, "column \(listed([name])): \(fault)")
        }
        leftOut.append("column \(listed([name])) is left out: \(fault)")
        continue
      }
      let (task, found) = try values.task { "\(path), line \(table.rows[kept[$0]].line)" }
      tasks.append(task)
      targets.append(found)
    }
    guard !tasks.isEmpty else {
      throw ZooError(
        .unsuitable, what: "no labels", at: path,
        leftOut.first ?? "there is no column besides \(listed([table.header[table.pathColumn]]))")
    }
    warnings += leftOut

    var examples: [Example] = []
    examples.reserveCapacity(kept.count)
    // Where a picture was first: the row and its place among the examples.
    var first: [String: (row: Int, place: Int)] = [:]
    var repeated = 0
    var outside = 0
    for (place, row) in kept.enumerated() {
      let file = table.files[row]
      let example = Example(
        path: file.path, name: file.name, targets: targets.map { $0[place] }, part: parts[place])
      if let earlier = first[file.path] {
        guard examples[earlier.place] == example else {
          throw ZooError(
            .ambiguous, what: "a picture with two labels", at: path,
            "\(listed([file.name])) has other values in line \(table.rows[row].line) than in line "
              + "\(table.rows[earlier.row].line)")
        }
        repeated += 1
        continue
      }
      first[file.path] = (row, examples.count)
      if file.isOutside { outside += 1 }
      examples.append(example)
    }
    notes.outside = outside
    if repeated > 0 {
      warnings.append(
        "\(counted(repeated, "line")) \(repeated == 1 ? "repeats" : "repeat") a picture and is ignored")
    }
    let unlabelled = examples.count { $0.targets.allSatisfy { $0 == .missing } }
    if unlabelled > 0 { warnings.append("\(counted(unlabelled, "picture")) without any label") }
    warnings += notes.warnings
    try checkParts(of: tasks, examples, at: path, warnings: &warnings)
    return ImageDataset(tasks: tasks, examples: examples, warnings: warnings)
  }
}

/// The cells of a CSV file, and which column is what.
private struct PictureTable {
  let path: String
  let header: [String]
  /// All but the header, each with as many cells as it.
  let rows: [DelimitedText.Row]
  let pathColumn: Int
  private let partColumn: Int?
  /// The file of each row.
  let files: [File]

  struct File {
    let path: String
    /// The path inside the folder of the CSV file, or all of it where it lies outside.
    let name: String
    let isOutside: Bool
  }

  init(path: String) throws(ZooError) {
    self.path = path
    let all = try DelimitedText(path: path).rows
    guard let first = all.first else { throw ZooError(.malformed, "CSV file", at: path, "it is empty") }
    let header = first.cells.map { ImageDataset.cleaned($0) }
    let base = folder(of: path)
    if exists(Self.file(first.cells[0], base: base).path), !header[0].isEmpty,
      isFile(Self.file(first.cells[0], base: base).path)
    {
      throw ZooError(
        .malformed, "CSV file", at: "\(path), line \(first.line)", "it names a picture, not the columns",
        remedy: "Add a first line such as: path,class")
    }
    var known: Set<String> = []
    for name in header where !name.isEmpty {
      guard known.insert(name).inserted else {
        throw ZooError(
          .malformed, "CSV file", at: "\(path), line \(first.line)", "two columns are named \(listed([name]))"
        )
      }
    }
    for row in all where row.cells.count != header.count {
      throw ZooError(
        .malformed, "CSV file", at: "\(path), line \(row.line)",
        "\(counted(row.cells.count, "cell")), but the first line has \(header.count)")
    }
    let lowered = header.map { $0.lowercased() }
    let pathColumn =
      ["path", "file", "filename", "file_name", "filepath", "image"].lazy.compactMap {
        lowered.firstIndex(of: $0)
      }.first ?? 0
    let rows = Array(all.dropFirst())
    self.header = header
    self.rows = rows
    self.pathColumn = pathColumn
    partColumn = header.indices.first { column in
      column != pathColumn && ["split", "part", "set", "subset"].contains(lowered[column])
        && rows.contains { ImageDataset.Part(name: ImageDataset.cleaned($0.cells[column])) != nil }
    }
    var files: [File] = []
    files.reserveCapacity(rows.count)
    for row in rows {
      let cell = row.cells[pathColumn]
      guard !cell.isEmpty, !cell.utf8.contains(0) else {
        throw ZooError(
          .malformed, "CSV file", at: "\(path), line \(row.line)",
          cell.isEmpty ? "it names no picture" : "the picture's name has a zero byte")
      }
      files.append(Self.file(cell, base: base))
    }
    self.files = files
  }

  /// The file that a cell means. Paths that differ in `.`, `..` or repeated slashes alone are one file.
  private static func file(_ cell: String, base: String) -> File {
    let isAbsolute = cell.utf8.first == UInt8(ascii: "/")
    var pieces: [Substring] = []
    for piece in cell.split(separator: "/") where piece != "." {
      if piece == "..", let last = pieces.last, last != ".." {
        pieces.removeLast()
      } else if piece != ".." || !isAbsolute {
        pieces.append(piece)
      }
    }
    let name = pieces.joined(separator: "/")
    if isAbsolute {
      let full = "/" + name
      let inside = full.hasPrefix(base + "/")
      return File(
        path: full, name: inside ? String(full.dropFirst(base.count + 1)) : full, isOutside: !inside)
    }
    return File(
      path: base == "." ? name : joined(base, name), name: name, isOutside: pieces.first == "..")
  }

  /// The rows whose pictures are there.
  func present(notes: inout ListingNotes) throws(ZooError) -> [Int] {
    let kinds = FileLook.look(at: files.map(\.path))
    return rows.indices.filter { notes.accepts(kinds[$0], name: files[$0].name) }
  }

  /// The columns to learn, with what the caller says about them.
  func wantedColumns(
    _ options: ImageDataset.Options, warnings: inout [String]
  ) throws(ZooError) -> [(column: Int, kind: ImageDataset.Task.Kind?, isChosen: Bool)] {
    guard !options.tasks.isEmpty else {
      let unnamed = header.count { $0.isEmpty }
      if unnamed > 0 { warnings.append("\(counted(unnamed, "column")) without a name left out") }
      return header.indices.filter { $0 != pathColumn && $0 != partColumn && !header[$0].isEmpty }
        .map { ($0, nil, false) }
    }
    var wanted: [(column: Int, kind: ImageDataset.Task.Kind?, isChosen: Bool)] = []
    for choice in options.tasks {
      let (name, kind) = Self.parsed(choice, header)
      guard let column = header.firstIndex(of: name), column != pathColumn else {
        throw ZooError(
          .invalidArgument, what: "no such task", at: path,
          "there is no column \(listed([name])) to learn; there is "
            + listed(header.indices.filter { $0 != pathColumn }.map { header[$0] }, atMost: 10))
      }
      guard !wanted.contains(where: { $0.column == column }) else {
        throw ZooError(.invalidArgument, what: "no tasks", at: path, "\(listed([name])) is chosen twice")
      }
      wanted.append((column, kind, true))
    }
    return wanted
  }

  private static func parsed(_ choice: String, _ header: [String]) -> (String, ImageDataset.Task.Kind?) {
    guard !header.contains(choice), let colon = choice.lastIndex(of: ":") else { return (choice, nil) }
    let kind: ImageDataset.Task.Kind? =
      switch choice[choice.index(after: colon)...] {
      case "class": .classes
      case "labels": .labels
      case "number": .number
      default: nil
      }
    return kind == nil ? (choice, nil) : (String(choice[..<colon]), kind)
  }

  /// The part of each of these rows.
  func parts(of rows: [Int]) throws(ZooError) -> [ImageDataset.Part?] {
    guard let partColumn else { return rows.map { _ in nil } }
    var parts: [ImageDataset.Part?] = []
    parts.reserveCapacity(rows.count)
    for row in rows {
      let cell = ImageDataset.cleaned(self.rows[row].cells[partColumn])
      let part = ImageDataset.Part(name: cell)
      guard part != nil || cell.isEmpty else {
        throw ZooError(
          .malformed, "CSV file", at: "\(path), line \(self.rows[row].line)",
          "column \(listed([header[partColumn]])) has \(listed([cell])), expected train, val or test")
      }
      parts.append(part)
    }
    return parts
  }
}
