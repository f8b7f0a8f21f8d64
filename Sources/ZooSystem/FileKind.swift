/// Whether `path` is a folder or a link to one.
package func isFolder(_ path: String) -> Bool { mode(of: path) & S_IFMT == S_IFDIR }

/// Whether `path` is a regular file or a link to one. Opening anything else could block or have an effect.
package func isFile(_ path: String) -> Bool { mode(of: path) & S_IFMT == S_IFREG }

private func mode(of path: String) -> mode_t {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode : 0
}
