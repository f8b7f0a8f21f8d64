import ZooSystem

extension Fetcher {
  /// Fetches a file of a model on the hub, or its weights together with its `config.json`, into the cache
  /// that the hub's own client has too.
  ///
  /// - Parameters:
  ///   - sha256: what the file must have besides, where a person gave it.
  ///   - progress: called often, by any thread.
  /// - Throws: as for a file of the catalogue.
  package func fetch(
    _ file: HubFile, sha256: String? = nil, progress: @escaping @Sendable (FetchProgress) -> Void = { _ in }
  ) async throws(ZooError) -> FetchedFile {
    guard let cache = HubCache(configuration) else {
      throw ZooError(
        .cannotCreate, what: "cannot create", at: "the hub's cache", "HOME is not set",
        remedy: "Name a folder in HF_HUB_CACHE.")
    }
    let settings = try HubSettings(configuration)
    let client = HubClient(settings: settings, transport: transport, configuration: configuration)
    let model = HubModel(
      file: file, cache: cache, client: client, configuration: configuration, progress: progress)
    var fetched = try await model.weights(sha256: sha256)
    if let commit = fetched.commit, Self.isOfWeights(fetched.path) {
      try await addConfiguration(to: &fetched, of: model, commit: commit)
    }
    return fetched
  }

  /// The converter reads preprocessing and classes from a `config.json` beside the weights.
  private func addConfiguration(
    to fetched: inout FetchedFile, of model: HubModel, commit: String
  ) async throws(ZooError) {
    let folder = model.file.file.flatMap { name in name.lastIndex(of: "/").map { name[...$0] } } ?? ""
    guard let configuration = try await model.configuration(folder + "config.json", commit: commit) else {
      return
    }
    fetched.configuration = configuration.path
    fetched.licence = HubModelConfiguration(path: configuration.path)?.licence
  }

  private static func isOfWeights(_ path: String) -> Bool {
    ["safetensors", "bin", "pt", "pth", "h5", "npz"].contains { path.hasSuffix("." + $0) }
  }
}
