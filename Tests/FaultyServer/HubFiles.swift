#if Pull
  /// Answers as the hub does for one model: files, their hashes, and large ones by a redirect to another host.
  package struct HubFiles: Sendable {
    package struct File: Sendable {
      package let bytes: [UInt8]
      /// The SHA-256 of a large file; git's SHA-1 of a small one.
      package let tag: String
      package let isLarge: Bool

      package init(_ bytes: [UInt8], tag: String, isLarge: Bool) {
        self.bytes = bytes
        self.tag = tag
        self.isLarge = isLarge
      }
    }

    package let repository: String
    package let commit: String
    package let files: [String: File]
    /// Where large files are: scheme, host and port.
    package let storage: String

    package init(repository: String, commit: String, files: [String: File], storage: String) {
      self.repository = repository
      self.commit = commit
      self.files = files
      self.storage = storage
    }

    package func answer(_ request: FaultyServer.Request) -> FaultyServer.Reply {
      let start = "/\(repository)/resolve/"
      guard request.target.hasPrefix(start) else {
        return .init(status: 401, headers: [("X-Error-Code", "RepoNotFound")])
      }
      let parts = request.target.dropFirst(start.count).split(separator: "/", maxSplits: 1).map(String.init)
      guard parts.count == 2, ["main", commit].contains(parts[0]) else {
        return .init(status: 404, headers: [("X-Error-Code", "RevisionNotFound")])
      }
      guard let file = files[parts[1]] else {
        return .init(
          status: 404, headers: [("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", commit)])
      }
      guard file.isLarge else {
        return .init(headers: [("X-Repo-Commit", commit), ("ETag", "\"\(file.tag)\"")], body: file.bytes)
      }
      return .init(
        status: 302,
        headers: [
          ("X-Repo-Commit", commit), ("X-Linked-ETag", "\"\(file.tag)\""),
          ("X-Linked-Size", "\(file.bytes.count)"), ("Location", "\(storage)/\(file.tag)"),
        ])
    }
  }
#endif
