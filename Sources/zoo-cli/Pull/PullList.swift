#if Pull
  import ModelZooTools
  import ZooSystem

  /// The names that `zoo pull` takes.
  struct PullList {
    private struct Row: Encodable {
      let name, architecture, variant, address: String
      let bytes: Int?
      let md5, sha256, licence: String?
    }

    private let files: [(file: KnownArchitecture.File, of: KnownArchitecture)]

    /// - Parameter filter: what names are to have in them, with or without a variant.
    /// - Throws: `ZooError` where none does.
    init(filter: String?) throws {
      let name = filter.map { String($0.prefix { $0 != ":" }) }
      files = try (name.map(KnownArchitecture.all(named:)) ?? KnownArchitecture.all)
        .flatMap { entry in entry.files.map { ($0, entry) } }
    }

    func print(json: Bool) throws {
      guard !json else {
        return try Terminal.print(
          json: files.map { file, entry in
            Row(
              name: file.name, architecture: entry.name, variant: file.variant, address: file.address,
              bytes: file.bytes, md5: file.md5, sha256: file.sha256, licence: entry.licence)
          })
      }
      var table = Table(["NAME", "SIZE", "HASH", "VARIANT"], rightAligned: [1], whole: [0])
      for (file, _) in files {
        table.add(
          file.name, file.bytes.map(byteSize) ?? "about " + byteSize(4 * file.parameters),
          file.sha256 != nil ? "SHA-256" : file.md5 != nil ? "MD5" : "-",
          file.variant.replacing(", 1000 classes", with: ""))
      }
      try table.print()
    }
  }
#endif
