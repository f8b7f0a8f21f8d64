import ZooSystem
import ZooTensor

/// The image files of a folder and the folders in it.
package enum ImageFolder {
  /// The most entries that a search goes through, all folders together.
  package static let entryLimit = 10_000_000

  /// The paths of all image files under `path` that this system decodes, recognised by their content, sorted by
  /// their bytes. Links to files are followed, links to folders are not; what can't be opened is left out.
  package static func images(in path: String) throws(ZooError) -> [String] {
    try files(in: path) { $0.isRead }.map(\.path)
  }

  /// The paths of image files of known formats under `path` that this system does not decode, in the same order.
  package static func unread(in path: String) throws(ZooError) -> [(path: String, format: ImageFormat)] {
    try files(in: path) { !$0.isRead }
  }

  private static func files(
    in path: String, where isWanted: (ImageFormat) -> Bool
  ) throws(ZooError) -> [(path: String, format: ImageFormat)] {
    var found: [(path: String, format: ImageFormat)] = []
    var folders = [path]
    var entries = 0
    while let folder = folders.popLast() {
      guard let handle = opendir(folder) else {
        let reason = String(cString: strerror(errno))
        guard folder != path else { throw ZooError(.cannotOpen, "image", at: folder, reason) }
        continue
      }
      defer { closedir(handle) }
      while let entry = readdir(handle) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        entries += 1
        guard entries <= entryLimit else {
          throw ZooError(.unsupported, "image", at: path, "more than \(entryLimit) entries")
        }
        let full = folder.hasSuffix("/") ? folder + name : folder + "/" + name
        var status = stat()
        guard lstat(full, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          folders.append(full)
        } else if let format = format(of: full), isWanted(format) {
          found.append((full, format))
        }
      }
    }
    return found.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  private static func format(of path: String) -> ImageFormat? {
    guard isFile(path) else { return nil }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: ImageFormat.longestSignature, alignment: 1) { start in
      let count = read(descriptor, start.baseAddress, start.count)
      guard count > 0 else { return nil }
      return ImageFormat(recognising: UnsafeRawBufferPointer(rebasing: start[..<count]))
    }
  }
}
