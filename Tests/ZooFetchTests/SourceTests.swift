import Foundation
import Testing
import ZooFetch
import ZooSystem

/// Where files are looked for, and what must be known of them.
@Suite struct SourceTests {
  let shop: Workshop
  let bytes = noise(40_000)

  init() throws { shop = try Workshop() }

  private func sound() -> ScriptedWeb {
    let file = ServedFile(bytes: bytes)
    return ScriptedWeb { request, _ in file.answer(request) }
  }

  // MARK: Others' folders

  @Test func aFileOfKerasIsTakenByItsHash() async throws {
    try shop.write(bytes, shop.home + "/.keras/models/net.h5")
    let web = sound()
    let file = try await shop.fetch(try published(bytes, hash: .md5(md5(bytes))), from: web)
    #expect(file.path == shop.home + "/.keras/models/net.h5" && file.origin == .kerasFolder)
    #expect(file.trust == .md5 && file.sha256 == sha256(bytes) && web.requests.isEmpty)
  }

  @Test func aWrongFileOfTheRightNameIsNot() async throws {
    var wrong = bytes
    wrong[9] ^= 1
    try shop.write(wrong, shop.home + "/.keras/models/net.h5")
    let file = try await shop.fetch(try published(bytes, knowsLength: true), from: sound())
    #expect(file.origin == .network)
    #expect(try shop.read(file.path) == bytes)
    #expect(file.remarks.count == 1 && file.remarks[0].contains(".keras/models/net.h5"))
    #expect(try shop.read(shop.home + "/.keras/models/net.h5") == wrong)
  }

  @Test func aRightFileOfAnotherNameIs() async throws {
    try shop.write(noise(40_000, seed: 3), shop.home + "/.keras/models/a.h5")
    try shop.write(bytes, shop.home + "/.keras/models/b.h5")
    let web = sound()
    let file = try await shop.fetch(try published(bytes, knowsLength: true), from: web)
    #expect(file.path.hasSuffix("/b.h5") && file.remarks.isEmpty && web.requests.isEmpty)
  }

  @Test func withoutAHashNoFileIsTaken() async throws {
    try shop.write(bytes, shop.home + "/.keras/models/net.h5")
    let web = sound()
    let file = try await shop.fetch(
      try published(bytes, isHashKnown: false, knowsLength: true), from: web)
    #expect(file.origin == .network && file.trust == .transportOnly && web.requests.count == 1)
  }

  @Test func theFoldersCanBeElsewhere() async throws {
    try shop.write(bytes, shop.folder + "/k/models/net.h5")
    let file = try await shop.fetch(
      try published(bytes), from: sound(), variables: ["KERAS_HOME": shop.folder + "/k"])
    #expect(file.origin == .kerasFolder)
  }

  @Test func aBlobOfTheHubIsTakenByItsHash() async throws {
    let blob = "\(shop.home)/.cache/huggingface/hub/models--o--n/blobs/\(sha256(bytes))"
    try shop.write(bytes, blob)
    let web = sound()
    let file = try await shop.fetch(try published(bytes), from: web)
    #expect(file.path == blob && file.origin == .hubCache && web.requests.isEmpty)
    try shop.write(noise(40_000, seed: 2), blob)
    #expect(try await shop.fetch(try published(bytes), from: web).origin == .network)
  }

  @Test func aPipeIsNoFile() async throws {
    try shop.write([], shop.home + "/.keras/models/x")
    #expect(mkfifo(shop.home + "/.keras/models/net.h5", 0o600) == 0)
    #expect(try await shop.fetch(try published(bytes), from: sound()).origin == .network)
  }

  // MARK: Without a network

  @Test func offlineIsWhatIsHere() async throws {
    let web = sound()
    let download = try published(bytes)
    let error = await #expect(throws: ZooError.self) {
      try await shop.fetch(download, from: web) { $0.isOffline = true }
    }
    #expect(error?.code == .cannotOpen && error?.remedy?.contains("--offline") == true)
    #expect(web.requests.isEmpty)
    let file = try await shop.fetch(download, from: web)
    let again = try await shop.fetch(download, from: web) { $0.isOffline = true }
    #expect(again.path == file.path && web.requests.count == 1)
  }

  // MARK: Without a hash

  @Test func encryptionAloneIsSaidToBeAll() async throws {
    let web = sound()
    let download = try published(bytes, isHashKnown: false)
    let file = try await shop.fetch(download, from: web)
    #expect(file.trust == .transportOnly && file.sha256 == sha256(bytes))
    // What came then is known by what it was.
    #expect(try await shop.fetch(download, from: web).origin == .ownCache)
    #expect(web.requests.count == 1)
    var changed = bytes
    changed[0] ^= 1
    try shop.write(changed, file.path)
    #expect(try await shop.fetch(download, from: web).origin == .network)
    #expect(try shop.read(file.path) == bytes)
  }

  @Test func withoutEncryptionThereMustBeAHash() async throws {
    let web = sound()
    let plain = try published(bytes, address: "http://files.example/net.h5", isHashKnown: false)
    let error = await #expect(throws: ZooError.self) { try await shop.fetch(plain, from: web) }
    #expect(error?.code == .unsupported && web.bytesRead == 0)
    let local = try published(bytes, address: "http://127.0.0.1:80/net.h5", isHashKnown: false)
    #expect(try await shop.fetch(local, from: web).trust == .transportOnly)
    #expect(
      try await shop.fetch(try published(bytes, address: "http://files.example/n"), from: web).bytes > 0)
  }

  @Test func withoutALengthThereMustBeAHash() async throws {
    let web = ScriptedWeb { [bytes] _, index in
      ScriptedWeb.Answer(headers: index == 0 ? [:] : ["transfer-encoding": "chunked"], bytes: bytes)
    }
    let download = try published(bytes, isHashKnown: false)
    let error = await #expect(throws: ZooError.self) { try await shop.fetch(download, from: web) }
    #expect(error?.code == .unsupported)
    #expect(try await shop.fetch(download, from: web).bytes == bytes.count)
  }

  @Test func anAddressNeedsItsHash() async throws {
    let fetcher = Fetcher(transport: sound(), configuration: shop.configuration())
    let address = try WebAddress("https://files.example/net.h5")
    let error = await #expect(throws: ZooError.self) { try await fetcher.fetch(address, sha256: nil) }
    #expect(error?.code == .invalidArgument && error?.category == .usage)
    #expect(error?.remedy?.contains("--sha256") == true)
    let file = try await fetcher.fetch(address, sha256: sha256(bytes))
    #expect(file.trust == .sha256)
    #expect(try shop.read(file.path) == bytes)
  }

  @Test func torchHasTheStartOfTheHashInTheName() async throws {
    let start = sha256(bytes).prefix(8)
    let fetcher = Fetcher(transport: sound(), configuration: shop.configuration())
    let address = try WebAddress("https://download.pytorch.org/models/resnet50-\(start).pth")
    #expect(try await fetcher.fetch(address, sha256: nil).trust == .sha256Prefix)
    let other = try WebAddress("https://download.pytorch.org/models/resnet50-00000000.pth")
    let error = await #expect(throws: ZooError.self) { try await fetcher.fetch(other, sha256: nil) }
    #expect(error?.code == .damaged)
    for text in [
      "https://files.example/resnet50-\(start).pth", "https://download.pytorch.org/resnet50.pth",
      "http://download.pytorch.org/resnet50-\(start).pth", "https://download.pytorch.org/resnet50-\(start)",
    ] {
      #expect(try WebAddress(text).torchDigits == nil)
    }
  }

  @Test func torchsFolderNeedsTheNameToo() async throws {
    let start = String(sha256(bytes).prefix(8))
    let folder = shop.home + "/.cache/torch/hub/checkpoints"
    try shop.write(bytes, "\(folder)/other.pth")
    let web = sound()
    let fetcher = Fetcher(transport: web, configuration: shop.configuration())
    let address = try WebAddress("https://download.pytorch.org/models/net-\(start).pth")
    #expect(try await fetcher.fetch(address, sha256: nil).origin == .network)
    try shop.write(bytes, "\(folder)/net-\(start).pth")
    let configuration = shop.configuration { [shop] in $0.cacheFolder = shop.folder + "/empty" }
    let file = try await Fetcher(transport: web, configuration: configuration).fetch(address, sha256: nil)
    #expect(file.origin == .torchFolder && file.trust == .sha256Prefix && web.requests.count == 1)
  }

  // MARK: The folder of downloads

  @Test func theFolderIsTheUsers() throws {
    func folder(_ environment: [String: String]) -> String? {
      FetchConfiguration(environment: environment).defaultCacheFolder
    }
    #expect(folder(["ZOO_CACHE": "/z", "HOME": "/h"]) == "/z/downloads")
    #if os(Linux)
      #expect(folder(["HOME": "/h"]) == "/h/.cache/zoo/downloads")
      #expect(folder(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/zoo/downloads")
      #expect(folder(["HOME": "/h", "XDG_CACHE_HOME": ""]) == "/h/.cache/zoo/downloads")
    #endif
    #expect(folder([:]) == nil)
    let error = #expect(throws: ZooError.self) {
      try FetchConfiguration(environment: [:]).downloadFolder()
    }
    #expect(error?.category == .cannotCreate)
  }

  @Test func namesStayInTheirFolder() async throws {
    for name in ["..%2F..%2Fnet.h5", ".hidden", "%00", "a%0Ab", "", String(repeating: "x", count: 300)] {
      let download = try published(bytes, address: "https://files.example/\(name)", isHashKnown: false)
      let file = try await shop.fetch(download, from: sound())
      #expect(file.path.hasPrefix(shop.cache + "/") && file.path.hasSuffix("/download"))
      #expect(!file.path.contains(".."))
    }
  }
}
