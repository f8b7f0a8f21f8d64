import ArgumentParser
import ZooModels
import ZooRuntime
import ZooTensor

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
      let names = Engine.availableKernels
      if common.json { return try Terminal.print(json: names) }
      for name in names { try Terminal.print(name) }
      return
    }
    let entries = Catalog.architectures.map(ArchitectureOutput.init)
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

private struct ArchitectureOutput: Encodable {
  struct File: Encodable {
    let variant: String
    let address: String
    let md5: String?
    let sha256: String?
  }

  let name: String
  let aliases: [String]
  let preprocessing: String
  let inputSize: [Int]
  let accuracy: String?
  let licence: String?
  let citation: String?
  let writers: [String]
  let files: [File]

  enum CodingKeys: String, CodingKey {
    case name, aliases, preprocessing
    case inputSize = "input_size"
    case accuracy, licence, citation, writers, files
  }

  init(_ architecture: Architecture) {
    name = architecture.name
    aliases = architecture.aliases
    preprocessing = architecture.card.preprocessing.rawValue
    inputSize = [architecture.defaultInput.height, architecture.defaultInput.width]
    accuracy = architecture.card.accuracy
    licence = architecture.card.licence
    citation = architecture.card.citation
    writers = architecture.writers
    files = architecture.published.map { file in
      var (md5, sha256): (String?, String?)
      switch file.hash {
      case .md5(let digits): md5 = digits
      case .sha256(let digits): sha256 = digits
      case nil: break
      }
      return File(variant: file.variant.description, address: file.address, md5: md5, sha256: sha256)
    }
  }
}
