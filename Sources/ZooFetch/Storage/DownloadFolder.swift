import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The folder of this program's own downloads: each in a folder of its own, named after what is known of the
/// file.
struct DownloadFolder: Sendable {
  let path: String

  /// Where a file lies.
  func place(of download: PublishedDownload) -> Place {
    let identity =
      download.hashes.lazy.compactMap { hash -> String? in
        switch hash {
        case .sha256(let digits): "sha256:" + digits
        case .md5(let digits): "md5:" + digits
        case .gitBlob, .sha256Prefix: nil
        }
      }.first ?? "address:" + download.address.text
    let key = hexadecimal(SHA256Hasher.hash(Array(identity.utf8))).prefix(16)
    return Place(path: "\(path)/\(key)/\(Self.fileName(download.address))")
  }

  /// The name that the publisher gave the file, where it is fit for a file's.
  private static func fileName(_ address: WebAddress) -> String {
    let name = address.fileName
    let isFit =
      !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 200
      && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && $0 != "/" }
    return isFit ? name : "download"
  }

  // MARK: Receipts

  /// What was found of a file when it was downloaded, in a file beside it.
  struct Receipt: Codable, Sendable {
    var version = 1
    /// Where the bytes came from.
    var address: String
    var sha256: String
    var bytes: Int
  }

  static func receipt(of place: Place) -> Receipt? {
    FileSystem.contents(of: place.path + ".json", atMost: 64 << 10).flatMap {
      try? JSONDecoder().decode(Receipt.self, from: Data($0))
    }.flatMap { $0.version == 1 ? $0 : nil }
  }

  static func write(_ receipt: Receipt, of place: Place) throws(ZooError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let bytes = try ZooError.wrap { Array(try encoder.encode(receipt)) }
    try FileSystem.replace(place.path + ".json", with: bytes, mode: 0o600)
  }
}
