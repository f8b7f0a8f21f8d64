import ArgumentParser
import ModelZooTools
import ZooSystem

struct ClusterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster",
    abstract: "Sort pictures without labels into groups.",
    discussion: """
      Groups are found by k-means on the principal components of the model's features. By default their number is the one \
      whose groups are best apart by their silhouette. If the pictures lie in several folders, it is also shown how far \
      groups and folders agree. The pictures stay where they are; --copy-to copies them into a new folder.

      Examples:
        zoo cluster mobilenet.zoo photographs
        zoo cluster mobilenet.zoo photographs --groups 12 -o groups.html
        zoo cluster mobilenet.zoo photographs --copy-to sorted
      """)

  @Argument(help: "A .zoo file.", completion: .file(extensions: ["zoo"]))
  var model: String

  @Argument(help: "Folders and pictures.", completion: .file())
  var places: [String]

  @Option(help: ArgumentHelp("How many groups to make.", valueName: "auto|n"), completion: .list(["auto"]))
  var groups = GroupsOption(number: .automatic)

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write a web page with a map of the pictures and each group.", valueName: "map.html"),
    completion: .file(extensions: ["html"]))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Copy the pictures into a new folder, with a folder for each group.", valueName: "folder"),
    completion: .directory)
  var copyTo: String?

  @Option(help: ArgumentHelp("Another seed starts from other pictures.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup var features: FeatureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  /// How many typical pictures of a group are named.
  private static let named = 3

  func validate() throws {
    guard !places.contains("-") else {
      throw ValidationError("Standard input is not read here; name a file.")
    }
    if let output, !output.lowercased().hasSuffix(".html") {
      throw ValidationError("-o takes a name that ends in .html, not '\(output)'.")
    }
  }

  func run() throws {
    let opened = try Model(zooFile: model)
    if let output { try AtomicFile.checkPossible(output, overwrite: overwrite.force) }
    if let copyTo { try AtomicFile.checkAbsent(copyTo) }
    common.warn(of: opened)
    let options = features.options(for: opened, threads: threads.count)
    let found = try features.features(of: places, model: model, options: options, common: common)
    let bar = ProgressBar(quiet: common.quiet)
    let sorted = try PictureGroups(found, number: groups.number, seed: seed, threads: threads.count) {
      done, total in
      bar.show("looking for groups", done: done, total: total) { "\($0) numbers" }
    }
    if let output {
      let title = places.map { $0.split(separator: "/").last.map(String.init) ?? $0 }.joined(separator: ", ")
      try sorted.writePage(
        to: output, title: title, isUpright: options.isUpright, overwrite: overwrite.force
      ) { done, total in bar.show("drawing", done: done, total: total) { "\($0) pictures" } }
    }
    if let copyTo {
      try sorted.copy(to: copyTo) { done, total in
        bar.show("copying", done: done, total: total) { "\($0) pictures" }
      }
    }
    bar.finish()
    if common.json {
      return try Terminal.print(json: Output(sorted, found, page: output, copies: copyTo))
    }
    try print(sorted)
    guard !common.quiet else { return }
    if let output { try Terminal.print("wrote \(output)") }
    if let copyTo { try Terminal.print("copied to \(copyTo)") }
  }

  private func print(_ sorted: PictureGroups) throws {
    try Terminal.print(
      row: "pictures", "\(grouped(sorted.paths.count)) in \(grouped(sorted.groups.count)) groups")
    if let silhouette = sorted.silhouette { try Terminal.print(row: "silhouette", decimal(silhouette, 3)) }
    if let agreement = sorted.agreement {
      try Terminal.print(
        row: "agreement",
        "\(decimal(agreement, 3)) with the \(sorted.folders.count) folders (adjusted Rand index)")
    }
    for (index, group) in sorted.groups.enumerated() {
      let typical = group.pictures.prefix(Self.named).map(\.onOneLine).joined(separator: ", ")
      try Terminal.print(
        row: "group \(index + 1)",
        "\(group.text): \(typical)\(group.pictures.count > Self.named ? ", …" : "")")
    }
  }

  private struct Output: Encodable {
    let pictures: Int
    let silhouette: Double?
    let trials: [PictureGroups.Trial]
    let agreement: Double?
    let groups: [PictureGroups.Group]
    let unreadable: [TrainingReport.Data.Unreadable]
    let page: String?
    let copies: String?

    init(_ sorted: PictureGroups, _ features: PictureFeatures, page: String?, copies: String?) {
      pictures = sorted.paths.count
      silhouette = sorted.silhouette
      trials = sorted.trials
      agreement = sorted.agreement
      groups = sorted.groups
      unreadable = features.unreadable
      self.page = page
      self.copies = copies
    }
  }
}

/// `--groups auto` or `--groups 12`.
struct GroupsOption: ExpressibleByArgument {
  let number: PictureGroups.Number

  init(number: PictureGroups.Number) { self.number = number }

  init?(argument: String) {
    if argument == "auto" {
      number = .automatic
    } else if let count = Int(argument), (1...100_000).contains(count) {
      number = .exactly(count)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String {
    switch number {
    case .automatic: "auto"
    case .exactly(let count): String(count)
    }
  }
}
