import ArgumentParser
import ModelZooTools
import ZooSystem

struct SimilarCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "similar",
    abstract: "Find the pictures most like one.",
    discussion: """
      Pictures are alike if the model's features of them point in the same direction: the similarity is the cosine of the \
      angle between them, and 1 for equal pictures. Every picture is compared; the picture itself is left out where it is \
      among them. Features are computed once and kept in the cache of zoo train. For very many pictures write an index with \
      zoo index, and name that in place of the folder.

      Examples:
        zoo similar mobilenet.zoo cat.jpg photographs
        zoo similar mobilenet.zoo cat.jpg photographs --top 30 --html like-cat.html
        zoo similar mobilenet.zoo cat.jpg photographs.zoofeatures --json
      """)

  @Argument(help: "A .zoo file.", completion: .file(extensions: ["zoo"]))
  var model: String

  @Argument(help: "The picture to compare with.", completion: .file())
  var picture: String

  @Argument(help: "Folders, pictures, and indices that zoo index wrote.", completion: .file())
  var places: [String]

  @Option(help: ArgumentHelp("How many pictures to find.", valueName: "n"))
  var top = 10

  @Option(
    help: ArgumentHelp("Also write what was found as a web page.", valueName: "page.html"),
    completion: .file(extensions: ["html"]))
  var html: String?

  @Flag(help: "First compare all of an index with its checksums.")
  var check = false

  @OptionGroup var features: FeatureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...100_000).contains(top) else {
      throw ValidationError("--top takes a number from 1 to 100000, not \(top).")
    }
    if places.contains("-") || picture == "-" {
      throw ValidationError("Standard input is not read here; name a file.")
    }
    if let html, !html.lowercased().hasSuffix(".html") {
      throw ValidationError("--html takes a name that ends in .html, not '\(html)'.")
    }
  }

  func run() throws {
    let opened = try Model(zooFile: model)
    if let html { try AtomicFile.checkPossible(html, overwrite: overwrite.force) }
    common.warn(of: opened)
    let files = places.filter(PictureIndex.isIndex)
    var indices = try files.map { try PictureIndex(path: $0) }
    if check { for index in indices { try index.verify() } }
    var options = features.options(for: opened, threads: threads.count)
    // What an index was made with is what its pictures are comparable with.
    if let index = indices.first, !features.statesOrigin { options = try index.options(from: options) }
    let query = try features.features(of: [picture], model: model, options: options, common: common)
    let others = places.filter { !files.contains($0) }
    if !others.isEmpty {
      indices.append(
        PictureIndex(try features.features(of: others, model: model, options: options, common: common)))
    }
    let own = Self.realPath(picture)
    var matches: [PictureIndex.Match] = []
    for index in indices {
      matches += try index.matches(for: query, top: top, threads: threads.count) { path in
        path == picture || own != nil && Self.realPath(path) == own
      }.joined()
    }
    // Sorting keeps the order of those that are equally similar.
    let order = matches.indices.sorted {
      (-matches[$0].similarity, $0) < (-matches[$1].similarity, $1)
    }
    matches = order.prefix(top).map { matches[$0] }
    if let html {
      try PictureIndex.writePage(
        of: matches, like: picture, isUpright: options.isUpright, to: html, overwrite: overwrite.force)
    }
    let count = indices.reduce(0) { $0 + $1.count }
    if common.json {
      return try Terminal.print(
        json: Output(picture: picture, layers: query.layers, pictures: count, page: html, matches: matches))
    }
    guard !matches.isEmpty else {
      if !common.quiet { Terminal.note("there is no other picture") }
      return
    }
    var table = Table(["similarity", "picture"], rightAligned: [0])
    for match in matches { table.add(decimal(match.similarity, 4), match.path.onOneLine) }
    try table.print()
  }

  private static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private struct Output: Encodable {
    let picture: String
    let layers: [String]
    let pictures: Int
    let page: String?
    let matches: [PictureIndex.Match]
  }
}
