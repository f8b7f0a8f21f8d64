#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is of use here in the `config.json` of a model.
struct HubModelConfiguration: Decodable {
  private struct Pretrained: Decodable { let license: String? }

  private let license: String?
  private let pretrained: Pretrained?

  private enum CodingKeys: String, CodingKey {
    case license
    case pretrained = "pretrained_cfg"
  }

  /// Bytes of a configuration that is read.
  static let limit = 16 << 20

  /// Nil where it can't be read.
  init?(path: String) {
    guard let bytes = FileSystem.contents(of: path, atMost: Self.limit),
      let decoded = try? JSONDecoder().decode(Self.self, from: Data(bytes))
    else { return nil }
    self = decoded
  }

  var licence: String? { license ?? pretrained?.license }
}
