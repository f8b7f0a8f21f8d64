import Testing
import ZooFetch
import ZooSystem

/// What servers do wrong, one fault a test.
@Suite struct DownloadTests {
  let shop: Workshop
  let bytes = noise(300_000)

  init() throws { shop = try Workshop() }

  /// A server of ``bytes`` whose answers are changed.
  private func web(
    tag: String? = "\"tag-1\"", knowsRanges: Bool = true,
    _ change: @escaping @Sendable (inout ScriptedWeb.Answer, TransportRequest, Int) -> Void = { _, _, _ in }
  ) -> ScriptedWeb {
    let file = ServedFile(bytes: bytes, tag: tag, knowsRanges: knowsRanges)
    return ScriptedWeb { request, index in
      var answer = file.answer(request)
      change(&answer, request, index)
      return answer
    }
  }

  private func failure(
    _ download: PublishedDownload, from web: ScriptedWeb,
    change: (inout FetchConfiguration) -> Void = { _ in }
  ) async throws -> ZooError {
    let error = await #expect(throws: ZooError.self) {
      try await shop.fetch(download, from: web, change: change)
    }
    return try #require(error)
  }

  /// Nothing is there that could be taken for the file.
  private func expectNothing() { #expect(shop.download("/net.h5") == nil) }

  // MARK: Nothing wrong

  @Test func aFileComesOnce() async throws {
    let web = web()
    let file = try await shop.fetch(try published(bytes, knowsLength: true), from: web)
    #expect(try shop.read(file.path) == bytes)
    #expect(file.path.hasSuffix("/net.h5"))
    #expect(file.sha256 == sha256(bytes) && file.md5 == md5(bytes) && file.bytes == bytes.count)
    #expect(file.trust == .sha256 && file.origin == .network)
    #expect(file.address.text == "https://files.example/models/net.h5")
    #expect(web.requests.count == 1)
    #expect(web.requests[0].headers["Accept-Encoding"] == "identity")
    #expect(web.requests[0].headers["Authorization"] == nil && web.requests[0].headers["Range"] == nil)
    #expect(shop.progress.last == .received(bytes: bytes.count, total: bytes.count))
    #expect(shop.downloads.allSatisfy { !$0.contains(".partial") && !$0.hasSuffix(".new") })

    let again = try await shop.fetch(try published(bytes), from: web)
    #expect(web.requests.count == 1)
    #expect(again.origin == .ownCache && again.path == file.path && again.sha256 == file.sha256)
  }

  @Test func anMD5IsEnoughAndSaidToBeOne() async throws {
    let file = try await shop.fetch(try published(bytes, hash: .md5(md5(bytes))), from: web())
    #expect(file.trust == .md5 && file.sha256 == sha256(bytes))
  }

  @Test func theBestHashIsTheTrust() async throws {
    let download = PublishedDownload(
      name: "Net", address: try WebAddress("https://files.example/net.h5"),
      hashes: [.md5(md5(bytes)), .sha256(sha256(bytes)), .sha256Prefix(String(sha256(bytes).prefix(8)))])
    #expect(try await shop.fetch(download, from: web()).trust == .sha256)
    let wrong = PublishedDownload(
      name: "Net", address: download.address, hashes: [.sha256(sha256(bytes)), .md5(md5([1]))])
    #expect(try await failure(wrong, from: web()).code == .damaged)
  }

  @Test func anEmptyFileIsAFile() async throws {
    let web = ScriptedWeb { _, _ in ScriptedWeb.Answer(headers: ["content-length": "0"]) }
    #expect(try await shop.fetch(try published([]), from: web).bytes == 0)
  }

  // MARK: Cuts

  @Test func aCutIsMendedFromThere() async throws {
    let web = web { answer, _, index in if index == 0 { answer.cut = 123_000 } }
    let file = try await shop.fetch(try published(bytes), from: web)
    #expect(try shop.read(file.path) == bytes)
    #expect(web.requests.count == 2)
    #expect(web.requests[1].headers["Range"] == "bytes=123000-")
    #expect(web.requests[1].headers["If-Range"] == "\"tag-1\"")
    #expect(web.bytesRead == bytes.count)
    #expect(shop.pauses == [0.5])
  }

  @Test func withoutATagAHashIsEnoughToGoOn() async throws {
    let web = web(tag: nil) { answer, _, index in if index == 0 { answer.cut = 100_000 } }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(web.requests[1].headers["Range"] == "bytes=100000-")
    #expect(web.requests[1].headers["If-Range"] == nil)
  }

  @Test func aWeakTagIsNone() async throws {
    let web = web(tag: "W/\"x\"") { answer, _, index in if index == 0 { answer.cut = 100_000 } }
    _ = try await shop.fetch(try published(bytes), from: web)
    #expect(web.requests[1].headers["If-Range"] == nil)
  }

  @Test func cutsForEverEndAndTheNextRunGoesOn() async throws {
    let web = web { answer, _, _ in answer.cut = min(answer.bytes.count, 1000) }
    let error = try await failure(try published(bytes), from: web)
    #expect(error.code == .unreadable && error.category == .inputOutput)
    #expect(error.remedy?.contains("resumes") == true)
    #expect(web.requests.count == 6)
    #expect(shop.pauses == [0.5, 1, 2, 4, 8])
    expectNothing()
    let sound = self.web()
    let file = try await shop.fetch(try published(bytes), from: sound)
    #expect(sound.requests.map { $0.headers["Range"] } == ["bytes=6000-"])
    #expect(shop.progress.contains(.resumed(from: 6000)))
    #expect(try shop.read(file.path) == bytes)
  }

  @Test func progressIsPatience() async throws {
    // More cuts than retries, but each brings something.
    let web = web { answer, _, _ in answer.cut = min(answer.bytes.count, 70_000) }
    let sound = ScriptedWeb { [bytes] request, index in
      var answer = ServedFile(bytes: bytes + bytes + bytes).answer(request)
      if answer.bytes.count > 70_000 { answer.cut = 70_000 }
      return answer
    }
    _ = try await failure(try published(bytes + bytes), from: web)
    let file = try await shop.fetch(try published(bytes + bytes + bytes), from: sound)
    #expect(file.bytes == 900_000 && sound.requests.count == 13)
  }

  @Test func withoutRangesCutsAreNoProgress() async throws {
    let web = web(knowsRanges: false) { answer, _, _ in answer.cut = 200_000 }
    #expect(try await failure(try published(bytes), from: web).code == .unreadable)
    #expect(web.requests.count == 6)
  }

  @Test func aServerMayTakeItsTimeToComeBack() async throws {
    let web = web { answer, _, index in
      if index == 0 { answer.cut = 100_000 }
      if index == 1 { answer.failure = .unreachable("refused") }
    }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
  }

  // MARK: Lengths

  @Test func aShortLengthIsNoFile() async throws {
    let web = web { answer, _, _ in
      answer.bytes = Array(answer.bytes.prefix(150_000))
      answer.headers["content-length"] = "150000"
    }
    let known = try await failure(try published(bytes, knowsLength: true), from: web)
    #expect(known.code == .damaged && known.why.contains("150,000") && web.bytesRead == 0)
    #expect(try await failure(try published(bytes), from: web).code == .damaged)
    expectNothing()
  }

  @Test func noLengthIsNoObstacleToAHash() async throws {
    let web = web { answer, _, _ in answer.headers["content-length"] = nil }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
  }

  @Test func anEarlyEndWithoutALengthIsFound() async throws {
    let web = web { answer, _, index in
      answer.headers["content-length"] = nil
      if index == 0 { answer.bytes = Array(answer.bytes.prefix(150_000)) }
    }
    #expect(try await failure(try published(bytes), from: web).code == .damaged)
    let known = self.web { answer, _, index in
      answer.headers["content-length"] = nil
      if index == 0 { answer.bytes = Array(answer.bytes.prefix(150_000)) }
    }
    let file = try await shop.fetch(try published(bytes, knowsLength: true), from: known)
    #expect(try shop.read(file.path) == bytes && known.requests.count == 2)
  }

  @Test func moreThanWasAnnouncedIsCutOff() async throws {
    let web = web { answer, _, _ in answer.headers["content-length"] = "200000" }
    #expect(try await failure(try published(bytes), from: web).code == .unreadable)
    let silent = self.web { answer, _, _ in
      answer.headers["content-length"] = nil
      answer.bytes += answer.bytes
    }
    #expect(try await failure(try published(bytes, knowsLength: true), from: silent).code == .damaged)
    #expect(silent.bytesRead <= bytes.count + 1000)
    expectNothing()
  }

  @Test func whatIsTooLargeIsNotBegun() async throws {
    let web = web { answer, _, _ in answer.headers["content-length"] = "10737418240" }
    let error = try await failure(try published(bytes), from: web)
    #expect(error.code == .tooLarge && error.remedy?.contains("--max-bytes") == true)
    #expect(web.bytesRead == 0 && web.requests.count == 1)
  }

  @Test func whatDoesNotEndIsCutOff() async throws {
    let web = web { answer, _, _ in
      answer.headers = ["transfer-encoding": "chunked"]
      answer.bytes = [UInt8](repeating: 0, count: 3_000_000)
    }
    let error = try await failure(try published(bytes), from: web) { $0.byteLimit = 1_000_000 }
    #expect(error.code == .tooLarge && web.bytesRead <= 1_001_000)
  }

  @Test func aFullDiskIsSaidBefore() async throws {
    let web = web()
    let error = try await failure(try published(bytes), from: web) { $0.freeBytes = { _ in 299_999 } }
    #expect(error.code == .cannotCreate && error.category == .cannotCreate && web.bytesRead == 0)
    _ = try await shop.fetch(try published(bytes), from: web) { $0.freeBytes = { _ in 300_000 } }
  }

  @Test func aFolderThatCannotBeMadeIsSaid() async throws {
    try shop.write([1], shop.folder + "/file")
    let error = try await failure(try published(bytes), from: web()) { [shop] in
      $0.cacheFolder = shop.folder + "/file/cache"
    }
    #expect(error.category == .cannotCreate)
  }

  // MARK: Content

  @Test func aWrongByteIsFound() async throws {
    let web = web { answer, _, _ in answer.bytes[299_999] ^= 1 }
    let error = try await failure(try published(bytes), from: web)
    #expect(error.code == .damaged && error.category == .badInput)
    #expect(error.why.contains("Net top") && error.why.contains(sha256(bytes)))
    #expect(error.location.contains("files.example"))
    #expect(web.requests.count == 1)
    #expect(shop.downloads.allSatisfy { $0.hasSuffix(".lock") })
  }

  @Test func aWrongByteInPartsIsFetchedOnceMore() async throws {
    let web = web { answer, _, index in
      if index == 0 { answer.cut = 100_000 }
      if index == 1 { answer.bytes[0] ^= 1 }
    }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(web.requests.map { $0.headers["Range"] } == [nil, "bytes=100000-", nil])
    #expect(shop.startsOver == 1)
  }

  @Test func aWrongByteForEverIsFetchedTwiceAtMost() async throws {
    let web = web { answer, request, _ in
      let isRest = request.headers["Range"] != nil
      if isRest { answer.bytes[0] ^= 1 } else { answer.cut = 100_000 }
    }
    #expect(try await failure(try published(bytes), from: web).code == .damaged)
    #expect(web.requests.count == 4)
    expectNothing()
  }

  @Test func aCompressedFileIsRefused() async throws {
    let web = web { answer, _, _ in answer.headers["content-encoding"] = "gzip" }
    let error = try await failure(try published(bytes), from: web)
    #expect(error.code == .unsupported && error.why.contains("gzip") && web.bytesRead == 0)
    #expect(web.requests.map { $0.headers["Accept-Encoding"] } == ["identity", "identity;q=1, *;q=0"])
    let once = self.web { answer, request, _ in
      if request.headers["Accept-Encoding"] == "identity" { answer.headers["content-encoding"] = "gzip" }
    }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: once).path) == bytes)
  }

  // MARK: Ranges

  @Test func aPartFromElsewhereStartsOver() async throws {
    let web = web { [bytes] answer, request, index in
      if index == 0 { answer.cut = 100_000 }
      if request.headers["Range"] != nil {
        answer.headers["content-range"] = "bytes 50000-299999/300000"
        answer.headers["content-length"] = "250000"
        answer.bytes = Array(bytes[50_000...])
      }
    }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(web.requests.count == 3 && shop.startsOver == 1)
  }

  @Test(arguments: [
    "bytes 100000-299999/400000", "bytes 100000-99999/300000", "bytes 100000-299999", "bytes x-y/z", "",
    "bytes 100000-300000/300000", "bytes 100000-99999999999999999999/300000",
  ])
  func anOddPartStartsOver(range: String) async throws {
    let web = web { answer, request, index in
      if index == 0 { answer.cut = 100_000 }
      if request.headers["Range"] != nil { answer.headers["content-range"] = range }
    }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(shop.startsOver == 1)
  }

  @Test func aShorterPartIsFollowedByAnother() async throws {
    let web = web { [bytes] answer, request, index in
      if index == 0 { answer.cut = 100_000 }
      if index == 1 {
        answer.headers["content-range"] = "bytes 100000-199999/300000"
        answer.headers["content-length"] = "100000"
        answer.bytes = Array(bytes[100_000..<200_000])
      }
    }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(web.requests.map { $0.headers["Range"] } == [nil, "bytes=100000-", "bytes=200000-"])
  }

  @Test func allInPlaceOfARestStartsOver() async throws {
    let web = web(knowsRanges: false) { answer, _, index in if index == 0 { answer.cut = 100_000 } }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(web.requests.count == 2 && shop.startsOver == 1)
  }

  @Test func noSuchRestIsTheEndOrStartsOver() async throws {
    let web = web { answer, request, index in
      if index == 0 { answer.cut = 100_000 }
      if request.headers["Range"] != nil {
        answer = ScriptedWeb.Answer(status: 416, headers: ["content-range": "bytes */300000"])
      }
    }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(web.requests.count == 3)
    // The length was never said, and all had come when the connection broke.
    let whole = self.web { answer, _, index in
      answer.headers["content-length"] = nil
      if index == 0 { answer.cut = 300_000 }
    }
    let file = try await shop.fetch(try published(bytes, hash: .md5(md5(bytes))), from: whole)
    #expect(try shop.read(file.path) == bytes)
    #expect(whole.requests.map { $0.headers["Range"] } == [nil, "bytes=300000-"])
  }

  // MARK: Statuses

  @Test(arguments: [408, 429, 500, 502, 503, 504])
  func aServerMayBeUnwell(status: Int) async throws {
    let web = web { answer, _, index in if index < 2 { answer = ScriptedWeb.Answer(status: status) } }
    #expect(try shop.read(try await shop.fetch(try published(bytes), from: web).path) == bytes)
    #expect(shop.pauses == [0.5, 1])
    let always = self.web { answer, _, _ in answer = ScriptedWeb.Answer(status: status) }
    let download = try published(bytes, hash: .md5(md5(bytes)))
    let error = try await failure(download, from: always)
    #expect(error.code == .unreadable && error.why.contains("\(status)") && always.requests.count == 6)
  }

  @Test func aServerSaysHowLong() async throws {
    let web = web { answer, _, index in
      // Twenty seconds after the clock's time.
      let wishes = ["7", "Tue, 14 Nov 2023 22:13:40 GMT", "soon"]
      if index < 3 {
        answer = ScriptedWeb.Answer(status: index == 0 ? 503 : 429, headers: ["retry-after": wishes[index]])
      }
    }
    _ = try await shop.fetch(try published(bytes), from: web)
    #expect(shop.pauses == [7, 20, 2])
    let patient = self.web { answer, _, _ in
      answer = ScriptedWeb.Answer(status: 429, headers: ["retry-after": "3600"])
    }
    let error = try await failure(try published(bytes, hash: .md5(md5(bytes))), from: patient)
    #expect(error.code == .unreadable && error.why.contains("3,600") && patient.requests.count == 1)
  }

  @Test(arguments: [400, 401, 403, 404, 407, 410, 418, 204, 206, 304, 416, 999])
  func aRefusalIsFinal(status: Int) async throws {
    // The page that explains it may be compressed.
    let web = web { answer, _, _ in
      answer = ScriptedWeb.Answer(status: status, headers: status > 206 ? ["content-encoding": "gzip"] : [:])
    }
    let error = try await failure(try published(bytes), from: web)
    #expect(error.code == .cannotOpen && error.category == .cannotOpen)
    #expect(error.why.contains("\(status)") && web.requests.count == 1)
    #expect(shop.downloads.allSatisfy { $0.hasSuffix(".lock") })
  }

  @Test func nobodyThereIsFinal() async throws {
    let failures: [(TransportFailure, ZooError.Code)] = [
      (.unreachable("no such host"), .cannotOpen), (.untrusted("expired"), .cannotOpen),
      (.proxy("407"), .cannotOpen), (.malformed("SSH-2.0"), .unreadable),
    ]
    for (reason, code) in failures {
      let web = ScriptedWeb { _, _ in .failing(reason) }
      let error = try await failure(try published(bytes), from: web)
      #expect(error.code == code && web.requests.count == 1)
    }
  }
}
