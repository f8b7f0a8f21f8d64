import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reports as files.
enum ReportFile {
  /// Writes a report as JSON, whole or not at all.
  static func write(_ report: some Encodable, to path: String, overwrite: Bool) throws(ZooError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    try ZooError.wrap {
      let file = try AtomicFile(path: path)
      try file.write([UInt8](try encoder.encode(report)), at: 0)
      try file.commit(overwrite: overwrite)
    }
  }
}
