/// Whether `path` is a folder or a link to one.
package func isFolder(_ path: String) -> Bool { mode(of: path) & S_IFMT == S_IFDIR }

/// Whether `path` is a regular file or a link to one. Opening anything else could block or have an effect.
package func isFile(_ path: String) -> Bool { mode(of: path) & S_IFMT == S_IFREG }

/// Whether there is anything at `path`.
package func exists(_ path: String) -> Bool { mode(of: path) != 0 }

/// The folder that `path` is in, without a slash at its end; `.` for a bare name.
package func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  let folder = path[..<slash]
  return folder.isEmpty ? "/" : String(folder)
}

/// The names in the folder at `path` in no order, but those of `.` and `..`; none where it can't be read.
package func names(inFolder path: String, atMost limit: Int) -> [String] {
  guard let handle = opendir(path) else { return [] }
  defer { closedir(handle) }
  var names: [String] = []
  while names.count < limit, let entry = readdir(handle) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

private func mode(of path: String) -> mode_t {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode : 0
}
