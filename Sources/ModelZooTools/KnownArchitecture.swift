import ZooModels
import ZooSystem

/// An architecture of the catalogue, with the weight files that are published for it.
public struct KnownArchitecture: Sendable, Encodable {
  /// A published weight file.
  public struct File: Sendable, Encodable {
    /// What `zoo pull` takes for it, for example `mobilenet:0.25-128-notop`.
    public let name: String
    /// Which member of the family it holds, in words.
    public let variant: String
    /// (height, width) in pixels.
    public let inputSize: [Int]
    /// Whether it has the classifier.
    public let hasTop: Bool
    /// The number of weights.
    public let parameters: Int
    /// Multiplications and additions that one image takes, in pairs.
    public let macs: Int
    /// The share of ImageNet's validation images that it classifies rightly, in percent, where that is published.
    public let topOne: Double?
    /// Where it is published.
    public let address: String
    /// Its length, where that is known.
    public let bytes: Int?
    /// Its MD5, in hexadecimal digits, where that is published.
    public let md5: String?
    /// Its SHA-256, in hexadecimal digits, where that is published.
    public let sha256: String?

    enum CodingKeys: String, CodingKey {
      case name, variant
      case inputSize = "input_size"
      case hasTop = "has_top"
      case parameters, macs
      case topOne = "top1"
      case address, bytes, md5, sha256
    }

    init(_ file: PublishedFile, of architecture: Architecture) {
      let variant = file.variant
      name = file.pullName(in: architecture)
      self.variant = variant.description
      inputSize = [variant.input.height, variant.input.width]
      hasTop = variant.head == .imageNet
      // The graphs of published members are sound: a test makes them all.
      let graph = try? variant.graph()
      parameters = graph?.parameterCount ?? 0
      macs = graph?.macs ?? 0
      // The card's figure is of the member that the architecture is known for.
      let isMain =
        hasTop && variant.definition.summary == architecture.definition.summary
        && variant.input == architecture.defaultInput
      topOne = file.topOne ?? (isMain ? architecture.card.accuracy.flatMap(Self.firstNumber) : nil)
      address = file.address
      bytes = file.bytes
      md5 = file.md5
      sha256 = file.sha256
    }

    /// 71.3 of `71.3 % top-1, 90.1 % top-5 on …`.
    private static func firstNumber(_ text: String) -> Double? {
      text.split(separator: " ").first.flatMap { Double($0) }
    }
  }

  /// What a conversion takes and a `.zoo` file says, for example `resnet50`.
  public let name: String
  /// What it and its relatives are called together, for example `ResNet`.
  public let family: String
  /// Other names for it.
  public let aliases: [String]
  /// How pixels become what enters the network, see `Preprocessing`.
  public let preprocessing: String
  /// (height, width) in pixels of the published member.
  public let inputSize: [Int]
  /// Measured accuracy in percent, and on what.
  public let accuracy: String?
  /// The licence of the published weights.
  public let licence: String?
  /// How to cite it.
  public let citation: String?
  /// Programs whose files differ in what tensors don't tell.
  public let writers: [String]
  /// The published files, the main one first.
  public let files: [File]

  enum CodingKeys: String, CodingKey {
    case name, family, aliases, preprocessing
    case inputSize = "input_size"
    case accuracy, licence, citation, writers, files
  }

  /// All of the catalogue.
  public static var all: [KnownArchitecture] { Catalog.architectures.map(KnownArchitecture.init) }
  /// The names of all architectures.
  public static var names: [String] { Catalog.architectures.map(\.name) }
  /// The names of all writers.
  public static var allWriters: [String] { Array(Set(Catalog.architectures.flatMap(\.writers))).sorted() }

  /// The architectures with `name` in one of their names or in their family's, whatever the case and punctuation.
  ///
  /// - Throws: `ZooError` with the code `ZooError.Code.unknownArchitecture` where there is none.
  public static func all(named name: String) throws(ZooError) -> [KnownArchitecture] {
    func plain(_ text: String) -> String { text.lowercased().filter { $0.isLetter || $0.isNumber } }
    let wanted = plain(name)
    let found = Catalog.architectures.filter { architecture in
      ([architecture.name, architecture.family] + architecture.aliases).contains {
        plain($0).contains(wanted)
      }
    }
    guard !found.isEmpty else {
      throw ZooError(
        .unknownArchitecture, what: "unknown architecture", at: "", "none has '\(name)' in its name",
        remedy: "Known architectures: \(names.joined(separator: ", ")).")
    }
    return found.map(KnownArchitecture.init)
  }

  private init(_ architecture: Architecture) {
    name = architecture.name
    family = architecture.family
    aliases = architecture.aliases
    preprocessing = architecture.card.preprocessing.rawValue
    inputSize = [architecture.defaultInput.height, architecture.defaultInput.width]
    accuracy = architecture.card.accuracy
    licence = architecture.card.licence
    citation = architecture.card.citation
    writers = architecture.writers
    files = architecture.published.map { File($0, of: architecture) }
  }
}
