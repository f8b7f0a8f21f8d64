#if Pull
  import ArgumentParser
  import ModelZooTools
  import ZooFetch
  import ZooHTTP
  import ZooSystem

  /// How a file is fetched.
  struct DownloadOptions: ParsableArguments {
    @Flag(help: "Ask nobody: take only what is here already.")
    var offline = false

    @Option(
      help: ArgumentHelp(
        "The folder where downloads are kept; by default in $ZOO_CACHE or the user's folder for caches.",
        valueName: "folder"), completion: .directory)
    var cache: String?

    @Option(
      help: ArgumentHelp(
        "The most that a file may have; 8GiB by default.", valueName: "size"))
    var maxBytes: ByteCount?

    @Option(
      help: ArgumentHelp(
        "Also follow redirects to this host, or to all hosts below it: *.example.org. May be repeated.",
        valueName: "host"))
    var allowHost: [String] = []

    @Option(
      help: ArgumentHelp(
        "A server to take the catalogue's files from instead of their own, under the same paths.",
        valueName: "url"))
    var mirror: String?

    @Option(help: ArgumentHelp("How often a download that breaks off is tried again.", valueName: "n"))
    var retries = 5

    @Option(
      help: ArgumentHelp("After how many seconds of silence a connection counts as broken.", valueName: "s"))
    var timeout = HTTPTransport.defaultTimeout.seconds

    func validate() throws {
      guard (0...100).contains(retries) else {
        throw ValidationError("--retries takes a number from 0 to 100, not \(retries).")
      }
      guard timeout > 0, timeout <= 3600 else {
        throw ValidationError("--timeout takes a number of seconds up to 3600, not \(timeout).")
      }
    }

    func configuration(environment: [String: String]) throws -> FetchConfiguration {
      var configuration = FetchConfiguration(
        environment: environment, cacheFolder: cache, isOffline: offline, allowedHosts: allowHost,
        retries: retries, mirror: try mirror.map { text throws(ZooError) in try WebAddress(text) })
      if let maxBytes { configuration.byteLimit = maxBytes.bytes }
      return configuration
    }
  }

  /// Whose names are meant.
  struct RegistryOptions: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Take names from the signed index.json at this address instead of the catalogue.", valueName: "url"))
    var registry: String?

    @Option(
      help: ArgumentHelp(
        "The public key of Ed25519 that has signed the registry's index, or a file with it; by default "
          + "$ZOO_REGISTRY_KEY.",
        valueName: "key"), completion: .file(extensions: ["pem"]))
    var key: String?

    func validate() throws {
      guard key == nil || registry != nil else { throw ValidationError("--key goes with --registry.") }
    }

    /// The address of the registry; nil: the catalogue is meant.
    func address() throws(ZooError) -> WebAddress? {
      try registry.map { text throws(ZooError) in try WebAddress(text) }
    }

    func publicKey(environment: [String: String]) throws(ZooError) -> RegistryKey {
      guard let stated = key ?? environment["ZOO_REGISTRY_KEY"], !stated.isEmpty else {
        throw ZooError(
          .invalidArgument, what: "missing key", at: "--key", "nothing says who signs the registry's index",
          remedy: "Add --key with the public key that its publisher states, or set ZOO_REGISTRY_KEY.")
      }
      // No key has a dot in it.
      guard stated.contains(".") || isFile(stated) else { return try RegistryKey(stated) }
      guard let bytes = FileSystem.contents(of: stated, atMost: 64 << 10) else {
        throw ZooError.file(.open, stated, reason: exists(stated) ? "it is no file with a key" : nil)
      }
      return try RegistryKey(String(decoding: bytes, as: UTF8.self))
    }
  }

  /// How a pulled file is converted, as `zoo convert` does.
  struct PulledConversionOptions: ParsableArguments {
    @OptionGroup var network: ArchitectureOption

    @Option(help: "The type of stored weights, as for zoo convert: f32, the default, is bit-exact.")
    var dtype: StorageType?

    @Option(
      help: ArgumentHelp("A text file with one class label per line.", valueName: "labels.txt"),
      completion: .file(extensions: ["txt"]))
    var labels: String?

    @OptionGroup var pictures: InputOptions

    @OptionGroup var verification: VerificationOption

    /// Whether nothing is stated.
    var isEmpty: Bool { isOfTheFile && !verification.skipVerification }

    /// Whether all that a model needs is as its file says.
    var isOfTheFile: Bool {
      network.architecture == nil && dtype == nil && labels == nil && pictures.preprocessing == nil
        && pictures.inputSize == nil
    }

    /// What is stated about the file. Of one without a published hash, the catalogue states what tensors may not tell.
    func recipe(of source: Pullable, labels: [ClassLabel]?) throws(ZooError) -> RecipeOptions {
      var options = RecipeOptions(
        architecture: network.architecture, preprocessing: pictures.preprocessing,
        inputSize: pictures.inputSize?.extent, labels: labels
      )
      switch source {
      case .catalog(let weights, let download) where download.hashes.isEmpty:
        options.architecture = network.architecture ?? weights.architecture
        options.inputSize = options.inputSize ?? weights.inputSize
      case .registry(let file):
        options.architecture = network.architecture ?? file.architecture
        options.licence = file.licence
        if options.preprocessing == nil { options.preprocessing = try file.statedPreprocessing() }
      case .catalog, .hub, .address: break
      }
      return options
    }
  }

  extension RegistryFile {
    fileprivate func statedPreprocessing() throws(ZooError) -> Preprocessing? {
      guard let preprocessing else { return nil }
      guard let known = Preprocessing(rawValue: preprocessing), known != .unknown else {
        throw ZooError(
          .unsupported, what: "unsupported index", at: name,
          "'\(preprocessing)' is not a known preprocessing",
          remedy: "A newer zoo may know it. --preprocessing states another.")
      }
      return known
    }
  }
#endif
