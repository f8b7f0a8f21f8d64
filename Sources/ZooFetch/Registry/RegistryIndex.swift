import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a registry offers: the contents of its `index.json`.
package struct RegistryIndex: Sendable {
  /// In the order of the index.
  package let files: [RegistryFile]
  /// What a person should know besides, a sentence each.
  package var remarks: [String] = []

  /// Bytes of an index that is read.
  static let limit = 16 << 20
  private static let version = 1

  private struct Document: Decodable {
    let version: Int
    let files: [Entry]
  }

  private struct Entry: Decodable {
    let name, address, sha256: String
    let variant, title, licence, architecture, preprocessing: String?
    /// As JSON has numbers: one that is not whole has a message of its own.
    let bytes: Double
  }

  private struct Version: Decodable { let version: Int }

  /// - Parameters:
  ///   - json: the document.
  ///   - address: where it is from; the addresses in it may be relative to that.
  /// - Throws: `ZooError` of the code `damaged` where it is not such a document, `unsupported` where it has another
  ///   version.
  package init(json: [UInt8], from address: WebAddress) throws(ZooError) {
    let version = try Self.decoded(Version.self, json, address).version
    guard version == Self.version else {
      throw ZooError(
        .unsupported, what: "unsupported index", at: address.shown,
        "it has version \(version), and only version \(Self.version) is read",
        remedy: "A newer zoo may read it.")
    }
    var names: Set<String> = []
    var files: [RegistryFile] = []
    for (index, entry) in try Self.decoded(Document.self, json, address).files.enumerated() {
      let name = entry.name + (entry.variant.map { ":" + $0 } ?? "")
      do throws(Fault) {
        guard names.insert(name.lowercased()).inserted else {
          throw Fault(why: "another file has the same name")
        }
        files.append(try Self.file(entry, name: name, relativeTo: address))
      } catch {
        throw Self.invalid(address, "file \(index + 1), '\(name)': \(error.why)")
      }
    }
    self.files = files
  }

  private static func decoded<Value: Decodable>(
    _ type: Value.Type, _ json: [UInt8], _ address: WebAddress
  ) throws(ZooError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(json))
    } catch {
      throw invalid(address, (error as? DecodingError).map(text) ?? "it is not JSON")
    }
  }

  // MARK: Faults

  private struct Fault: Error { let why: String }

  private static func invalid(_ address: WebAddress, _ why: String) -> ZooError {
    ZooError(.damaged, what: "invalid index", at: address.shown, why, remedy: "Tell whoever publishes it.")
  }

  private static func file(
    _ entry: Entry, name: String, relativeTo address: WebAddress
  ) throws(Fault) -> RegistryFile {
    for part in [entry.name, entry.variant].compactMap(\.self) where !isName(part) {
      throw Fault(
        why: "'\(part)' is no name: up to 96 letters, digits, '.', '-' and '_', a letter or digit first")
    }
    let sha256 = entry.sha256.lowercased()
    guard FileHash.isHexadecimal(sha256, count: 64) else {
      throw Fault(why: "its sha256 doesn't have 64 hexadecimal digits")
    }
    guard let bytes = Int(exactly: entry.bytes), bytes > 0 else {
      throw Fault(why: "it has \(entry.bytes) bytes")
    }
    let location: WebAddress
    do throws(ZooError) {
      location = try address.relative(entry.address)
    } catch {
      throw Fault(why: "its address is invalid: \(error.why)")
    }
    return RegistryFile(
      name: name,
      download: PublishedDownload(
        name: name, address: location, hashes: [.sha256(sha256)], bytes: bytes),
      sha256: sha256, title: entry.title, licence: entry.licence, architecture: entry.architecture,
      preprocessing: entry.preprocessing)
  }

  /// Fit for the name of a file, and typed without quotes.
  private static func isName(_ text: String) -> Bool {
    guard (1...96).contains(text.utf8.count), let first = text.unicodeScalars.first else { return false }
    func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
      scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
    }
    return isLetterOrDigit(first)
      && text.unicodeScalars.allSatisfy { isLetterOrDigit($0) || [".", "-", "_"].contains($0) }
  }

  /// Where in the document, and what is wrong there.
  private static func text(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined().drop { $0 == "." }
        .description
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
    case .dataCorrupted(let context) where context.codingPath.isEmpty: return "it is not JSON"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return context.codingPath.isEmpty
        ? "it is not an object" : "\(place(context.codingPath)) is of another type than expected"
    @unknown default: return "it is not such a document"
    }
  }

  // MARK: Names

  /// - Parameter name: `NAME` or `NAME:VARIANT`, in any case.
  /// - Throws: `ZooError` of the code `invalidArgument` where there is no such file, with those that there are.
  package func file(named name: String) throws(ZooError) -> RegistryFile {
    if let file = files.first(where: { $0.name.lowercased() == name.lowercased() }) { return file }
    let stem = name.prefix { $0 != ":" }.lowercased()
    let near = files.filter { $0.name.lowercased().contains(stem) }
    let shown = (near.isEmpty ? files : near).map(\.name)
    throw ZooError(
      .invalidArgument, what: "unknown name", at: "the registry", "it has no '\(name)'",
      remedy: shown.isEmpty
        ? "It has none at all."
        : "It has \(shown.prefix(8).joined(separator: ", "))\(shown.count > 8 ? ", …" : "").")
  }

  /// The files with `text` in their names; all where it is nil.
  package func files(matching text: String?) -> [RegistryFile] {
    guard let text = text?.lowercased() else { return files }
    return files.filter { $0.name.lowercased().contains(text) }
  }
}
