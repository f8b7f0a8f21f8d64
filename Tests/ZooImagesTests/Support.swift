import Testing
import ZooImageFiles
import ZooImages
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The repository's root, two folders above this file's.
let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
let fixtures = root + "/Fixtures/images"
let photographs = root + "/../shared/real/images"
let hasPhotographs = FileManager.default.fileExists(atPath: photographs)

func contents(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: path))) }

/// FNV-1a of the bytes, 64 bits.
func checksum(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// What decoding `bytes` fails with, or `nil` if it does not fail.
func failure(_ bytes: [UInt8], limits: ImageLimits = ImageLimits(), upright: Bool = false) -> ZooError? {
  do {
    _ = try bytes.withUnsafeBytes { bytes throws(ZooError) in
      try Image(decoding: bytes, from: "bytes", limits: limits, upright: upright)
    }
    return nil
  } catch {
    return error as? ZooError
  }
}

/// A picture of a file in memory.
func decode(_ bytes: [UInt8]) throws -> Image {
  try bytes.withUnsafeBytes { bytes throws(ZooError) in try Image(decoding: bytes, from: "bytes") }
}
