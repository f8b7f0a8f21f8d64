import ZooModels

/// An architecture of the catalogue, with the weight files that are published for it.
public struct KnownArchitecture: Sendable, Encodable {
  /// A published weight file.
  public struct File: Sendable, Encodable {
    /// Which member of the family it holds, in words.
    public let variant: String
    /// Where it is published.
    public let address: String
    /// Its MD5, in hexadecimal digits, where that is published.
    public let md5: String?
    /// Its SHA-256, in hexadecimal digits, where that is published.
    public let sha256: String?
  }

  /// What a conversion takes and a `.zoo` file says, for example `resnet50`.
  public let name: String
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
  /// The published files.
  public let files: [File]

  enum CodingKeys: String, CodingKey {
    case name, aliases, preprocessing
    case inputSize = "input_size"
    case accuracy, licence, citation, writers, files
  }

  /// All of the catalogue.
  public static var all: [KnownArchitecture] { Catalog.architectures.map(KnownArchitecture.init) }

  private init(_ architecture: Architecture) {
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
