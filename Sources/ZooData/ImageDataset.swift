import ZooSystem

/// Labelled pictures: which files there are, and what is known about each.
///
/// Pictures are not decoded yet. A data set is one of
/// - a folder of class folders: `flowers/rose/1.jpg`;
/// - a folder with `train`, `test` and perhaps `val` (or `valid`, `validation`), each with class folders;
/// - a CSV file that names a picture in each line, with a column for each task.
public struct ImageDataset: Sendable {
  /// What is to be learned about pictures, in the order in which ``Example/targets`` has them.
  public let tasks: [Task]
  /// The pictures, sorted by the bytes of their names for folders, in the file's order for a CSV file.
  public let examples: [Example]
  /// What was left out and why, and what looks like a mistake; each is one line.
  public let warnings: [String]

  /// One thing to learn.
  public struct Task: Sendable, Hashable {
    /// The column's name; `class` for folders.
    public let name: String
    /// What its targets are.
    public let kind: Kind
    /// The names of classes or labels, sorted by their bytes; none for numbers. `10` comes before `2`, which does no
    /// harm: models store names, and nothing relies on their order.
    public let classNames: [String]

    /// What a task's targets are.
    public enum Kind: String, Sendable, Hashable {
      /// Every picture is of one class.
      case classes
      /// Every picture has any number of labels.
      case labels
      /// Every picture has a number.
      case number
    }

    package init(name: String, kind: Kind, classNames: [String]) {
      self.name = name
      self.kind = kind
      self.classNames = classNames
    }
  }

  /// What is known about a picture for one task.
  public enum Target: Sendable, Hashable {
    /// Nothing.
    case missing
    /// Its class: an index into ``Task/classNames``.
    case classIndex(Int)
    /// Its labels, ascending: indices into ``Task/classNames``.
    case labels([Int])
    /// Its number.
    case number(Double)
  }

  /// What a picture is meant for.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    /// To learn from.
    case training
    /// To measure the result while choices are made; never trained on.
    case validation
    /// To measure the result once, at the end.
    case test

    /// The part that a folder or a cell names, if it names one.
    init?(name: String) {
      switch name.lowercased() {
      case "train", "training": self = .training
      case "val", "valid", "validation", "dev": self = .validation
      case "test", "testing": self = .test
      default: return nil
      }
    }
  }

  /// A picture and what is known about it.
  public struct Example: Sendable, Hashable {
    /// Where the file is.
    public let path: String
    /// Its name for people: the path inside the data's folder.
    public let name: String
    /// One for each task.
    public let targets: [Target]
    /// What the data say it is for; nil where they don't say.
    public let part: Part?

    package init(path: String, name: String, targets: [Target], part: Part?) {
      self.path = path
      self.name = name
      self.targets = targets
      self.part = part
    }
  }

  /// What to read.
  public struct Options: Sendable {
    /// The columns of a CSV file to learn, by name; all where it is empty. `name:class`, `name:labels` and
    /// `name:number` say what the column's values are, where they are not to be recognised.
    public var tasks: [String]

    /// - Parameter tasks: the columns of a CSV file to learn; all where it is empty.
    public init(tasks: [String] = []) { self.tasks = tasks }
  }

  package init(tasks: [Task], examples: [Example], warnings: [String] = []) {
    self.tasks = tasks
    self.examples = examples
    self.warnings = warnings
  }

  /// Lists the pictures of the folder or CSV file at `path`.
  ///
  /// Pictures are recognised by their content. Hidden files are left out; links to files are followed, links to
  /// folders are not.
  ///
  /// - Throws: `ZooError` where `path` can't be read, or where its pictures and labels make no task.
  public init(path: String, options: Options = Options()) throws(ZooError) {
    if isFolder(path) {
      guard options.tasks.isEmpty else {
        throw ZooError(
          .invalidArgument, what: "no tasks", at: path,
          "it is a folder; only the columns of a CSV file can be chosen")
      }
      self = try Self.folders(in: path)
    } else {
      self = try Self.table(at: path, options: options)
    }
  }

  /// Pictures without labels: files, and all pictures of folders.
  ///
  /// - Throws: `ZooError` where a folder can't be read, or where there is no picture.
  public static func unlabelled(paths: [String]) throws(ZooError) -> ImageDataset {
    var examples: [Example] = []
    var notes = ListingNotes()
    for path in paths {
      guard isFolder(path) else {
        examples.append(Example(path: path, name: path, targets: [], part: nil))
        continue
      }
      let files = try PictureListing(of: path)
      for file in files.pictures(notes: &notes) {
        examples.append(
          Example(path: joined(path, file.name), name: file.name, targets: [], part: nil))
      }
      notes.add(files)
    }
    guard !examples.isEmpty else { throw noPictures(at: paths.joined(separator: ", "), notes) }
    return ImageDataset(tasks: [], examples: examples, warnings: notes.warnings)
  }
}

extension ImageDataset {
  /// The error about data without any picture.
  static func noPictures(at location: String, _ notes: ListingNotes) -> ZooError {
    let reason = notes.warnings.first.map { "; \($0)" } ?? ""
    return ZooError(
      .unsuitable, what: "no pictures", at: location, "there is no picture that can be read\(reason)")
  }

  /// Checks that every class of the other parts is one that is learned, and warns of classes that are not tested.
  static func checkParts(
    of tasks: [Task], _ examples: [Example], at location: String, warnings: inout [String]
  ) throws(ZooError) {
    guard examples.contains(where: { $0.part != nil }) else { return }
    for (place, task) in tasks.enumerated() where task.kind != .number {
      var counts = [Part?: [Int]]()
      for example in examples {
        // Pictures of no part can still be learned from.
        let part = example.part ?? .training
        switch example.targets[place] {
        case .classIndex(let index):
          counts[part, default: Array(repeating: 0, count: task.classNames.count)][index] += 1
        case .labels(let indices):
          for index in indices {
            counts[part, default: Array(repeating: 0, count: task.classNames.count)][index] += 1
          }
        case .missing, .number: break
        }
      }
      guard let learned = counts[.training] else {
        throw ZooError(
          .missing, what: "no training pictures", at: location,
          "every labelled picture is kept for another part")
      }
      for part in [Part.validation, .test] {
        guard let counts = counts[part] else { continue }
        let names = task.classNames
        let unknown = names.indices.filter { learned[$0] == 0 && counts[$0] > 0 }.map { names[$0] }
        guard unknown.isEmpty else {
          throw ZooError(
            .doesNotFit, what: "classes that can't be learned", at: location,
            "\(listed(unknown)): in the \(part.rawValue) pictures, but not in the training pictures")
        }
        let untested = names.indices.filter { learned[$0] > 0 && counts[$0] == 0 }.map { names[$0] }
        if !untested.isEmpty {
          warnings.append("there are no \(part.rawValue) pictures of \(listed(untested))")
        }
      }
    }
  }
}

/// Some names for a sentence, in quotation marks and on one line.
func listed(_ names: [String], atMost limit: Int = 5) -> String {
  let shown = names.prefix(limit).map { "'\($0.onOneLine)'" }
  if names.count > limit { return shown.joined(separator: ", ") + " and \(names.count - limit) more" }
  guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
  return shown.dropLast().joined(separator: ", ") + " and " + last
}

/// A path inside a folder.
func joined(_ folder: String, _ name: String) -> String {
  folder.hasSuffix("/") ? folder + name : folder + "/" + name
}
