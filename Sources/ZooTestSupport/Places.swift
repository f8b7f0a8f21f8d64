import Foundation

/// The package's own folder.
package let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// The path of a file under `Fixtures`.
package func fixture(_ path: String) -> String { packageRoot.appending(path: "Fixtures/\(path)").path }

/// Trained files of other people, which lie beside the repository and are no part of it.
package enum RealFiles {
  package static let folder = packageRoot.deletingLastPathComponent().appending(path: "shared/real").path
  package static let absence = "there is no ../shared/real"
  package static let exist: Bool = {
    let exist = FileManager.default.fileExists(atPath: folder)
    if !exist { print("tests of trained files are left out: there is no \(folder)") }
    return exist
  }()

  package static let mobileNet = folder + "/mobilenet025-imagenet-top/mobilenet_v1_0.25_224.h5"
  package static let mobileNetFeatures =
    folder + "/mobilenet025-imagenet-notop/mobilenet_2_5_224_tf_no_top.h5"
}

/// Calls `body` with an empty folder, which is removed afterwards.
package func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}
