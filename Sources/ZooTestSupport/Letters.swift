import Foundation

/// Pictures of letters in class folders, which `Scripts/make-letters.swift` draws.
package enum Letters {
  /// How many there are of each letter.
  package static let count = 12
  package static let classes = ["A", "C", "E", "F", "H", "K", "L", "N", "P", "T", "U", "V", "X", "Y"]

  /// The folder with all of them, made once and removed with the process's other temporary files.
  package static let folder: URL = {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-letters-\(UUID().uuidString)")
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "swift", packageRoot.appending(path: "Scripts/make-letters.swift").path, folder.path, String(count),
    ]
    process.standardOutput = FileHandle.nullDevice
    try? process.run()
    process.waitUntilExit()
    atexit { Letters.remove() }
    return folder
  }()

  private static func remove() { try? FileManager.default.removeItem(at: folder) }

  /// Copies some letters, and some pictures of each, to a new folder.
  package static func copy(_ letters: [String], pictures: Int = count, to target: URL) throws {
    for letter in letters {
      let own = target.appending(path: letter)
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      for number in 0..<pictures {
        let name = "\(letter)-\(number).bmp"
        try FileManager.default.copyItem(
          at: folder.appending(path: "\(letter)/\(name)"), to: own.appending(path: name))
      }
    }
  }
}
