import Foundation
import Synchronization
import Testing
import ZooFetch
import ZooSystem

/// The hub's protocol, spoken to a hub of a few lines.
@Suite struct HubTests {
  let shop: Workshop
  static let commit = "0123456789abcdef0123456789abcdef01234567"
  static let config = Array(#"{"architecture":"x","pretrained_cfg":{"license":"apache-2.0"}}"#.utf8)
  let weights = noise(60_000)
  let file = HubFile(organization: "org", name: "net")

  init() throws { shop = try Workshop() }

  private var cache: String { shop.home + "/.cache/huggingface/hub" }
  private var repository: String { cache + "/models--org--net" }

  /// Large files are at a host of their own, small ones are not.
  private func hub(
    _ files: [String: [UInt8]], commit: String = HubTests.commit, host: String = "huggingface.co",
    _ change: @escaping @Sendable (inout ScriptedWeb.Answer, TransportRequest) -> Void = { _, _ in }
  ) -> ScriptedWeb {
    ScriptedWeb { request, _ in
      var answer = Self.answer(request, files, commit: commit, host: host)
      change(&answer, request)
      return answer
    }
  }

  private static func answer(
    _ request: TransportRequest, _ files: [String: [UInt8]], commit: String, host: String
  ) -> ScriptedWeb.Answer {
    let path = request.address.pathAndQuery
    if request.address.host == "cdn-lfs.hf.co" {
      let name = path.dropFirst().prefix { $0 != "?" }
      return ServedFile(bytes: files[String(name)] ?? []).answer(request)
    }
    let parts = path.split(separator: "/")
    guard request.address.host == host, parts.count >= 5, parts[2] == "resolve" else {
      return ScriptedWeb.Answer(status: 400)
    }
    let name = parts[4...].joined(separator: "/")
    guard parts[0] == "org", parts[1] == "net" else {
      return ScriptedWeb.Answer(status: 401, headers: ["x-error-code": "RepoNotFound"])
    }
    guard ["main", commit].contains(String(parts[3])) else {
      return ScriptedWeb.Answer(status: 404, headers: ["x-error-code": "RevisionNotFound"])
    }
    guard let bytes = files[name] else {
      return ScriptedWeb.Answer(
        status: 404, headers: ["x-error-code": "EntryNotFound", "x-repo-commit": commit])
    }
    if bytes.count > 10_000 {
      return .redirect(
        to: "https://cdn-lfs.hf.co/\(name)?Signature=x",
        headers: [
          "x-repo-commit": commit, "x-linked-etag": "\"\(sha256(bytes))\"", "x-linked-size": "\(bytes.count)",
          "content-length": "99",
        ])
    }
    var answer = ServedFile(bytes: bytes, tag: "\"\(gitBlob(bytes))\"").answer(request)
    answer.headers["x-repo-commit"] = commit
    return answer
  }

  private func sound(_ commit: String = HubTests.commit) -> ScriptedWeb {
    hub(["model.safetensors": weights, "config.json": Self.config], commit: commit)
  }

  private func failure(
    _ file: HubFile, from web: ScriptedWeb, sha256: String? = nil, variables: [String: String] = [:],
    change: (inout FetchConfiguration) -> Void = { _ in }
  ) async throws -> ZooError {
    let error = await #expect(throws: ZooError.self) {
      try await shop.fetch(file, from: web, sha256: sha256, variables: variables, change: change)
    }
    return try #require(error)
  }

  // MARK: The way of a file

  @Test func weightsComeWithTheirConfiguration() async throws {
    let web = sound()
    let fetched = try await shop.fetch(file, from: web)
    #expect(fetched.path == "\(repository)/snapshots/\(Self.commit)/model.safetensors")
    #expect(try shop.read(fetched.path) == weights)
    #expect(fetched.trust == .sha256 && fetched.origin == .network && fetched.commit == Self.commit)
    #expect(fetched.sha256 == sha256(weights) && fetched.bytes == weights.count)
    #expect(fetched.licence == "apache-2.0" && fetched.address.host == "cdn-lfs.hf.co")
    let configuration = try #require(fetched.configuration)
    #expect(configuration == "\(repository)/snapshots/\(Self.commit)/config.json")
    #expect(try shop.read(configuration) == Self.config)
    let heads = web.requests.filter { $0.method == .head }
    #expect(
      heads.map(\.address.pathAndQuery) == [
        "/org/net/resolve/main/model.safetensors", "/org/net/resolve/\(Self.commit)/config.json",
      ])
    #expect(web.requests.allSatisfy { $0.headers["Accept-Encoding"] == "identity" })
    #expect(web.requests.count == 5)
  }

  /// As the hub's own client makes it.
  @Test func theCacheHasTheClientsLayout() async throws {
    _ = try await shop.fetch(file, from: sound())
    let blob = sha256(weights)
    let small = gitBlob(Self.config)
    let manager = FileManager.default
    func target(_ name: String) throws -> String {
      try manager.destinationOfSymbolicLink(atPath: "\(repository)/snapshots/\(Self.commit)/\(name)")
    }
    #expect(try target("model.safetensors") == "../../blobs/\(blob)")
    #expect(try target("config.json") == "../../blobs/\(small)")
    #expect(
      try manager.contentsOfDirectory(atPath: repository + "/blobs").sorted() == [blob, small].sorted())
    #expect(try shop.read(repository + "/refs/main") == Array(Self.commit.utf8))
    #expect(try manager.contentsOfDirectory(atPath: repository + "/refs") == ["main"])
    #expect(
      try manager.contentsOfDirectory(atPath: cache + "/.locks/models--org--net").contains("\(blob).lock"))
    let tag = String(decoding: try shop.read(cache + "/CACHEDIR.TAG"), as: UTF8.self)
    #expect(tag.hasPrefix("Signature: 8a477f597d28d172789f06886806bc55\n"))
  }

  @Test func filesInFoldersHaveLongerLinks() async throws {
    let web = hub(["a/b/w.bin": weights, "a/b/config.json": Self.config])
    let fetched = try await shop.fetch(
      HubFile(organization: "org", name: "net", file: "a/b/w.bin"), from: web)
    #expect(try shop.read(fetched.path) == weights)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: fetched.path)
        == "../../../../blobs/\(sha256(weights))")
    #expect(fetched.configuration?.hasSuffix("/a/b/config.json") == true)
  }

  @Test func aSecondTimeOneQuestionIsEnough() async throws {
    _ = try await shop.fetch(file, from: sound())
    let web = sound()
    let again = try await shop.fetch(file, from: web)
    #expect(again.origin == .hubCache && again.trust == .sha256 && again.licence == "apache-2.0")
    #expect(web.requests.map(\.method) == [.head])
    let commit = HubFile(organization: "org", name: "net", revision: Self.commit)
    let silent = ScriptedWeb { _, _ in .failing(.unreachable("off")) }
    #expect(try await shop.fetch(commit, from: silent).path == again.path)
    #expect(silent.requests.isEmpty)
  }

  @Test func anotherCommitIsAnotherSnapshot() async throws {
    _ = try await shop.fetch(file, from: sound())
    let next = "fedcba9876543210fedcba9876543210fedcba98"
    let web = sound(next)
    let fetched = try await shop.fetch(file, from: web)
    #expect(fetched.path.contains("/snapshots/\(next)/") && fetched.origin == .hubCache)
    #expect(try shop.read(fetched.path) == weights)
    #expect(web.requests.allSatisfy { $0.method == .head })
    #expect(try shop.read(repository + "/refs/main") == Array(next.utf8))
  }

  @Test func aDamagedBlobIsReplaced() async throws {
    let fetched = try await shop.fetch(file, from: sound())
    var damaged = weights
    damaged[1] ^= 1
    try shop.write(damaged, "\(repository)/blobs/\(sha256(weights))")
    let again = try await shop.fetch(file, from: sound())
    #expect(again.origin == .network && again.remarks.contains { $0.contains("damaged") })
    #expect(try shop.read(fetched.path) == weights)
  }

  @Test func aWrongByteFromTheHubIsFound() async throws {
    let web = hub(["model.safetensors": weights]) { answer, request in
      if request.address.host == "cdn-lfs.hf.co", !answer.bytes.isEmpty { answer.bytes[0] ^= 1 }
    }
    #expect(try await failure(file, from: web).code == .damaged)
    #expect(try FileManager.default.contentsOfDirectory(atPath: repository + "/blobs").isEmpty)
  }

  @Test func aCutIsMendedInTheCache() async throws {
    let cuts = Mutex(0)
    let web = hub(["model.safetensors": weights]) { answer, request in
      if request.address.host == "cdn-lfs.hf.co",
        cuts.withLock({
          $0 += 1
          return $0 < 20
        })
      {
        answer.cut = min(1000, answer.bytes.count)
      }
    }
    #expect(try await failure(file, from: web).code == .unreadable)
    let names = try FileManager.default.contentsOfDirectory(atPath: repository + "/blobs").sorted()
    #expect(names == [sha256(weights) + ".incomplete", sha256(weights) + ".incomplete.json"])
    let sound = sound()
    #expect(try shop.read(try await shop.fetch(file, from: sound).path) == weights)
    #expect(sound.requests.contains { $0.headers["Range"] == "bytes=6000-" })
  }

  @Test func aSmallFileIsKnownByGitsHash() async throws {
    let web = hub(["config.json": Self.config])
    let named = HubFile(organization: "org", name: "net", file: "config.json")
    let fetched = try await shop.fetch(named, from: web)
    #expect(fetched.trust == .gitBlob && fetched.configuration == nil)
    let other = hub(["config.json": Self.config]) { answer, request in
      if request.method == .get { answer.bytes[3] ^= 1 }
    }
    try FileManager.default.removeItem(atPath: cache)
    #expect(try await failure(named, from: other).code == .damaged)
  }

  @Test func aHashThatIsAskedForMustHold() async throws {
    let named = HubFile(organization: "org", name: "net", file: "model.safetensors")
    let web = sound()
    let wrong = String(repeating: "0", count: 64)
    let error = try await failure(named, from: web, sha256: wrong)
    #expect(error.code == .damaged && web.requests.count == 1)
    #expect(try await shop.fetch(named, from: web, sha256: sha256(weights)).trust == .sha256)
  }

  @Test func olderWeightsAreTakenAndSaid() async throws {
    let fetched = try await shop.fetch(file, from: hub(["pytorch_model.bin": weights]))
    #expect(fetched.path.hasSuffix("/pytorch_model.bin") && fetched.configuration == nil)
    #expect(fetched.remarks.count == 1 && fetched.remarks[0].contains("pytorch_model.bin"))
    let none = try await failure(file, from: hub(["README.md": [1]]))
    #expect(none.code == .cannotOpen && none.remedy?.contains("/org/net/tree/main") == true)
    let parts = try await failure(file, from: hub(["model.safetensors.index.json": [1]]))
    #expect(parts.code == .unsupported)
  }

  // MARK: Redirects and the token

  @Test func theTokenStaysAtTheHub() async throws {
    let web = sound()
    _ = try await shop.fetch(file, from: web, variables: ["HF_TOKEN": " hf_secret\n"])
    for request in web.requests {
      let isHub = request.address.origin == "https://huggingface.co:443"
      #expect(request.headers["Authorization"] == (isHub ? "Bearer hf_secret" : nil))
    }
    #expect(web.requests.contains { $0.address.host == "cdn-lfs.hf.co" })
  }

  @Test func theTokenStaysWhereverItIsRedirected() async throws {
    for location in [
      "https://cdn-lfs.huggingface.co/x", "https://huggingface.co:8443/x", "https://x.hf.co/x",
    ] {
      let web = ScriptedWeb { _, _ in .redirect(to: location) }
      _ = try await failure(file, from: web, variables: ["HF_TOKEN": "hf_secret"])
      #expect(web.requests.dropFirst().allSatisfy { $0.headers["Authorization"] == nil })
    }
    let stranger = hub(["model.safetensors": weights]) { answer, _ in
      answer.headers["location"] = answer.headers["location"].map { _ in "https://evil.example/x" }
    }
    let error = try await failure(file, from: stranger, variables: ["HF_TOKEN": "hf_secret"])
    #expect(error.code == .cannotOpen && error.why.contains("evil.example"))
    #expect(stranger.requests.allSatisfy { $0.address.host == "huggingface.co" })
  }

  @Test func theTokenIsFoundWhereTheClientKeepsIt() async throws {
    func header(_ variables: [String: String], token: String? = nil) async throws -> String? {
      let web = sound()
      _ = try await shop.fetch(file, from: web, variables: variables) { $0.token = token }
      return web.requests.first?.headers["Authorization"]
    }
    #expect(try await header([:]) == nil)
    try shop.write(Array("hf_file\n".utf8), shop.home + "/.cache/huggingface/token")
    #expect(try await header([:]) == "Bearer hf_file")
    #expect(try await header(["HF_TOKEN": "hf_variable"]) == "Bearer hf_variable")
    #expect(try await header(["HF_TOKEN": "hf_variable"], token: "hf_given") == "Bearer hf_given")
    #expect(try await header([:], token: "") == nil)
    #expect(try await header(["HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]) == nil)
    try shop.write(Array("hf_home".utf8), shop.folder + "/hf/token")
    #expect(try await header(["HF_HOME": shop.folder + "/hf"]) == "Bearer hf_home")
    let error = try await failure(file, from: sound(), variables: ["HF_TOKEN": "a\r\nX: y"])
    #expect(error.category == .usage)
  }

  @Test func aRenamedRepositoryIsFollowed() async throws {
    let files = ["model.safetensors": weights, "config.json": Self.config]
    let web = ScriptedWeb { request, _ in
      let path = request.address.pathAndQuery
      if path.hasPrefix("/old/name/") {
        return .redirect(to: path.replacing("/old/name/", with: "/org/net/"), status: 307)
      }
      return Self.answer(request, files, commit: Self.commit, host: "huggingface.co")
    }
    let fetched = try await shop.fetch(HubFile(organization: "old", name: "name"), from: web)
    #expect(try shop.read(fetched.path) == weights)
    #expect(fetched.path.contains("/models--old--name/"))
  }

  /// Small files are answered from a place of the hub's own, whose answer may lack what the first one says.
  @Test func whatTheFirstAnswerSaysCounts() async throws {
    let config = Self.config
    let web = ScriptedWeb { request, _ in
      if request.address.pathAndQuery.hasPrefix("/api/") {
        return ServedFile(bytes: config, tag: nil).answer(request)
      }
      return .redirect(
        to: "/api/resolve-cache/x",
        headers: ["x-repo-commit": Self.commit, "x-linked-etag": "\"\(gitBlob(config))\""])
    }
    let named = HubFile(organization: "org", name: "net", file: "config.json")
    #expect(try shop.read(try await shop.fetch(named, from: web).path) == config)
  }

  @Test func aMirrorIsAsked() async throws {
    let web = hub(["model.safetensors": weights], host: "mirror.example")
    let fetched = try await shop.fetch(
      file, from: web, variables: ["HF_ENDPOINT": "https://mirror.example/"])
    #expect(try shop.read(fetched.path) == weights)
    #expect(web.requests[0].address.text == "https://mirror.example/org/net/resolve/main/model.safetensors")
    // A mirror that has only the bytes sends on to the hub, which doesn't get the mirror's token.
    let both = hub(["model.safetensors": weights]) { answer, request in
      if request.address.host == "mirror.example" {
        answer = .redirect(to: "https://huggingface.co" + request.address.pathAndQuery)
      }
    }
    let sent = try await shop.fetch(
      file, from: both, variables: ["HF_ENDPOINT": "https://mirror.example", "HF_TOKEN": "hf_secret"])
    #expect(sent.commit == Self.commit)
    #expect(
      both.requests.allSatisfy {
        ($0.headers["Authorization"] != nil) == ($0.address.host == "mirror.example")
      })
    let error = try await failure(file, from: web, variables: ["HF_ENDPOINT": "nonsense"])
    #expect(error.category == .usage && error.location.contains("HF_ENDPOINT"))
  }

  // MARK: Errors

  @Test func errorsSayWhatToDo() async throws {
    typealias Row = (status: Int, headers: [String: String], token: String, says: String, remedy: String)
    let rows: [Row] = [
      (401, ["x-error-code": "RepoNotFound"], "", "no such repository", "HF_TOKEN"),
      (404, ["x-error-code": "RepoNotFound"], "t", "no such repository", "token has no access"),
      (401, [:], "", "no such repository", "HF_TOKEN"),
      (403, ["x-error-code": "GatedRepo"], "", "gated", "huggingface.co/org/net, then set HF_TOKEN"),
      (403, ["x-error-code": "GatedRepo"], "t", "gated", "https://huggingface.co/org/net."),
      (404, ["x-error-code": "RevisionNotFound"], "", "'main'", "tree/main"),
      (404, ["x-error-code": "EntryNotFound"], "", "w.h5", "hf://org/net/FILE"),
      (401, ["x-error-message": "Invalid credentials in Authorization header"], "t", "token", "HF_TOKEN"),
    ]
    let named = HubFile(organization: "org", name: "net", file: "w.h5")
    for row in rows {
      let web = ScriptedWeb { _, _ in ScriptedWeb.Answer(status: row.status, headers: row.headers) }
      let error = try await failure(named, from: web) { $0.token = row.token }
      #expect(error.code == .cannotOpen && error.location == "hf://org/net/w.h5")
      #expect(error.why.contains(row.says), "\(error)")
      #expect(error.remedy?.contains(row.remedy) == true, "\(error.remedy ?? "")")
      #expect(web.requests.count == 1)
    }
  }

  @Test func whatIsNoHubIsSaid() async throws {
    let page = ScriptedWeb { _, _ in ScriptedWeb.Answer(headers: ["content-length": "12", "etag": "\"x\""]) }
    #expect(try await failure(file, from: page).code == .unsupported)
    for (name, value) in [("x-repo-commit", "../../x"), ("x-linked-etag", "\"../../x\"")] {
      let web = hub(["model.safetensors": weights]) { answer, _ in answer.headers[name] = value }
      #expect(try await failure(file, from: web).code == .unsupported)
    }
  }

  @Test func theHubMayBeUnwell() async throws {
    let count = Mutex(0)
    let web = hub(["model.safetensors": weights]) { answer, _ in
      if count.withLock({
        $0 += 1
        return $0 <= 3
      }) {
        answer = ScriptedWeb.Answer(status: 503)
      }
    }
    #expect(try shop.read(try await shop.fetch(file, from: web).path) == weights)
    #expect(shop.pauses == [0.5, 1, 2])
  }

  // MARK: Without the hub

  @Test func offlineIsWhatTheCacheHas() async throws {
    let silent = ScriptedWeb { _, _ in .failing(.unreachable("off")) }
    let miss = try await failure(file, from: silent, variables: ["HF_HUB_OFFLINE": "1"])
    #expect(miss.code == .cannotOpen && miss.why.contains("model.safetensors"))
    #expect(miss.remedy?.contains("HF_HUB_OFFLINE") == true)
    _ = try await shop.fetch(file, from: sound())
    let found = try await shop.fetch(file, from: silent, variables: ["HF_HUB_OFFLINE": "1"])
    #expect(found.origin == .hubCache && found.trust == .sha256 && found.licence == "apache-2.0")
    #expect(try await shop.fetch(file, from: silent) { $0.isOffline = true }.path == found.path)
    #expect(silent.requests.isEmpty)
    let branch = HubFile(organization: "org", name: "net", revision: "v2")
    _ = try await failure(branch, from: silent) { $0.isOffline = true }
    var damaged = weights
    damaged[0] ^= 1
    try shop.write(damaged, "\(repository)/blobs/\(sha256(weights))")
    _ = try await failure(file, from: silent) { $0.isOffline = true }
  }

  @Test func aHubThatIsAwayIsNoObstacle() async throws {
    let silent = ScriptedWeb { _, _ in .failing(.unreachable("off")) }
    #expect(try await failure(file, from: silent).code == .cannotOpen)
    _ = try await shop.fetch(file, from: sound())
    let found = try await shop.fetch(file, from: silent)
    #expect(found.origin == .hubCache && found.remarks.contains { $0.contains("no answer") })
    // One that says no is an answer.
    let closed = ScriptedWeb { _, _ in
      ScriptedWeb.Answer(status: 401, headers: ["x-error-code": "RepoNotFound"])
    }
    _ = try await failure(file, from: closed)
  }

  @Test func theCacheCanBeElsewhere() async throws {
    let places = [
      (["HF_HUB_CACHE": "FOLDER/a/"], "a"), (["HF_HOME": "FOLDER/b"], "b/hub"),
      (["XDG_CACHE_HOME": "FOLDER/c"], "c/huggingface/hub"), (["HUGGINGFACE_HUB_CACHE": "FOLDER/d"], "d"),
      (["HF_HOME": "~/e"], "home/e/hub"),
    ]
    for (variables, place) in places {
      let real = variables.mapValues { $0.replacing("FOLDER", with: shop.folder) }
      let fetched = try await shop.fetch(file, from: sound(), variables: real)
      #expect(fetched.path.hasPrefix("\(shop.folder)/\(place)/models--org--net/"))
    }
  }

  /// A link in the cache that leads elsewhere is no proof of what it leads to.
  @Test func aLinkOutOfTheCacheProvesNothing() async throws {
    let path = "\(repository)/snapshots/\(Self.commit)/model.safetensors"
    try shop.write([1, 2, 3], shop.folder + "/\(sha256(weights))")
    try shop.write([], "\(repository)/snapshots/\(Self.commit)/x")
    try FileManager.default.createSymbolicLink(
      atPath: path, withDestinationPath: shop.folder + "/\(sha256(weights))")
    try shop.write(Array(Self.commit.utf8), repository + "/refs/main")
    let silent = ScriptedWeb { _, _ in .failing(.unreachable("off")) }
    _ = try await failure(file, from: silent) { $0.isOffline = true }
    let fetched = try await shop.fetch(file, from: sound())
    #expect(try shop.read(fetched.path) == weights)
  }
}
