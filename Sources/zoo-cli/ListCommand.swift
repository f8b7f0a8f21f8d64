import ArgumentParser
import ModelZooTools
import ZooSystem

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the known architectures and published weight files.",
    discussion: """
      Known architectures, all networks of keras.applications among them, convert from files of weights alone. \
      Without a name, there is one line a family; with one, there is one line a published file. The size is that of \
      the weights in single precision, MACs are the multiplications and additions that one image takes, and top-1 is \
      the published share of ImageNet's validation images that are classified rightly.

      Examples:
        zoo list
        zoo list efficientnet
        zoo list mobilenet --urls
        zoo list --kernels
      """)

  @Argument(
    help: "Only families and architectures with this in their names, and all their files.",
    completion: .list(KnownArchitecture.names))
  var name: String?

  @Flag(help: "Also list where the weight files are published.")
  var urls = false

  @Flag(help: "List only the names of the architectures.")
  var names = false

  @Flag(
    help: """
      Instead, list the instruction sets that can be used on this machine, best first: the values of ZOO_KERNELS.
      """)
  var kernels = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard !kernels || name == nil && !urls && !names else {
      throw ValidationError("--kernels lists instruction sets and goes with --json and --quiet only.")
    }
    guard !names || !urls else { throw ValidationError("--names and --urls exclude each other.") }
  }

  func run() throws {
    if kernels { return try print(names: Model.availableKernels) }
    let entries = try name.map(KnownArchitecture.all(named:)) ?? KnownArchitecture.all
    if names { return try print(names: entries.map(\.name)) }
    if common.json { return try Terminal.print(json: entries) }
    if urls { return try printAddresses(of: entries) }
    guard name != nil else { return try printTable(of: entries) }
    try printVariants(of: entries)
    try printFacts(about: entries)
  }

  private func print(names: [String]) throws {
    if common.json { return try Terminal.print(json: names) }
    for name in names { try Terminal.print(name) }
  }

  /// One line a family.
  private func printTable(of entries: [KnownArchitecture]) throws {
    var table = Table(
      ["FAMILY", "PARAMETERS", "MACS", "INPUT", "TOP-1", "PREPROCESSING", "NAMES"],
      rightAligned: [1, 2, 3, 4], whole: [0], dropping: [5, 2, 3], wrapsLast: true)
    for members in Self.families(of: entries) {
      let files = members.compactMap(\.files.first)
      guard let first = members.first else { continue }
      table.add(
        first.family, span(files.map(\.parameters), rounded), span(files.map(\.macs), rounded),
        span(files.map { $0.inputSize[0] }) { "\($0)" },
        span(files.compactMap(\.topOne)) { decimal($0, 1) } + " %",
        first.preprocessing, members.map(\.name).joined(separator: ", "))
    }
    try table.print()
  }

  /// Neighbours of the same family.
  private static func families(of entries: [KnownArchitecture]) -> [[KnownArchitecture]] {
    var families: [[KnownArchitecture]] = []
    for entry in entries {
      if let place = families.firstIndex(where: { $0[0].family == entry.family }) {
        families[place].append(entry)
      } else {
        families.append([entry])
      }
    }
    return families
  }

  /// The least and the largest of `values`.
  private func span<Number: Comparable>(_ values: [Number], _ text: (Number) -> String) -> String {
    guard let least = values.min(), let most = values.max() else { return "-" }
    return least == most ? text(least) : "\(text(least))–\(text(most))"
  }

  /// A count as a person reads it: `25.6 M`, `3.9 G`.
  private func rounded(_ count: Int) -> String {
    count < 1_000_000_000
      ? decimal(Double(count) / 1e6, 1) + " M" : decimal(Double(count) / 1e9, 1) + " G"
  }

  /// All published files.
  private func printVariants(of entries: [KnownArchitecture]) throws {
    var table = Table(
      ["NAME", "PARAMETERS", "SIZE", "MACS", "TOP-1", "VARIANT"], rightAligned: [1, 2, 3, 4], whole: [0])
    for entry in entries {
      for file in entry.files {
        table.add(
          entry.name, grouped(file.parameters), byteSize(4 * file.parameters), rounded(file.macs),
          topOne(of: file), file.variant.replacing(", 1000 classes", with: ""))
      }
    }
    try table.print()
  }

  private func topOne(of file: KnownArchitecture.File) -> String {
    file.topOne.map { decimal($0, 1) + " %" } ?? "-"
  }

  /// What is the same for a whole family, once.
  private func printFacts(about entries: [KnownArchitecture]) throws {
    for members in Self.families(of: entries) {
      guard let first = members.first else { continue }
      try Terminal.print()
      try Terminal.print(members.count == 1 ? first.name : first.family)
      let preprocessing =
        first.preprocessing == "none"
        ? "none, the network scales pixels itself" : first.preprocessing
      for (label, value) in [
        ("preprocessing", preprocessing), ("accuracy", members.count == 1 ? first.accuracy : nil),
        ("licence", first.licence), ("citation", first.citation),
        ("writers", first.writers.isEmpty ? nil : first.writers.joined(separator: ", ")),
      ] {
        guard let value else { continue }
        try Terminal.print(row: label, value, margin: 2)
      }
    }
  }

  private func printAddresses(of entries: [KnownArchitecture]) throws {
    for entry in entries {
      for file in entry.files {
        try Terminal.print("\(entry.name), \(file.variant)")
        try Terminal.print("  " + file.address, indent: nil)
      }
    }
  }
}
