import ZooSystem

/// The cache that the hub's own client has, in its layout: what one has fetched, the other finds.
///
///     models--ORG--NAME/blobs/ETAG
///     models--ORG--NAME/snapshots/COMMIT/FILE    a relative link to the blob
///     models--ORG--NAME/refs/REVISION            the commit
///     .locks/models--ORG--NAME/ETAG.lock
struct HubCache: Sendable {
  let path: String

  /// Nil where nothing says where it could be.
  init?(_ configuration: FetchConfiguration) {
    let named = configuration.variable("HF_HUB_CACHE") ?? configuration.variable("HUGGINGFACE_HUB_CACHE")
    let folder =
      named.map { HubSettings.expanded($0, configuration) }
      ?? HubSettings.home(configuration).map { $0 + "/hub" }
    guard var path = folder else { return nil }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
  }

  private func folderName(_ file: HubFile) -> String { "models--\(file.organization)--\(file.name)" }
  func folder(_ file: HubFile) -> String { "\(path)/\(folderName(file))" }

  /// Where a file is, under its own name.
  func snapshot(_ file: HubFile, commit: String, name: String) -> String {
    "\(folder(file))/snapshots/\(commit)/\(name)"
  }

  /// Where the bytes of a file are.
  ///
  /// - Parameter tag: the hash that the hub has for it.
  func place(_ file: HubFile, tag: String) -> Place {
    let blob = "\(folder(file))/blobs/\(tag)"
    // The hub's own tool lists and removes `.incomplete` files that nobody goes on with.
    return Place(
      path: blob, partial: blob + ".incomplete", record: blob + ".incomplete.json",
      lock: "\(path)/.locks/\(folderName(file))/\(tag).lock")
  }

  // MARK: Reading

  /// The commit that a revision stood for when it was last asked for; nil where that isn't known.
  func commit(of file: HubFile) -> String? {
    if Self.isCommit(file.revision) { return file.revision }
    let path = "\(folder(file))/refs/\(file.revision)"
    guard let bytes = FileSystem.contents(of: path, atMost: 256) else { return nil }
    let commit = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    return Self.isCommit(commit) ? commit : nil
  }

  static func isCommit(_ text: String) -> Bool {
    FileHash.isHexadecimal(text, count: 40) && text == text.lowercased()
  }

  /// The hash of a file at a commit, by the name of the blob that its link leads to; nil where there is no
  /// such file, or no such link.
  func hash(of file: HubFile, commit: String, name: String) -> FileHash? {
    let path = snapshot(file, commit: commit, name: name)
    guard FileSystem.length(of: path) != nil else { return nil }
    var target = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &target, target.count)
    guard count > 0, count < target.count else { return nil }
    let link = String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    return link.split(separator: "/").last.flatMap { Self.hash(tag: String($0)) }
  }

  /// What an entity tag of the hub says of the content: of large files the SHA-256, of others what git has.
  static func hash(tag: String) -> FileHash? {
    guard tag == tag.lowercased() else { return nil }
    if FileHash.isHexadecimal(tag, count: 64) { return .sha256(tag) }
    if FileHash.isHexadecimal(tag, count: 40) { return .gitBlob(tag) }
    return nil
  }

  // MARK: Writing

  /// Notes which commit a revision stands for.
  func note(_ file: HubFile, commit: String) throws(ZooError) {
    guard file.revision != commit, self.commit(of: file) != commit else { return }
    let path = "\(folder(file))/refs/\(file.revision)"
    try FileSystem.make(folder: ZooSystem.folder(of: path))
    try FileSystem.replace(path, with: Array(commit.utf8))
  }

  /// Whether the file's own name leads to its bytes.
  func isLinked(_ file: HubFile, commit: String, name: String, tag: String) -> Bool {
    let named = FileSystem.identity(of: snapshot(file, commit: commit, name: name))
    return named != nil && named == FileSystem.identity(of: place(file, tag: tag).path)
  }

  /// Has the file's own name lead to its bytes.
  func link(_ file: HubFile, commit: String, name: String, tag: String) throws(ZooError) {
    let path = snapshot(file, commit: commit, name: name)
    try FileSystem.make(folder: ZooSystem.folder(of: path))
    let ascent = String(repeating: "../", count: 2 + name.utf8.count(where: { $0 == UInt8(ascii: "/") }))
    let new = "\(path).new"
    unlink(new)
    guard symlink("\(ascent)blobs/\(tag)", new) == 0 else { throw ZooError.file(.create, path) }
    guard rename(new, path) == 0 else {
      let error = ZooError.file(.create, path)
      unlink(new)
      throw error
    }
  }

  /// Tells programs that make backups to leave the cache out. Nothing depends on it.
  func mark() {
    let text = """
      Signature: 8a477f597d28d172789f06886806bc55
      # This file is a cache directory tag created by huggingface_hub.
      # For information about cache directory tags, see:
      #\thttps://bford.info/cachedir/

      """
    let path = "\(self.path)/CACHEDIR.TAG"
    if !exists(path) { try? FileSystem.replace(path, with: Array(text.utf8)) }
  }
}
