#if Pull
  import ModelZooTools
  import ZooFetch
  import ZooSystem

  /// The names that `zoo pull` takes.
  struct PullList {
    private struct Row: Encodable {
      let name: String
      let architecture, variant, title: String?
      let address: String
      let bytes: Int?
      let md5, sha256, licence: String?
    }

    private let rows: [Row]
    /// The columns of the table, and what each row has in them.
    private let headings: [String]
    private let cells: [[String]]

    /// The names of the catalogue.
    ///
    /// - Parameter filter: what names are to have in them, with or without a variant.
    /// - Throws: `ZooError` where none does.
    init(filter: String?) throws {
      let name = filter.map { String($0.prefix { $0 != ":" }) }
      let files = try (name.map(KnownArchitecture.all(named:)) ?? KnownArchitecture.all)
        .flatMap { entry in entry.files.map { (file: $0, of: entry) } }
      rows = files.map { file, entry in
        Row(
          name: file.name, architecture: entry.name, variant: file.variant, title: nil, address: file.address,
          bytes: file.bytes, md5: file.md5, sha256: file.sha256, licence: entry.licence)
      }
      headings = ["NAME", "SIZE", "HASH", "VARIANT"]
      cells = files.map { file, _ in
        [
          file.name, file.bytes.map(byteSize) ?? "about " + byteSize(4 * file.parameters),
          file.sha256 != nil ? "SHA-256" : file.md5 != nil ? "MD5" : "-",
          file.variant.replacing(", 1000 classes", with: ""),
        ]
      }
    }

    /// The names of a registry.
    ///
    /// - Parameter filter: what names are to have in them.
    /// - Throws: `ZooError` where none does.
    init(_ index: RegistryIndex, filter: String?) throws(ZooError) {
      let files = index.files(matching: filter)
      if files.isEmpty, let filter { _ = try index.file(named: filter) }
      rows = files.map { file in
        Row(
          name: file.name, architecture: file.architecture, variant: nil, title: file.title,
          address: file.download.address.text, bytes: file.download.bytes, md5: nil, sha256: file.sha256,
          licence: file.licence)
      }
      headings = ["NAME", "SIZE", "LICENCE", "TITLE"]
      cells = files.map { file in
        [file.name, file.download.bytes.map(byteSize) ?? "-", file.licence ?? "-", file.title ?? ""]
      }
      for remark in index.remarks { Terminal.note(remark) }
    }

    func print(json: Bool) throws {
      guard !json else { return try Terminal.print(json: rows) }
      var table = Table(headings, rightAligned: [1], whole: [0])
      for row in cells { table.add(row) }
      try table.print()
    }
  }
#endif
