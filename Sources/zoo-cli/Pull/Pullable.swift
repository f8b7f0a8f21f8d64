#if Pull
  import ModelZooTools
  import ZooFetch
  import ZooSystem

  /// What can be fetched, with everything looked up that the catalogue knows.
  enum Pullable {
    case catalog(PublishedWeights, PublishedDownload)
    case registry(RegistryFile)
    case hub(HubFile, sha256: String?)
    case address(WebAddress, sha256: String?)

    init(_ source: PullSource) throws(ZooError) {
      switch source {
      case .hub(let file, let sha256): self = .hub(file, sha256: sha256)
      case .address(let address, let sha256): self = .address(address, sha256: sha256)
      case .catalog(let name, let variant):
        let weights = try PublishedWeights.named(name, variant: variant)
        self = .catalog(
          weights,
          PublishedDownload(
            name: weights.name, address: try WebAddress(weights.address),
            hashes: [weights.sha256.map(FileHash.sha256), weights.md5.map(FileHash.md5)].compactMap(\.self),
            bytes: weights.bytes))
      }
    }

    /// As it is typed.
    var name: String {
      switch self {
      case .catalog(let weights, _): weights.name
      case .registry(let file): file.name
      case .hub(let file, _): file.text
      case .address(let address, _): address.shown
      }
    }

    /// What its publisher calls the file; for a model of the hub of which no file is named, that is not known yet.
    var fileName: String {
      switch self {
      case .catalog(_, let download): download.address.fileName
      case .registry(let file): file.download.address.fileName
      case .hub(let file, _): lastComponent(of: file.file ?? "model.safetensors")
      case .address(let address, _): address.fileName
      }
    }

    /// What a model made of it is called: the name that was typed, where that says more than the file's.
    var modelName: String {
      switch self {
      case .catalog, .registry: return name.replacing(":", with: "-")
      case .hub(let file, _):
        let stem = Self.stem(of: fileName)
        return ["model", "pytorch_model", "weights", "tf_model"].contains(stem) ? file.name : stem
      case .address: return Self.stem(of: fileName)
      }
    }

    /// What speaks against the file being the one of its name, where no hash tells.
    func doubt(about conversion: ConversionReport) -> String? {
      guard case .catalog(let weights, let download) = self, download.hashes.isEmpty,
        conversion.variant != weights.variant
      else { return nil }
      return "what came as \(weights.name) is no \(weights.variant), but \(conversion.variant)"
    }

    /// Whether the file's name is known only once it is here.
    var nameIsOpen: Bool { if case .hub(let file, _) = self { file.file == nil } else { false } }

    private static func stem(of name: String) -> String {
      String(Converter.defaultOutput(for: name).dropLast(".zoo".count))
    }
  }
#endif
