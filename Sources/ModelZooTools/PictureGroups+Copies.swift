import ZooSystem
import ZooTraining

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension PictureGroups {
  /// Copies the pictures into a new folder, with a folder for each group. The pictures themselves stay as they are.
  ///
  /// A file keeps its name; where a group has several of one name, the later ones get a number.
  ///
  /// - Parameters:
  ///   - folder: the new folder, which must not exist.
  ///   - progress: is told how many are copied.
  /// - Throws: `ZooError` with the code `ZooError.Code.cannotCreate` where the folder exists or can't be made.
  public func copy(
    to folder: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    guard !exists(folder) else {
      throw ZooError(
        .cannotCreate, what: "cannot create", at: folder, "it exists, and nothing in it is to be replaced",
        remedy: "Name a folder that does not exist.")
    }
    try Self.make(folder)
    var done = 0
    let digits = String(groups.count).count
    for (index, group) in groups.enumerated() {
      let number = String(index + 1)
      let own = "\(folder)/group-\(String(repeating: "0", count: digits - number.count))\(number)"
      try Self.make(own)
      var taken: Set<String> = []
      for path in group.pictures {
        try Cancellation.check()
        progress(done, paths.count)
        let target =
          "\(own)/\(Self.free(path.split(separator: "/").last.map(String.init) ?? "picture", &taken))"
        do {
          try FileManager.default.copyItem(atPath: path, toPath: target)
        } catch {
          throw ZooError(
            .cannotWrite, what: "cannot write", at: target, "\(path) could not be copied: \(error)")
        }
        done += 1
      }
    }
    progress(done, paths.count)
  }

  private static func make(_ folder: String) throws(ZooError) {
    guard mkdir(folder, 0o777) == 0 else { throw ZooError.file(.create, folder) }
  }

  /// A name that is not taken, also where names differ only in their case.
  private static func free(_ name: String, _ taken: inout Set<String>) -> String {
    let dot = name.lastIndex(of: ".") ?? name.endIndex
    var candidate = name
    var number = 2
    while !taken.insert(candidate.lowercased()).inserted {
      candidate = "\(name[..<dot])-\(number)\(name[dot...])"
      number += 1
    }
    return candidate
  }
}
