import ZooSystem

extension ImageDataset {
  /// The pictures of class folders, or of parts with class folders.
  static func folders(in path: String) throws(ZooError) -> ImageDataset {
    let top = try PictureListing(of: path)
    var notes = ListingNotes()
    notes.add(top)
    let pictures = top.pictures(notes: &notes)
    var warnings: [String] = []
    let parts = try partFolders(top.folders, at: path, warnings: &warnings)

    var stray: [String] = []
    var found: [(name: String, part: Part?, folder: Substring)] = []
    found.reserveCapacity(pictures.count)
    for picture in pictures {
      var pieces = picture.name.split(separator: "/", maxSplits: parts == nil ? 1 : 2)[...]
      var part: Part?
      if let parts {
        guard let first = pieces.popFirst(), let known = parts[String(first)] else { continue }
        part = known
      }
      if pieces.count == 2, let folder = pieces.first {
        found.append((picture.name, part, folder))
      } else {
        stray.append(picture.name)
      }
    }
    if !stray.isEmpty {
      warnings.append(
        "\(counted(stray.count, "picture")) \(stray.count == 1 ? "lies" : "lie") in no class folder and "
          + "\(stray.count == 1 ? "is" : "are") left out: \(listed(stray, atMost: 3))")
    }

    let folders = Set(found.map(\.folder)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let names = try classNames(folders.map(String.init), at: path, warnings: &warnings)
    let used = Set(
      found.map { $0.name.split(separator: "/").prefix(parts == nil ? 1 : 2).joined(separator: "/") })
    let empty = (parts == nil ? top.folders : top.innerFolders.filter { isInside($0, parts) })
      .filter { !used.contains($0) }
    if !empty.isEmpty {
      warnings.append(
        "\(counted(empty.count, "folder")) \(empty.count == 1 ? "has" : "have") no pictures and "
          + "\(empty.count == 1 ? "makes" : "make") no class: \(listed(empty))")
    }
    warnings += notes.warnings
    guard let only = names.first else {
      if !stray.isEmpty {
        throw ZooError(
          .unsuitable, what: "no classes", at: path, "its pictures are not in class folders",
          remedy: "Make a folder for each class, or name a CSV file.")
      }
      throw noPictures(at: path, notes)
    }
    guard names.count > 1 else {
      throw ZooError(
        .unsuitable, what: "one class only", at: path, "all pictures are of \(listed([only]))",
        remedy: "A classifier needs a folder for each of at least two classes.")
    }

    // Names that were changed keep their folders' order until here.
    let task = Task(
      name: "class", kind: .classes,
      classNames: names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    let index = Dictionary(uniqueKeysWithValues: task.classNames.enumerated().map { ($1, $0) })
    let indexOfFolder = Dictionary(uniqueKeysWithValues: zip(folders, names.map { index[$0] ?? 0 }))
    let examples = found.map { picture in
      Example(
        path: joined(path, picture.name), name: picture.name,
        targets: [.classIndex(indexOfFolder[picture.folder] ?? 0)], part: picture.part)
    }
    try checkParts(of: [task], examples, at: path, warnings: &warnings)
    return ImageDataset(tasks: [task], examples: examples, warnings: warnings)
  }

  private static func isInside(_ folder: String, _ parts: [String: Part]?) -> Bool {
    folder.split(separator: "/").first.map { parts?[String($0)] != nil } ?? false
  }

  /// The folders that are parts, by name; nil where the folders are classes.
  ///
  /// A class can be called `train`: next to other classes, it is one.
  private static func partFolders(
    _ folders: [String], at path: String, warnings: inout [String]
  ) throws(ZooError) -> [String: Part]? {
    var parts: [String: Part] = [:]
    for folder in folders { parts[folder] = Part(name: folder) }
    let others = folders.filter { parts[$0] == nil }
    let kinds = Set(parts.values)
    guard others.isEmpty && !parts.isEmpty || kinds.contains(.training) && kinds.count > 1 else { return nil }
    guard kinds.contains(.training) else {
      throw ZooError(
        .missing, what: "no training pictures", at: path,
        "there is no folder 'train' beside \(listed(folders))")
    }
    for kind in Part.allCases {
      let same = folders.filter { parts[$0] == kind }
      guard same.count < 2 else {
        throw ZooError(
          .ambiguous, what: "ambiguous folders", at: path,
          "\(listed(same)) all mean the \(kind.rawValue) pictures")
      }
    }
    if !others.isEmpty {
      warnings.append(
        "\(counted(others.count, "folder")) besides the training and test pictures "
          + "\(others.count == 1 ? "is" : "are") left out: \(listed(others))")
    }
    return parts
  }

  /// Names as models store them: one line each, without blanks at the ends.
  /// - Throws: `ZooError` where two classes would have the same name.
  static func classNames(
    _ names: [String], at location: String, warnings: inout [String]
  ) throws(ZooError) -> [String] {
    var sources: [String: String] = [:]
    var clean: [String] = []
    for name in names {
      let line = cleaned(name)
      guard !line.isEmpty else {
        throw ZooError(.unsuitable, what: "a class without a name", at: location, "its name has only blanks")
      }
      if let other = sources.updateValue(name, forKey: line) {
        throw ZooError(
          .ambiguous, what: "two classes of one name", at: location,
          "\(listed([other, name])) differ in blanks, line breaks or control characters alone")
      }
      if line.utf8.elementsEqual(name.utf8) == false {
        warnings.append(
          "a class name has line breaks, control characters or blanks at its ends; it becomes \(listed([line]))"
        )
      }
      clean.append(line)
    }
    return clean
  }

  /// The name on one line, without blanks at its ends.
  static func cleaned(_ name: String) -> String {
    let line = name.onOneLine
    let characters = line.drop { $0 == " " }
    guard let last = characters.lastIndex(where: { $0 != " " }) else { return "" }
    return String(characters[...last])
  }
}
