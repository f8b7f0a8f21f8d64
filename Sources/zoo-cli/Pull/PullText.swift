#if Pull
  import ModelZooTools
  import ZooFetch
  import ZooSystem

  /// What was fetched, from where, and what vouches for it, for people.
  struct PullText {
    let source: Pullable
    let file: FetchedFile

    func print() throws {
      func row(_ label: String, _ value: String) throws {
        try Terminal.print(row: label, value, margin: 2)
      }
      try Terminal.print("\(source.name), \(byteSize(file.bytes))")
      try row(file.origin == .network ? "downloaded" : "found", place)
      try row("vouched by", evidence)
      if let commit = file.commit { try row("commit", commit) }
      if let licence { try row("licence", licence) }
      for remark in file.remarks { Terminal.note(remark) }
    }

    /// As its publisher states it, else as the catalogue does.
    var licence: String? {
      if let licence = file.licence { return licence }
      return switch source {
      case .catalog(let weights, _): weights.licence
      case .registry(let file): file.licence
      case .hub, .address: nil
      }
    }

    private var place: String {
      switch file.origin {
      case .network: "from \(file.address.shown)"
      case .ownCache: "in the cache, \(file.path)"
      case .kerasFolder: "in Keras' folder, \(file.path)"
      case .torchFolder: "in PyTorch's folder, \(file.path)"
      case .hubCache: "in the hub's cache, \(file.path)"
      }
    }

    /// What shows that it is the file that was published.
    private var evidence: String {
      switch file.trust {
      case .sha256: "its SHA-256, \(file.sha256)"
      case .gitBlob: "its SHA-1 as git has it, which shows damage, but hardly malice"
      case .md5: "its MD5, \(file.md5), which shows damage, but not malice"
      case .sha256Prefix: "the start of its SHA-256 in the address, which shows damage, but not malice"
      case .transportOnly:
        file.address.scheme == .https
          ? "the encrypted connection alone, as no hash is published; its SHA-256 is \(file.sha256)"
          : "nothing, as no hash is published and the connection is not encrypted; its SHA-256 is \(file.sha256)"
      }
    }
  }

  /// The same as JSON, with what was made of it.
  struct PullReport: Encodable {
    private let source: Source
    private let conversion: ConversionReport?
    private let verification: VerificationReport?
    private let files: [String]?

    private struct Source: Encodable {
      let name, address, path, origin, trust, sha256, md5: String
      let bytes: Int
      let licence, commit, configuration: String?
      let remarks: [String]
    }

    init(
      _ source: Pullable, _ file: FetchedFile, conversion: ConversionReport? = nil,
      verification: VerificationReport? = nil, copies: SourceCopies? = nil
    ) {
      self.source = Source(
        name: source.name, address: file.address.shown, path: file.path, origin: file.origin.rawValue,
        trust: file.trust.rawValue, sha256: file.sha256, md5: file.md5, bytes: file.bytes,
        licence: PullText(source: source, file: file).licence, commit: file.commit,
        configuration: file.configuration, remarks: file.remarks)
      self.conversion = conversion
      self.verification = verification
      files = copies?.paths
    }
  }
#endif
