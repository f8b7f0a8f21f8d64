import ArgumentParser
import ModelZooTools

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the known architectures and published weight files.",
    discussion: """
      Examples:
        zoo list
        zoo list --json
        zoo list --kernels
      """)

  @Flag(
    help: """
      Instead, list the instruction sets that can be used on this machine, best first: the values of ZOO_KERNELS.
      """)
  var kernels = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    if kernels {
      let names = Model.availableKernels
      if common.json { return try Terminal.print(json: names) }
      for name in names { try Terminal.print(name) }
      return
    }
    let entries = KnownArchitecture.all
    if common.json { return try Terminal.print(json: entries) }
    for entry in entries {
      try Terminal.print(
        "\(entry.name)  (preprocessing \(entry.preprocessing), \(entry.accuracy ?? "accuracy unknown"))")
      try Terminal.print("  \(entry.citation ?? "")")
      if !entry.writers.isEmpty {
        try Terminal.print("  writers: \(entry.writers.joined(separator: ", "))")
      }
      for file in entry.files { try Terminal.print("  \(file.variant): \(file.address)") }
    }
  }
}
