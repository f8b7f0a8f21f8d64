import Foundation
import Synchronization
import ZooFetch
import ZooSystem

/// A user's folders for one test, with a clock that only counts; removed with this value.
final class Workshop: Sendable {
  let folder: String
  var home: String { folder + "/home" }
  var cache: String { folder + "/cache" }
  /// The seconds of every pause.
  private let pauseList = Mutex<[Double]>([])
  private let progressList = Mutex<[FetchProgress]>([])

  init() throws {
    folder = NSTemporaryDirectory() + "zoo-fetch-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder + "/home", withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var pauses: [Double] { pauseList.withLock { $0 } }
  var progress: [FetchProgress] { progressList.withLock { $0 } }
  var startsOver: Int { progress.count { if case .startedOver = $0 { true } else { false } } }

  func configuration(
    _ variables: [String: String] = [:], change: (inout FetchConfiguration) -> Void = { _ in }
  ) -> FetchConfiguration {
    var configuration = FetchConfiguration(
      environment: ["HOME": home].merging(variables) { $1 }, cacheFolder: cache,
      sleep: { duration in
        self.pauseList.withLock { $0.append(duration.seconds) }
        await Task.yield()
        try Task.checkCancellation()
      },
      now: { 1_700_000_000 }, jitter: { 0.5 }, freeBytes: { _ in 1 << 40 })
    change(&configuration)
    return configuration
  }

  func note(_ progress: FetchProgress) { progressList.withLock { $0.append(progress) } }

  func fetch(
    _ download: PublishedDownload, from web: ScriptedWeb, variables: [String: String] = [:],
    change: (inout FetchConfiguration) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    try await Fetcher(transport: web, configuration: configuration(variables, change: change))
      .fetch(download, progress: note)
  }

  func fetch(
    _ file: HubFile, from web: ScriptedWeb, sha256: String? = nil, variables: [String: String] = [:],
    change: (inout FetchConfiguration) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    try await Fetcher(transport: web, configuration: configuration(variables, change: change))
      .fetch(file, sha256: sha256, progress: note)
  }

  // MARK: Files

  func write(_ bytes: [UInt8], _ path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  func read(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// The paths of all files below the folder of downloads.
  var downloads: [String] {
    let files = FileManager.default.enumerator(atPath: cache)?.compactMap { $0 as? String } ?? []
    return files.map { "\(cache)/\($0)" }.filter { isFile($0) }.sorted()
  }

  /// The one whose name ends so.
  func download(_ suffix: String) -> String? { downloads.first { $0.hasSuffix(suffix) } }
}

/// Bytes that look like nothing.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 33)
  }
}

func digits(_ bytes: [UInt8]) -> String {
  bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}
func sha256(_ bytes: [UInt8]) -> String { digits(SHA256Hasher.hash(bytes)) }
func md5(_ bytes: [UInt8]) -> String { digits(MD5Hasher.hash(bytes)) }
func gitBlob(_ bytes: [UInt8]) -> String {
  digits(SHA1Hasher.hash(Array("blob \(bytes.count)\0".utf8) + bytes))
}

/// A file of the catalogue at a server of its own.
func published(
  _ bytes: [UInt8], address: String = "https://files.example/models/net.h5", hash: FileHash? = nil,
  isHashKnown: Bool = true, knowsLength: Bool = false
) throws -> PublishedDownload {
  PublishedDownload(
    name: "Net top", address: try WebAddress(address),
    hashes: isHashKnown ? [hash ?? .sha256(sha256(bytes))] : [], bytes: knowsLength ? bytes.count : nil)
}
