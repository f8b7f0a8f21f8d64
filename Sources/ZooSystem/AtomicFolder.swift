import CZooSystem

/// A folder of known files that appears whole or not at all.
///
/// It is a hidden folder in the same place until ``commit(overwrite:)`` gives it its name. Without a commit nothing is
/// left behind.
package struct AtomicFolder: ~Copyable {
  /// The name that the folder gets.
  package let path: String
  /// All that it may hold: paths within it, a folder before what is in it.
  private let contents: [String]
  private let hidden: String
  /// The folder, then its contents.
  private let temporaries: [TemporaryName]

  /// Makes the hidden folder.
  ///
  /// - Parameter contents: the paths of all files and folders that it may get, a folder before what is in it.
  package init(path: String, contents: [String]) throws(ZooError) {
    let path = Self.withoutSlash(path)
    var random = SystemRandomNumberGenerator()
    let hidden = "\(ZooSystem.folder(of: path))/.zoo-\(String(random.next() as UInt64, radix: 36)).tmp"
    self.path = path
    self.contents = contents
    self.hidden = hidden
    // Registered before they exist, so that no signal can come between.
    temporaries = [TemporaryName(hidden)] + contents.map { TemporaryName("\(hidden)/\($0)") }
    guard mkdir(hidden, 0o777) == 0 else {
      let error = ZooError.file(.create, path)
      for temporary in temporaries { temporary.forget() }
      throw error
    }
  }

  deinit {
    for temporary in temporaries.reversed() { temporary.remove() }
  }

  /// Makes a folder within it.
  package func addFolder(_ name: String) throws(ZooError) {
    guard mkdir("\(hidden)/\(name)", 0o777) == 0 else { throw ZooError.file(.create, "\(path)/\(name)") }
  }

  /// A file within it, which is there once it is committed.
  package func makeFile(_ name: String) throws(ZooError) -> AtomicFile {
    try AtomicFile(path: "\(hidden)/\(name)")
  }

  /// Gives the folder its name.
  ///
  /// With `overwrite` it takes the place of a folder that holds nothing but such contents; without, whatever has that name
  /// is an error and stays as it is.
  package consuming func commit(overwrite: Bool) throws(ZooError) {
    try Self.checkPossible(path, overwrite: overwrite, contents: contents)
    for name in [""] + contents where isFolder("\(hidden)/\(name)") { Self.sync("\(hidden)/\(name)") }
    let replaces = overwrite && exists(path)
    let code = zoo_process_rename(hidden, path, replaces ? 1 : 0)
    switch code {
    case 0: break
    case EEXIST where !replaces: throw Self.existsAlready(path)
    case EINVAL, ENOTSUP, ENOSYS: try renameInSteps(replaces: replaces)
    default: throw ZooError.file(.create, path, reason: String(cString: strerror(code)))
    }
    // What had the name before is the hidden folder now, and is removed with this value.
    Self.sync(ZooSystem.folder(of: path))
  }

  /// For file systems that can't exchange two names, or give one that is free, in one step.
  private func renameInSteps(replaces: Bool) throws(ZooError) {
    guard replaces else {
      try AtomicFile.checkAbsent(path)
      guard rename(hidden, path) == 0 else { throw ZooError.file(.create, path) }
      return
    }
    let aside = hidden + ".old"
    guard rename(path, aside) == 0 else { throw ZooError.file(.create, path) }
    guard rename(hidden, path) == 0 else {
      let error = ZooError.file(.create, path)
      rename(aside, path)
      throw error
    }
    rename(aside, hidden)
  }

  private static func sync(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }

  // MARK: Before the work

  /// Throws where a folder at `path` could not be made: to refuse before the work rather than after.
  ///
  /// - Parameter contents: what a folder that is to be replaced may hold.
  package static func checkPossible(
    _ path: String, overwrite: Bool, contents: [String]
  ) throws(ZooError) {
    let path = withoutSlash(path)
    guard access(ZooSystem.folder(of: path), W_OK | X_OK) == 0 else { throw ZooError.file(.create, path) }
    guard let mode = mode(of: path) else { return }
    guard mode == S_IFDIR else {
      throw ZooError.file(.create, path, reason: "it exists and is not a folder")
    }
    guard overwrite else { throw existsAlready(path) }
    let allowed = Set(contents)
    var pending = [""]
    while let folder = pending.popLast() {
      let names = names(inFolder: "\(path)/\(folder)", atMost: contents.count + 1)
      for name in names {
        let inner = folder.isEmpty ? name : "\(folder)/\(name)"
        guard allowed.contains(inner), let mode = self.mode(of: "\(path)/\(inner)"),
          mode == S_IFDIR || mode == S_IFREG
        else {
          throw ZooError.file(
            .create, path, reason: "it is a folder with other files, such as '\(inner)'",
            remedy: "Choose another name, or remove it yourself.")
        }
        if mode == S_IFDIR { pending.append(inner) }
      }
    }
  }

  private static func existsAlready(_ path: String) -> ZooError {
    ZooError.file(.create, path, reason: "it exists already", remedy: "Use --force to replace it.")
  }

  /// What kind of file has this name itself, not one that it is a link to; nil where there is none.
  private static func mode(of path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  private static func withoutSlash(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
