import Foundation
import Testing
import ZooFetch
import ZooSystem

/// What one run leaves to the next, however it ended.
@Suite struct ResumeTests {
  let shop: Workshop
  let bytes = noise(3_000_000)

  init() throws { shop = try Workshop() }

  /// Ends a first run after `count` bytes, so that the next finds a part.
  private func leavePart(_ count: Int, of download: PublishedDownload, tag: String? = "\"tag-1\"") async {
    let file = ServedFile(bytes: bytes, tag: tag)
    let web = ScriptedWeb { request, index in
      var answer = file.answer(request)
      answer.cut = index == 0 ? count : 0
      answer.step = 100_000
      return answer
    }
    _ = await #expect(throws: ZooError.self) { try await shop.fetch(download, from: web) }
  }

  private func sound(_ bytes: [UInt8]? = nil, tag: String? = "\"tag-1\"") -> ScriptedWeb {
    let file = ServedFile(bytes: bytes ?? self.bytes, tag: tag)
    return ScriptedWeb { request, _ in file.answer(request) }
  }

  @Test func theNextRunGoesOn() async throws {
    let download = try published(bytes)
    await leavePart(2_500_000, of: download)
    let web = sound()
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == bytes)
    #expect(web.requests.map { $0.headers["Range"] } == ["bytes=2500000-"])
    #expect(web.requests[0].headers["If-Range"] == "\"tag-1\"")
    #expect(shop.downloads.allSatisfy { !$0.contains(".partial") })
  }

  @Test func aFileThatHasChangedStartsOver() async throws {
    let other = noise(2_900_000, seed: 7)
    let download = try published(bytes, isHashKnown: false)
    await leavePart(2_000_000, of: download)
    let web = sound(other, tag: "\"tag-2\"")
    let file = try await shop.fetch(download, from: web)
    #expect(try shop.read(file.path) == other)
    #expect(file.trust == .transportOnly && shop.startsOver == 1)
    #expect(web.requests.map { $0.headers["If-Range"] } == ["\"tag-1\""])
  }

  /// The server ignores the condition and sends the rest of another file.
  @Test func anotherTagInTheRestStartsOver() async throws {
    let other = noise(3_000_000, seed: 8)
    let download = try published(bytes, isHashKnown: false)
    await leavePart(2_000_000, of: download)
    let web = ScriptedWeb { request, _ in
      var request = request
      request.headers["If-Range"] = nil
      return ServedFile(bytes: other, tag: "\"tag-2\"").answer(request)
    }
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == other)
  }

  @Test func withoutAHashAndATagNothingIsKept() async throws {
    let download = try published(bytes, isHashKnown: false)
    await leavePart(2_000_000, of: download, tag: nil)
    let web = sound(tag: nil)
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == bytes)
    #expect(web.requests[0].headers["Range"] == nil)
  }

  /// The server replaces the file while it is downloaded, and nothing shows it.
  @Test func withoutAHashAndATagNoPartsAreJoined() async throws {
    let (old, new) = (
      ServedFile(bytes: bytes, tag: nil), ServedFile(bytes: noise(3_000_000, seed: 5), tag: nil)
    )
    let web = ScriptedWeb { request, index in
      var answer = (index == 0 ? old : new).answer(request)
      if index == 0 { answer.cut = 2_000_000 }
      return answer
    }
    let file = try await shop.fetch(try published(bytes, isHashKnown: false), from: web)
    #expect(try shop.read(file.path) == new.bytes)
    #expect(web.requests.map { $0.headers["Range"] } == [nil, nil])
  }

  /// The second part comes without a tag, the third from another file.
  @Test func aTagHoldsForAllParts() async throws {
    let (old, new) = (ServedFile(bytes: bytes), ServedFile(bytes: noise(3_000_000, seed: 5), tag: "\"2\""))
    let web = ScriptedWeb { request, index in
      var answer = (index < 2 ? old : new).answer(request)
      if index == 0 { answer.cut = 1_000_000 }
      if index == 1 {
        answer.headers["etag"] = nil
        answer.cut = 1_000_000
      }
      return answer
    }
    let file = try await shop.fetch(try published(bytes, isHashKnown: false), from: web)
    #expect(try shop.read(file.path) == new.bytes)
    #expect(web.requests.map { $0.headers["Range"] } == [nil, "bytes=1000000-", "bytes=2000000-"])
  }

  @Test func aPartFromAMirrorIsAsGood() async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let web = sound(tag: "\"of the mirror\"")
    let file = try await shop.fetch(download, from: web) {
      $0.mirror = try? WebAddress("http://127.0.0.1:8000/keras/")
    }
    #expect(try shop.read(file.path) == bytes)
    #expect(web.requests.map(\.address.text) == ["http://127.0.0.1:8000/keras/models/net.h5"])
    #expect(web.requests[0].headers["Range"] == "bytes=2000000-")
    #expect(web.requests[0].headers["If-Range"] == nil)
  }

  /// A copy of the folder before each step is what a process leaves that is killed there.
  @Test func aKillAtAnyStepIsNoLoss() async throws {
    let download = try published(bytes)
    let copies = shop.folder + "/killed"
    try FileManager.default.createDirectory(atPath: copies, withIntermediateDirectories: true)
    let cache = shop.cache
    let file = ServedFile(bytes: bytes)
    let web = ScriptedWeb { request, index in
      var answer = file.answer(request)
      answer.step = 170_000
      if index == 0 { answer.cut = 1_700_000 }
      answer.hook = { start in
        try? FileManager.default.copyItem(atPath: cache, toPath: "\(copies)/\(index)-\(start)")
      }
      return answer
    }
    _ = try await shop.fetch(download, from: web)
    let names = try FileManager.default.contentsOfDirectory(atPath: copies).sorted()
    #expect(names.count >= 18)
    var resumed = 0
    for name in names {
      let web = sound()
      let fetched = try await shop.fetch(download, from: web) { $0.cacheFolder = "\(copies)/\(name)" }
      #expect(try shop.read(fetched.path) == bytes, "\(name)")
      if web.requests.first?.headers["Range"] != nil { resumed += 1 }
      #expect(web.requests.count == 1, "\(name)")
    }
    #expect(resumed >= 11)
  }

  @Test func aKillBeforeTheNameIsGivenIsNoLoss() async throws {
    let download = try published(bytes, knowsLength: true)
    await leavePart(2_000_000, of: download)
    let partial = try #require(shop.download(".partial"))
    let record = try #require(shop.download(".partial.json"))
    let old = String(decoding: try shop.read(record), as: UTF8.self)
    let new = old.replacing("2000000", with: "3000000")
      .replacing(sha256(Array(bytes[..<2_000_000])), with: sha256(bytes))
    #expect(new != old)
    try shop.write(Array(new.utf8), record)
    try shop.write(bytes, partial)
    let web = sound()
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == bytes)
    #expect(web.requests.isEmpty)
  }

  @Test func aRecordThatIsLeftOverHarmsNothing() async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let record = try #require(shop.download(".partial.json"))
    let old = try shop.read(record)
    let file = try await shop.fetch(download, from: sound())
    try shop.write(old, record)
    try shop.write([1, 2, 3], record + ".new")
    #expect(try await shop.fetch(download, from: sound()).origin == .ownCache)
    try FileManager.default.removeItem(atPath: file.path)
    #expect(try shop.read(try await shop.fetch(download, from: sound()).path) == bytes)
  }

  /// Bytes that came after the record are not trusted.
  @Test func bytesBeyondTheRecordAreDropped() async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let partial = try #require(shop.download(".partial"))
    try shop.write(try shop.read(partial) + noise(500_000, seed: 9), partial)
    let web = sound()
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == bytes)
    #expect(web.requests[0].headers["Range"] == "bytes=2000000-" && web.requests.count == 1)
  }

  @Test func aDamagedPartStartsOver() async throws {
    for damage in ["flipped", "short", "gone"] {
      let download = try published(bytes, address: "https://files.example/\(damage)/net.h5")
      await leavePart(2_000_000, of: download)
      let partial = try #require(shop.download(".partial"))
      var part = try shop.read(partial)
      switch damage {
      case "flipped": part[77] ^= 1
      case "short": part.removeLast(10)
      default: part = []
      }
      try shop.write(part, partial)
      let web = sound()
      let file = try await shop.fetch(download, from: web)
      #expect(try shop.read(file.path) == bytes)
      #expect(web.requests.map { $0.headers["Range"] } == [nil])
      try FileManager.default.removeItem(atPath: file.path)
    }
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{\"version\":1}", "\u{0}",
    #"{"version":2,"address":"https://files.example/models/net.h5","bytes":2000000,"sha256":"SUM"}"#,
    #"{"version":1,"address":"https://files.example/models/net.h5","bytes":-1,"sha256":"SUM"}"#,
    #"{"version":1,"address":"https://files.example/models/net.h5","bytes":9223372036854775807,"sha256":"SUM"}"#,
    #"{"version":1,"address":"https://files.example/models/net.h5","bytes":1e300,"sha256":"SUM"}"#,
    #"{"version":1,"address":"x","bytes":2000000,"length":5,"sha256":"SUM"}"#,
    #"{"version":1,"address":"x","bytes":2000000,"sha256":"nonsense"}"#,
    #"{"version":1,"address":"https://files.example/models/net.h5","bytes":2000000,"etag":"\"a\"\r\nX: y","sha256":"SUM"}"#,
    #"{"version":1,"address":"https://files.example/models/net.h5","bytes":2000000,"etag":"\"a\r\nX: y\"","sha256":"SUM"}"#,
  ])
  func aRecordIsNotTrusted(record: String) async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let path = try #require(shop.download(".partial.json"))
    let sum = sha256(Array(bytes[..<2_000_000]))
    try shop.write(Array(record.replacing("SUM", with: sum).utf8), path)
    let web = sound()
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == bytes)
    #expect(web.requests.map { $0.headers["Range"] } == [nil])
    #expect(web.requests[0].headers.values.allSatisfy { !$0.contains("\n") && !$0.contains("\r") })
  }

  @Test func aRecordOfEndlessLengthIsNotRead() async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let path = try #require(shop.download(".partial.json"))
    try shop.write(try shop.read(path) + [UInt8](repeating: 0x20, count: 1 << 20), path)
    let web = sound()
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == bytes)
    #expect(web.requests.map { $0.headers["Range"] } == [nil])
  }

  @Test func aLinkInPlaceOfAPartIsNotFollowed() async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let partial = try #require(shop.download(".partial"))
    let victim = shop.folder + "/victim"
    try shop.write([1, 2, 3], victim)
    try FileManager.default.removeItem(atPath: partial)
    try FileManager.default.createSymbolicLink(atPath: partial, withDestinationPath: victim)
    let error = await #expect(throws: ZooError.self) { try await shop.fetch(download, from: sound()) }
    #expect(error?.category == .cannotCreate)
    #expect(try shop.read(victim) == [1, 2, 3])
  }

  @Test func aCancelledRunLeavesItsPart() async throws {
    let download = try published(bytes)
    let file = ServedFile(bytes: bytes)
    let web = ScriptedWeb { request, _ in
      var answer = file.answer(request)
      answer.step = 100_000
      answer.hook = { start in
        if start >= 1_500_000 { withUnsafeCurrentTask { $0?.cancel() } }
      }
      return answer
    }
    let shop = shop
    let error = await Task { () -> ZooError? in
      do throws(ZooError) {
        _ = try await shop.fetch(download, from: web)
        return nil
      } catch {
        return error
      }
    }.value
    #expect(error?.code == .cancelled)
    let sound = sound()
    #expect(try shop.read(try await shop.fetch(download, from: sound).path) == bytes)
    #expect(sound.requests.map { $0.headers["Range"] } == ["bytes=1600000-"])
  }

  @Test func aDamagedDownloadIsReplaced() async throws {
    let download = try published(bytes)
    let file = try await shop.fetch(download, from: sound())
    var damaged = bytes
    damaged[5] ^= 1
    try shop.write(damaged, file.path)
    let again = try await shop.fetch(download, from: sound())
    #expect(again.origin == .network)
    #expect(try shop.read(again.path) == bytes)
  }

  // MARK: Two at once

  @Test func twoAtOnceAreOneDownload() async throws {
    let download = try published(bytes)
    let file = ServedFile(bytes: bytes)
    let shop = shop
    let web = ScriptedWeb { request, _ in
      var answer = file.answer(request)
      answer.hook = { start in
        // The first waits in the middle until the second does.
        while start == 1_500_000, !shop.progress.contains(.waiting(name: "Net top")) {
          try? await Task.sleep(for: .milliseconds(1))
        }
      }
      return answer
    }
    async let first = shop.fetch(download, from: web)
    async let second = shop.fetch(download, from: web)
    let files = try await [first, second]
    #expect(web.requests.count == 1)
    #expect(files[0].path == files[1].path && Set(files.map(\.origin)) == [.network, .ownCache])
    #expect(shop.progress.count { $0 == .waiting(name: "Net top") } == 1)
    #expect(try shop.read(files[0].path) == bytes)
  }

  @Test func aLockOfSomebodyElseIsWaitedFor() async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let path = try #require(shop.download(".lock"))
    let descriptor = open(path, O_RDWR)
    #expect(flock(descriptor, LOCK_EX) == 0)
    let shop = shop
    let waiting = Task { try await shop.fetch(download, from: sound()) }
    while !shop.progress.contains(.waiting(name: "Net top")) { try await Task.sleep(for: .milliseconds(1)) }
    #expect(shop.download("/net.h5") == nil)
    close(descriptor)
    #expect(try shop.read(try await waiting.value.path) == bytes)
    #expect(shop.pauses.suffix(1).allSatisfy { $0 == 0.25 || $0 == 1 })
  }

  @Test func whoWaitsCanBeCancelled() async throws {
    let download = try published(bytes)
    await leavePart(2_000_000, of: download)
    let descriptor = open(try #require(shop.download(".lock")), O_RDWR)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX) == 0)
    let shop = shop
    let waiting = Task { try await shop.fetch(download, from: sound()) }
    while !shop.progress.contains(.waiting(name: "Net top")) { try await Task.sleep(for: .milliseconds(1)) }
    waiting.cancel()
    let error = await #expect(throws: ZooError.self) { try await waiting.value }
    #expect(error?.code == .cancelled)
  }
}
