import ZooGraph
import ZooModels
import ZooSystem

/// A published weight file of the catalogue under a short name, which `zoo pull` takes: `mobilenet:0.25-128-notop`.
///
/// The name is that of the architecture and what sets the file apart from its main one: the width, the kind, the
/// input size and whether the classifier is left out.
package struct PublishedWeights: Sendable {
  /// `mobilenet:0.25-128-notop`; the architecture's name alone for its main file.
  package let name: String
  /// The architecture's name: `mobilenet`.
  package let architecture: String
  /// Which member of the family it holds, in words.
  package let variant: String
  /// Height and width in pixels.
  package let inputSize: Extent2D
  /// Where it is published.
  package let address: String
  /// Its length, where that is known.
  package let bytes: Int?
  /// Its MD5 in hexadecimal digits, where that is published.
  package let md5: String?
  /// Its SHA-256 in hexadecimal digits, where that is published.
  package let sha256: String?
  /// The licence of the weights.
  package let licence: String?

  private let tags: [Tag]

  /// All files of the catalogue, those of an architecture next to each other, the main one first.
  package static var all: [PublishedWeights] { Catalog.architectures.flatMap(all(of:)) }

  /// The files of the architectures with `name` in one of their names or in their family's; empty where there is
  /// none.
  package static func all(matching name: String) -> [PublishedWeights] {
    let wanted = plain(name)
    return Catalog.architectures.filter { architecture in
      ([architecture.name, architecture.family] + architecture.aliases).contains {
        plain($0).contains(wanted)
      }
    }.flatMap(all(of:))
  }

  /// The file of a name, in any case and punctuation.
  ///
  /// - Parameters:
  ///   - name: of the architecture, or an alias of it.
  ///   - variant: what sets the file apart, with hyphens between and in any order; nil: the main file.
  /// - Throws: `ZooError` of the code `unknownArchitecture` where there is no such file, with those that there are.
  package static func named(_ name: String, variant: String?) throws(ZooError) -> PublishedWeights {
    guard let architecture = Catalog.architecture(named: name) else { throw unknown(name) }
    let files = all(of: architecture)
    let words = variant?.lowercased().split(separator: "-").map(String.init) ?? []
    func isMeant(_ file: PublishedWeights) -> Bool {
      words.allSatisfy { word in file.tags.contains { $0.matches(word) } }
        && file.tags.allSatisfy { tag in tag.isDefault || words.contains { tag.matches($0) } }
    }
    if let file = files.first(where: isMeant) { return file }
    let text = "\(architecture.name):\(variant ?? "")"
    let strange = words.first { word in !files.contains { $0.tags.contains { $0.matches(word) } } }
    let near = files.filter { file in words.allSatisfy { word in file.tags.contains { $0.matches(word) } } }
    if strange == nil, !near.isEmpty {
      throw error(text, "there is no such file", "There are \(list(near.map(\.name))).")
    }
    throw error(
      text, strange.map { "'\($0)' is none of its variants" } ?? "there is no such file",
      "\(architecture.name) has \(values(in: files)). `zoo pull --list \(architecture.name)` lists its files."
    )
  }

  private static func all(of architecture: Architecture) -> [PublishedWeights] {
    architecture.published.map { PublishedWeights($0, of: architecture) }
  }

  private init(_ file: PublishedFile, of architecture: Architecture) {
    let variant = file.variant
    tags = Tag.all(of: variant, defaultHeight: architecture.defaultInput.height)
    name = file.pullName(in: architecture)
    self.architecture = architecture.name
    self.variant = variant.description
    inputSize = Extent2D(variant.input.height, variant.input.width)
    address = file.address
    bytes = file.bytes
    md5 = file.md5
    sha256 = file.sha256
    licence = architecture.card.licence
  }

  // MARK: Errors

  private static func plain(_ text: String) -> String {
    text.lowercased().filter { $0.isLetter || $0.isNumber }
  }

  private static func unknown(_ name: String) -> ZooError {
    let wanted = plain(name)
    let names = Catalog.architectures.map(\.name)
    var likely = Catalog.architectures.filter { architecture in
      ([architecture.name, architecture.family] + architecture.aliases).contains {
        !wanted.isEmpty && plain($0).contains(wanted)
      }
    }.map(\.name)
    if likely.isEmpty {
      let near = names.map { (name: $0, distance: editDistance(wanted, $0)) }
        .filter { $0.distance <= max(1, min(3, $0.name.count / 3)) }
      let least = near.map(\.distance).min()
      likely = near.filter { $0.distance == least }.map(\.name)
    }
    guard !likely.isEmpty else {
      return error(
        name, "no network of the catalogue has this name",
        "There are \(names.joined(separator: ", ")). Other files: hf://ORG/NAME, or https://… with --sha256.")
    }
    return error(name, "no network of the catalogue has this name", "Did you mean \(list(likely))?")
  }

  private static func error(_ name: String, _ why: String, _ remedy: String) -> ZooError {
    ZooError(.unknownArchitecture, what: "unknown name", at: name, why, remedy: remedy)
  }

  /// `a, b or c`; the first few of many.
  private static func list(_ names: [String]) -> String {
    let shown = names.count > 10 ? Array(names.prefix(10)) + ["\(names.count - 10) more"] : names
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " or " + last
  }

  /// `0.25, 0.5, 0.75, 1.0; 128, 160, 192, 224; notop, top`.
  private static func values(in files: [PublishedWeights]) -> String {
    Tag.Category.allCases.compactMap { category in
      let values = Set(files.flatMap(\.tags).filter { $0.category == category }.map(\.value))
      return values.count > 1 || category == .kind && !values.isEmpty
        ? values.sorted().joined(separator: ", ") : nil
    }.joined(separator: "; ")
  }
}

/// One thing that sets a published file apart.
private struct Tag: Hashable, Sendable {
  enum Category: CaseIterable { case width, kind, size, top }

  let category: Category
  let value: String
  /// Whether it need not be said.
  let isDefault: Bool

  func matches(_ word: String) -> Bool {
    switch category {
    case .width: Double(word) == Double(value)
    case .kind: word == value
    case .size: word == value || word == "\(value)x\(value)"
    case .top: word == value || word == "no_top" && value == "notop"
    }
  }

  static func all(of variant: Variant, defaultHeight: Int) -> [Tag] {
    var tags: [Tag] = []
    for part in variant.definition.summary.split(separator: ", ") {
      let words = part.split(separator: " ")
      switch words.first {
      case "alpha"?:
        let value = words.dropFirst().joined()
        tags.append(Tag(category: .width, value: value, isDefault: Double(value) == 1))
      // The epsilon goes with the convention.
      case "epsilon"?, nil: break
      case "as"?: tags.append(Tag(category: .kind, value: plain(words.dropFirst()), isDefault: false))
      default: tags.append(Tag(category: .kind, value: plain(words[...]), isDefault: false))
      }
    }
    let height = variant.input.height
    tags.append(Tag(category: .size, value: "\(height)", isDefault: height == defaultHeight))
    let hasTop = variant.head == .imageNet
    tags.append(Tag(category: .top, value: hasTop ? "top" : "notop", isDefault: hasTop))
    return tags
  }

  private static func plain(_ words: ArraySlice<Substring>) -> String {
    words.joined().lowercased().filter { $0.isLetter || $0.isNumber }
  }
}

extension PublishedFile {
  /// What `zoo pull` takes for it.
  func pullName(in architecture: Architecture) -> String {
    let tags = Tag.all(of: variant, defaultHeight: architecture.defaultInput.height).filter { !$0.isDefault }
    return architecture.name + (tags.isEmpty ? "" : ":" + tags.map(\.value).joined(separator: "-"))
  }

  /// Its MD5, where that is known.
  var md5: String? { hashes.lazy.compactMap { if case .md5(let digits) = $0 { digits } else { nil } }.first }

  /// Its SHA-256, where that is known.
  var sha256: String? {
    hashes.lazy.compactMap { if case .sha256(let digits) = $0 { digits } else { nil } }.first
  }
}
