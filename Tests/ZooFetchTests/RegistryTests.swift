#if Pull
  import Foundation
  import Testing
  import ZooFetch
  import ZooSystem
  import ZooTestSupport

  /// Indexes that OpenSSL has signed: `Fixtures/registry`.
  @Suite struct RegistryTests {
    let shop: Workshop
    private let index: [UInt8]
    private let signature: [UInt8]
    private let key: RegistryKey
    private static let address = "https://models.example/zoo/index.json"

    init() throws {
      shop = try Workshop()
      index = try Self.contents("index.json")
      signature = try Self.contents("index.json.sig")
      key = try Self.key("key.pem")
    }

    private static func contents(_ name: String) throws -> [UInt8] {
      [UInt8](try Data(contentsOf: URL(filePath: fixture("registry/\(name)"))))
    }

    private static func key(_ name: String) throws -> RegistryKey {
      try RegistryKey(String(decoding: contents(name), as: UTF8.self))
    }

    // MARK: Keys and signatures

    /// The second test of RFC 8032, section 7.1.
    @Test func checksSignaturesOfTheStandard() throws {
      let key = try RegistryKey("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
      func bytes(_ digits: String) -> [UInt8] {
        stride(from: 0, to: digits.count, by: 2).compactMap {
          UInt8(digits.dropFirst($0).prefix(2), radix: 16)
        }
      }
      let signature = bytes(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
      #expect(key.hasSigned([0x72], signature: signature))
      #expect(!key.hasSigned([0x73], signature: signature))
      for position in signature.indices {
        var other = signature
        other[position] ^= 1
        #expect(!key.hasSigned([0x72], signature: other), "byte \(position)")
      }
      #expect(!key.hasSigned([0x72], signature: Array(signature.dropLast())))
      #expect(!key.hasSigned([0x72], signature: signature + [0]))
    }

    @Test func keysAreWrittenInSeveralWays() throws {
      let text = String(decoding: try Self.contents("key.pem"), as: UTF8.self)
      let der = [UInt8](try #require(Data(base64Encoded: text.split(separator: "\n")[1].description)))
      let bytes = Array(der.suffix(32))
      for form in [
        text, text.replacing("\n", with: "\r\n"), Data(der).base64EncodedString(),
        Data(bytes).base64EncodedString(), digits(bytes), digits(bytes).uppercased() + "\n",
      ] {
        #expect(try RegistryKey(form) == key, "\(form)")
      }
      #expect(key.hasSigned(index, signature: signature))
      #expect(try !Self.key("other.pem").hasSigned(index, signature: signature))
    }

    @Test(arguments: [
      ("", "no public key"), ("abc", "no public key"), (String(repeating: "0", count: 62), "no public key"),
      ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----", "private key"),
      ("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "no public key"),
    ])
    func refusesOtherKeys(text: String, why: String) {
      let error = #expect(throws: ZooError.self) { try RegistryKey(text) }
      #expect(error?.code == .invalidArgument && error?.why.contains(why) == true)
    }

    // MARK: The document

    @Test func indexesAreRead() throws {
      let index = try RegistryIndex(json: index, from: WebAddress(Self.address))
      #expect(index.files.map(\.name) == ["digits", "digits:untrained", "gone"])
      let file = try index.file(named: "Digits")
      #expect(file.download.address.text == "https://models.example/zoo/models/digits.h5")
      #expect(file.download.hashes == [.sha256(file.sha256)] && file.download.bytes == 1_177_080)
      #expect(
        file.licence == "Apache-2.0" && file.preprocessing == "tf" && file.title == "handwritten digits")
      #expect(
        try index.file(named: "digits:untrained").download.address.text
          == "https://models.example/digits-untrained.h5")
      #expect(
        index.files(matching: "UN").map(\.name) == ["digits:untrained"]
          && index.files(matching: nil).count == 3)
      let error = #expect(throws: ZooError.self) { try index.file(named: "digits:large") }
      #expect(error?.code == .invalidArgument && error?.remedy == "It has digits, digits:untrained.")
    }

    /// One for each way in which an index can be wrong.
    @Test(
      arguments: [
        ("", .damaged, "it is not JSON"), ("<html>", .damaged, "it is not JSON"),
        ("[]", .damaged, "it is not an object"), ("{}", .damaged, "version is missing"),
        (#"{"version":"1"}"#, .damaged, "version is of another type"),
        (#"{"version":2,"files":{}}"#, .unsupported, "version 2"),
        (#"{"version":1}"#, .damaged, "files is missing"),
        (#"{"version":1,"files":[{}]}"#, .damaged, "files[0].name is missing"),
        (entry(bytes: "1.5"), .damaged, "it has 1.5 bytes"),
        (entry(bytes: "0"), .damaged, "it has 0.0 bytes"),
        (entry(bytes: "1e30"), .damaged, "it has 1e+30 bytes"),
        (entry(bytes: "\"1\""), .damaged, "files[0].bytes"),
        (entry(name: ""), .damaged, "'' is no name"), (entry(name: "../x"), .damaged, "'../x' is no name"),
        (entry(name: "a:b"), .damaged, "is no name"), (entry(name: ".a"), .damaged, "is no name"),
        (entry(name: "ä"), .damaged, "is no name"),
        (entry(name: String(repeating: "a", count: 97)), .damaged, "is no name"),
        (entry(sha256: "00"), .damaged, "64 hexadecimal digits"),
        (entry(address: "ftp://host/file"), .damaged, "only https:// and http://"),
        (entry(address: "https://user:word@host/file"), .damaged, "its address is invalid"),
        (entry(more: "," + file()), .damaged, "another file has the same name"),
      ] as [(String, ZooError.Code, String)])
    func refusesOtherDocuments(json: String, code: ZooError.Code, why: String) throws {
      let address = try WebAddress(Self.address)
      let error = #expect(throws: ZooError.self) { try RegistryIndex(json: Array(json.utf8), from: address) }
      #expect(error?.code == code && error?.why.contains(why) == true, "\(String(describing: error))")
      #expect(error?.location == Self.address)
    }

    private static func file(
      name: String = "a", address: String = "a.h5", bytes: String = "1",
      sha256: String = String(repeating: "0", count: 64)
    ) -> String {
      #"{"name":"\#(name)","address":"\#(address)","bytes":\#(bytes),"sha256":"\#(sha256)"}"#
    }

    private static func entry(
      name: String = "a", address: String = "a.h5", bytes: String = "1",
      sha256: String = String(repeating: "0", count: 64), more: String = ""
    ) -> String {
      #"{"version":1,"files":[\#(file(name: name, address: address, bytes: bytes, sha256: sha256))\#(more)]}"#
    }

    // MARK: Fetching

    private func web(
      _ change: @escaping @Sendable (inout ScriptedWeb.Answer, TransportRequest, Int) -> Void = { _, _, _ in }
    ) -> ScriptedWeb {
      let files = ["/zoo/index.json": index, "/zoo/index.json.sig": signature]
      return ScriptedWeb { request, count in
        var answer =
          files[request.address.pathAndQuery].map { ServedFile(bytes: $0).answer(request) }
          ?? ScriptedWeb.Answer(status: 404)
        change(&answer, request, count)
        return answer
      }
    }

    private func fetch(
      _ web: ScriptedWeb, at address: String = RegistryTests.address, key: RegistryKey? = nil,
      change: (inout FetchConfiguration) -> Void = { _ in }
    ) async throws -> RegistryIndex {
      try await Fetcher(transport: web, configuration: shop.configuration(change: change))
        .index(of: WebAddress(address), key: key ?? self.key, progress: shop.note)
    }

    @Test(arguments: ["/zoo/index.json", "/zoo", "/zoo/"])
    func theIndexIsAskedForEachTime(path: String) async throws {
      let web = web()
      for _ in 0..<2 {
        let index = try await fetch(web, at: "https://models.example" + path)
        #expect(index.files.count == 3 && index.remarks.isEmpty)
      }
      #expect(
        web.requests.map(\.address.pathAndQuery)
          == Array(repeating: ["/zoo/index.json", "/zoo/index.json.sig"], count: 2).flatMap(\.self))
    }

    @Test func whatAnotherKeySignedIsRefused() async throws {
      let other = try Self.key("other.pem")
      let error = await #expect(throws: ZooError.self) { try await fetch(web(), key: other) }
      #expect(error?.code == .damaged && error?.what == "wrong signature")
      #expect(shop.downloads.isEmpty)
      let changed = await #expect(throws: ZooError.self) {
        try await fetch(
          web { answer, request, _ in
            if request.address.pathAndQuery.hasSuffix(".json") { answer.bytes[20] ^= 1 }
          })
      }
      #expect(changed?.what == "wrong signature" && shop.downloads.isEmpty)
    }

    @Test func withoutAnAnswerItIsTheOneThatCameLast() async throws {
      let silence = ScriptedWeb { _, _ in .failing(.unreachable("no route")) }
      let offline = await #expect(throws: ZooError.self) { try await fetch(silence) { $0.isOffline = true } }
      #expect(offline?.code == .cannotOpen && offline?.why.contains("--offline") == true)
      await #expect(throws: ZooError.self) { try await fetch(silence) }
      _ = try await fetch(web())
      let kept = try await fetch(silence)
      #expect(kept.files.count == 3 && kept.remarks.first?.contains("gives no answer") == true)
      #expect(try await fetch(silence, change: { $0.isOffline = true }).remarks.isEmpty)
      // A kept one convinces nobody with another key, nor once it is changed.
      let other = try Self.key("other.pem")
      await #expect(throws: ZooError.self) { try await fetch(silence, key: other) }
      let path = try #require(shop.download("index.json"))
      try shop.write(index + [0x20], path)
      await #expect(throws: ZooError.self) { try await fetch(silence) }
    }

    @Test func answersThatAreNoneAreErrors() async throws {
      func code(_ change: @escaping @Sendable (inout ScriptedWeb.Answer, TransportRequest, Int) -> Void) async
        -> ZooError.Code?
      {
        await #expect(throws: ZooError.self) { try await fetch(web(change)) }?.code
      }
      _ = try await fetch(web())
      // A server that answers is believed, whatever came before.
      #expect(await code { answer, _, _ in answer = ScriptedWeb.Answer(status: 404) } == .cannotOpen)
      #expect(await code { answer, _, _ in answer.headers["content-encoding"] = "gzip" } == .unsupported)
      #expect(
        await code { answer, request, _ in
          if request.address.pathAndQuery.hasSuffix(".sig") {
            answer.bytes += [0]
            answer.headers = [:]
          }
        } == .tooLarge)
      #expect(
        await code { answer, request, _ in
          if request.address.pathAndQuery.hasSuffix(".sig") {
            answer.bytes.removeLast()
            answer.headers = [:]
          }
        } == .damaged)
      #expect(
        await code { answer, _, _ in answer = .redirect(to: "https://elsewhere.example/") } == .cannotOpen)
    }

    @Test func whatBreaksOffIsTriedAgain() async throws {
      let web = web { answer, _, count in
        if count == 0 { answer = ScriptedWeb.Answer(status: 503) }
        if count == 1 { answer.cut = 100 }
      }
      #expect(try await fetch(web).files.count == 3)
      #expect(shop.pauses == [0.5, 1] && web.requests.count == 4)
    }
  }
#endif
