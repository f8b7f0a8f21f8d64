import Testing
import ZooFetch
import ZooSystem

@Suite struct RedirectTests {
  let shop: Workshop
  let bytes = noise(5000)

  init() throws { shop = try Workshop() }

  /// Answers the first address with a redirect and every other one with the file.
  private func web(_ location: String, status: Int = 302) -> ScriptedWeb {
    let file = ServedFile(bytes: bytes)
    return ScriptedWeb { request, index in
      index == 0 ? .redirect(to: location, status: status) : file.answer(request)
    }
  }

  private func refusal(
    _ web: ScriptedWeb, from address: String = "https://files.example/models/net.h5",
    change: (inout FetchConfiguration) -> Void = { _ in }
  ) async throws -> ZooError {
    let error = await #expect(throws: ZooError.self) {
      try await shop.fetch(try published(bytes, address: address), from: web, change: change)
    }
    return try #require(error)
  }

  @Test(arguments: [301, 302, 303, 307, 308])
  func theOwnHostIsFollowed(status: Int) async throws {
    let web = web("/elsewhere/net.h5?x=1", status: status)
    let file = try await shop.fetch(try published(bytes), from: web)
    #expect(file.address.text == "https://files.example/elsewhere/net.h5?x=1")
    #expect(try shop.read(file.path) == bytes)
  }

  @Test func itselfIsNowhere() async throws {
    let web = ScriptedWeb { _, _ in .redirect(to: "net.h5") }
    let error = try await refusal(web)
    #expect(error.code == .cannotOpen && error.why.contains("itself") && web.requests.count == 6)
  }

  @Test func aChainOfTwentyIsTooLong() async throws {
    let web = ScriptedWeb { _, index in .redirect(to: "/\(index)") }
    let error = try await refusal(web)
    #expect(error.code == .cannotOpen && error.why.contains("more than 5") && web.requests.count == 6)
    let five = ScriptedWeb { [bytes] request, index in
      index < 5 ? .redirect(to: "/\(index)") : ServedFile(bytes: bytes).answer(request)
    }
    _ = try await shop.fetch(try published(bytes), from: five)
  }

  @Test func encryptionIsKept() async throws {
    for location in ["http://files.example/net.h5", "http://127.0.0.1/net.h5"] {
      let web = web(location)
      let error = try await refusal(web) { $0.allowedHosts = ["127.0.0.1"] }
      #expect(error.code == .cannotOpen && error.why.contains("not encrypted") && web.requests.count == 1)
    }
    let plain = web("http://other.example/net.h5")
    let error = try await refusal(plain, from: "http://127.0.0.1:8081/net.h5") {
      $0.allowedHosts = ["other.example"]
    }
    #expect(error.why.contains("not encrypted"))
    let local = web("http://127.0.0.1:9999/net.h5")
    _ = try await shop.fetch(try published(bytes, address: "http://127.0.0.1:8080/net.h5"), from: local)
  }

  @Test func otherHostsMustBeAllowed() async throws {
    let stranger = web("https://cdn.other.example/net.h5")
    let error = try await refusal(stranger)
    #expect(error.code == .cannotOpen && stranger.requests.count == 1)
    #expect(error.remedy?.contains("--allow-host cdn.other.example") == true)
    for pattern in ["other.example", "*.example.org", "*other.example", "example"] {
      _ = try await refusal(web("https://cdn.other.example/net.h5")) { $0.allowedHosts = [pattern] }
    }
    _ = try await refusal(web("https://evilother.example/net.h5")) { $0.allowedHosts = ["*.other.example"] }
    let allowed = web("https://cdn.other.example/net.h5")
    let file = try await shop.fetch(try published(bytes), from: allowed) {
      $0.allowedHosts = ["*.Other.Example"]
    }
    #expect(file.address.host == "cdn.other.example")
  }

  @Test func publishersHaveCompanions() async throws {
    let web = web("https://objects.githubusercontent.com/x?sig=secret")
    let download = try published(bytes, address: "https://github.com/o/n/releases/download/v1/net.h5")
    #expect(try shop.read(try await shop.fetch(download, from: web).path) == bytes)
  }

  @Test(arguments: [
    "file:///etc/passwd", "ftp://files.example/x", "data:,x", "https://user:word@files.example/x", "http://",
  ])
  func otherSchemesAreNotFollowed(location: String) async throws {
    let web = web(location)
    let error = try await refusal(web)
    #expect(error.code == .cannotOpen && error.category == .cannotOpen && web.requests.count == 1)
  }

  @Test func nowhereIsNoAnswer() async throws {
    let web = ScriptedWeb { _, _ in ScriptedWeb.Answer(status: 302) }
    #expect(try await refusal(web).code == .unreadable)
  }

  @Test func signaturesAreNotPrinted() async throws {
    let web = ScriptedWeb { _, index in
      index == 0 ? .redirect(to: "/x?signature=secret") : ScriptedWeb.Answer(status: 403)
    }
    let error = try await refusal(web)
    #expect(!"\(error) \(error.remedy ?? "")".contains("secret"))
  }
}
