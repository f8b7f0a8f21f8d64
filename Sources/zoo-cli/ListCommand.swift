import ArgumentParser
import ModelZooTools
import ZooSystem

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the known architectures and published weight files.",
    discussion: """
      Known architectures convert from files of weights alone. The other networks of keras.applications convert from \
      whole models (.keras, .h5). The size is that of the weights in single precision, and top-1 the published share \
      of ImageNet's validation images that are classified rightly.

      Examples:
        zoo list
        zoo list mobilenet --urls
        zoo list --kernels
      """)

  @Argument(
    help: "Only architectures with this in their names, and all their variants.",
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

  private func printTable(of entries: [KnownArchitecture]) throws {
    var table = Table(
      ["NAME", "PARAMETERS", "SIZE", "INPUT", "TOP-1", "PREPROCESSING"], rightAligned: [1, 2, 3, 4],
      whole: [0], dropping: [5])
    for entry in entries {
      guard let file = entry.files.first else { continue }
      table.add(
        entry.name, grouped(file.parameters), byteSize(4 * file.parameters),
        "\(file.inputSize[0])x\(file.inputSize[1])", topOne(of: file), entry.preprocessing)
    }
    try table.print()
  }

  /// All published files.
  private func printVariants(of entries: [KnownArchitecture]) throws {
    var table = Table(
      ["NAME", "PARAMETERS", "SIZE", "TOP-1", "VARIANT"], rightAligned: [1, 2, 3], whole: [0])
    for entry in entries {
      for file in entry.files {
        table.add(
          entry.name, grouped(file.parameters), byteSize(4 * file.parameters), topOne(of: file),
          file.variant.replacing(", 1000 classes", with: ""))
      }
    }
    try table.print()
  }

  private func topOne(of file: KnownArchitecture.File) -> String {
    file.topOne.map { decimal($0, 1) + " %" } ?? "-"
  }

  private func printFacts(about entries: [KnownArchitecture]) throws {
    for entry in entries {
      try Terminal.print()
      try Terminal.print(entry.name)
      for (label, value) in [
        ("preprocessing", entry.preprocessing), ("accuracy", entry.accuracy), ("licence", entry.licence),
        ("citation", entry.citation),
        ("writers", entry.writers.isEmpty ? nil : entry.writers.joined(separator: ", ")),
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
