#if Pull
  import ArgumentParser
  import ModelZooTools
  import ZooFetch
  import ZooHTTP
  import ZooSystem

  #if canImport(FoundationEssentials)
    import FoundationEssentials
  #else
    import Foundation
  #endif

  struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "pull",
      abstract: "Download published weights and convert them to a verified .zoo file.",
      discussion: """
        A name is that of a published file of the catalogue, as --list shows them; hf://ORG/NAME is a model on the \
        Hugging Face hub, of which the weights and config.json are taken; any other file needs its SHA-256. What was \
        downloaded is kept, and found by its hash in Keras' folder and the hub's cache too. A download that stopped \
        goes on where it was. --registry takes names from a publisher's own index, which a key has signed. A .zoo \
        file is verified and kept as it is. Proxies and certificates are taken from the environment: HTTPS_PROXY, \
        NO_PROXY, SSL_CERT_FILE; the hub's from HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE.

        Examples:
          zoo pull mobilenet
          zoo pull mobilenet:0.25-128-notop -o models/
          zoo pull --list efficientnet
          zoo pull hf://timm/resnet50.a1_in1k --dtype f16
          zoo pull https://example.org/model.h5 --sha256 9f86d081884c7d65…
          zoo pull vgg16 --weights-only -o vgg16.h5
          zoo pull flowers --registry https://example.org/zoo --key publisher.pem
        """)

    @Argument(
      help: ArgumentHelp(
        "NAME or NAME:VARIANT of the catalogue, hf://ORG/NAME[@REVISION][/FILE], or https://… with --sha256.",
        valueName: "source"), completion: .list(KnownArchitecture.names))
    var source: String?

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The output, or a folder for it; by default the source's name with .zoo, in the current folder.",
        valueName: "out.zoo"), completion: .zooFiles)
    var output: String?

    @Flag(help: "Instead, list the names that can be pulled; with a name, those that have it in theirs.")
    var list = false

    @Option(help: ArgumentHelp("The SHA-256 that the file must have.", valueName: "hex"))
    var sha256: String?

    @Flag(help: "Keep the file as it was published and convert nothing; -o names it.")
    var weightsOnly = false

    @OptionGroup(title: "Registry") var registry: RegistryOptions
    @OptionGroup(title: "Download") var download: DownloadOptions
    @OptionGroup(title: "Conversion") var conversion: PulledConversionOptions
    @OptionGroup var overwrite: OverwriteOption
    @OptionGroup var threads: ThreadsOption
    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard source != nil || list else {
        throw ValidationError("Name what to pull; --list shows the names that there are.")
      }
      guard !list || output == nil && sha256 == nil && !weightsOnly else {
        throw ValidationError("--list pulls nothing and takes no other options than --registry and --json.")
      }
      guard registry.registry == nil || download.mirror == nil else {
        throw ValidationError("--mirror is for the catalogue's files, not for those of a registry.")
      }
      guard output != "-" else { throw ValidationError("-o takes a file or a folder here.") }
      guard !weightsOnly || conversion.isEmpty else {
        throw ValidationError("--weights-only converts nothing: leave the options of the conversion out.")
      }
    }

    @MainActor func run() async throws {
      if list, registry.registry == nil { return try PullList(filter: source).print(json: common.json) }
      let environment = ProcessInfo.processInfo.environment
      let bar = ProgressBar(quiet: common.quiet)
      let progress = PullProgress(bar: bar, quiet: common.quiet)
      let fetcher = try fetcher(environment)
      let index = try await index(from: fetcher, environment) { progress.show($0) }
      bar.finish()
      if list, let index { return try PullList(index, filter: source).print(json: common.json) }
      let source = try meant(by: self.source ?? "", in: index)
      let target = pathOfOutput(output, name: defaultName(of: source))
      // What can't end well ends before anything is downloaded.
      if !weightsOnly || !source.nameIsOpen {
        try AtomicFile.checkPossible(target, overwrite: overwrite.force)
      }
      let labels = try conversion.labels.map(ClassLabel.read(fromFile:))
      let recipe = try conversion.recipe(of: source, labels: labels)
      var file = try await fetch(source, from: fetcher) { progress.show($0) }
      bar.finish()
      file.remarks += index?.remarks ?? []
      if weightsOnly {
        let path = pathOfOutput(output, name: lastComponent(of: file.path))
        return try keep(file, of: source, as: path, verification: nil)
      }
      if conversion.isOfTheFile, try isModel(file.path) {
        let verification = conversion.verification.skipVerification ? nil : try verify(file, of: source, bar)
        bar.finish()
        return try keep(file, of: source, as: target, verification: verification)
      }
      if !common.json, !common.quiet { try PullText(source: source, file: file).print() }
      var options = Converter.Options()
      options.recipe = recipe
      options.storage = conversion.dtype ?? .f32
      options.verify = !conversion.verification.skipVerification
      options.verifier.threads = threads.count
      options.overwrite = overwrite.force
      let result = try Converter(options: options).convert(file.path, to: target) { bar.show($0) }
      bar.finish()
      if common.json {
        return try Terminal.print(json: PullReport(source, file, conversion: result))
      }
      guard !common.quiet else { return }
      for warning in result.warnings + [source.doubt(about: result)].compactMap(\.self) {
        Terminal.warning(warning)
      }
      try ConversionText(result: result, output: target, isCompressed: false, stream: .output).print()
    }

    // MARK: Before the download

    private func fetcher(_ environment: [String: String]) throws -> Fetcher {
      Fetcher(
        transport: try HTTPTransport(environment: environment, timeout: .seconds(download.timeout)),
        configuration: try download.configuration(environment: environment))
    }

    /// What the registry offers; nil: the catalogue is meant.
    private func index(
      from fetcher: Fetcher, _ environment: [String: String],
      progress: @escaping @Sendable (FetchProgress) -> Void
    ) async throws(ZooError) -> RegistryIndex? {
      guard let address = try registry.address() else { return nil }
      return try await fetcher.index(
        of: address, key: try registry.publicKey(environment: environment), progress: progress)
    }

    /// What a person typed, looked up in the registry or the catalogue where it is a name.
    private func meant(by text: String, in index: RegistryIndex?) throws(ZooError) -> Pullable {
      if exists(text), !text.contains("://") {
        throw ZooError(
          .invalidArgument, what: "nothing to fetch", at: text, "it is a file that is here",
          remedy: "`zoo convert \(text)` converts it.")
      }
      let source = try PullSource(text, sha256: sha256)
      guard let index else { return try Pullable(source) }
      guard case .catalog = source else {
        throw ZooError(
          .invalidArgument, what: "invalid source", at: text, "--registry goes with a name",
          remedy: "`zoo pull --list --registry …` shows the names that it has.")
      }
      return .registry(try index.file(named: text))
    }

    /// The output's name where none is stated.
    private func defaultName(of source: Pullable) -> String {
      weightsOnly ? source.fileName : source.modelName + ".zoo"
    }

    // MARK: The file

    private func fetch(
      _ source: Pullable, from fetcher: Fetcher, progress: @escaping @Sendable (FetchProgress) -> Void
    ) async throws(ZooError) -> FetchedFile {
      switch source {
      case .catalog(_, let file): try await fetcher.fetch(file, progress: progress)
      case .registry(let file): try await fetcher.fetch(file.download, progress: progress)
      case .hub(let file, let sha256): try await fetcher.fetch(file, sha256: sha256, progress: progress)
      case .address(let address, let sha256):
        try await fetcher.fetch(address, sha256: sha256, progress: progress)
      }
    }

    /// Whether there is nothing to convert.
    private func isModel(_ path: String) throws(ZooError) -> Bool {
      let file = try MappedFile(path: path)
      return withExtendedLifetime(file) { FileSignature.zoo.isStart(of: file.bytes) }
    }

    /// - Throws: `ZooError` of the code `verificationFailed` where a check says no.
    private func verify(_ file: FetchedFile, of source: Pullable, _ bar: ProgressBar) throws
      -> VerificationReport
    {
      var options = Verifier.Options.thorough
      options.threads = threads.count
      let report = try Model.verify(file.path, options: options) { bar.show($0) }
      if let failure = report.failure(of: source.name) { throw failure }
      return report
    }

    /// Copies the file out of the cache, as it is.
    private func keep(
      _ file: FetchedFile, of source: Pullable, as path: String, verification: VerificationReport?
    ) throws {
      let copies = try SourceCopies(of: file, path: path, overwrite: overwrite.force)
      if common.json {
        return try Terminal.print(
          json: PullReport(source, file, verification: verification, copies: copies))
      }
      guard !common.quiet else { return }
      try PullText(source: source, file: file).print()
      for check in verification?.checks ?? [] { try check.print(margin: 2) }
      try copies.print()
    }
  }
#endif
