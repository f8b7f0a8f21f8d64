import Testing
import ZooHTTP

@Suite("proxies of the environment")
struct ProxySettingsTests {
  private func proxy(
    _ environment: [String: String], scheme: String = "https", host: String = "models.example.org",
    port: Int = 443
  ) throws -> ProxySettings.Proxy? {
    try ProxySettings(environment: environment).proxy(scheme: scheme, host: host, port: port)
  }

  @Test func readsWhatPeopleWrite() throws {
    #expect(try proxy([:]) == nil)
    let plain = try #require(try proxy(["HTTPS_PROXY": "proxy.example:3128"]))
    #expect(plain.kind == .http && plain.host == "proxy.example" && plain.port == 3128 && plain.user == nil)
    #expect(plain.variable == "HTTPS_PROXY")
    let full = try #require(try proxy(["https_proxy": "http://a%40b:c%3Ad:e@[::1]:8080/"]))
    #expect(full.host == "::1" && full.port == 8080 && full.user == "a@b" && full.password == "c:d:e")
    #expect(try proxy(["https_proxy": "http://100%@h"])?.user == "100%")
    #expect(try proxy(["https_proxy": "http://h"])?.port == 80)
    let socks = try #require(try proxy(["ALL_PROXY": "socks5://h"]))
    #expect(socks.kind == .socks && socks.port == 1080)
  }

  @Test func lowerCaseComesFirstAndEmptyIsNothing() throws {
    #expect(try proxy(["https_proxy": "a:1", "HTTPS_PROXY": "b:2"])?.host == "a")
    #expect(try proxy(["https_proxy": "", "HTTPS_PROXY": "b:2", "no_proxy": ""])?.host == "b")
    #expect(try proxy(["HTTPS_PROXY": ""]) == nil)
    #expect(try proxy(["all_proxy": "c:3", "HTTPS_PROXY": "b:2"])?.host == "b")
    // A web server sets HTTP_PROXY from a header of a request.
    #expect(try proxy(["HTTP_PROXY": "b:2"], scheme: "http", port: 80) == nil)
    #expect(try proxy(["http_proxy": "b:2"], scheme: "http", port: 80)?.host == "b")
    #expect(try proxy(["http_proxy": "b:2"]) == nil)
  }

  @Test(
    arguments: [
      ("*", true), ("example.org", true), (".example.org", true), ("*.example.org", true),
      ("models.example.org", true), ("MODELS.Example.Org", true), ("ample.org", false),
      ("example.org:443", true),
      ("example.org:8443", false), ("other.org, example.org", true), ("other.org example.org:443", true),
      ("", false),
      ("org", true), ("x.models.example.org", false),
    ])
  func hostsWithoutAProxy(list: String, isDirect: Bool) throws {
    for name in ["NO_PROXY", "no_proxy"] {
      #expect(try (proxy(["HTTPS_PROXY": "p:1", name: list]) == nil) == isDirect, "\(name)=\(list)")
    }
  }

  @Test func addressesWithoutAProxy() throws {
    #expect(try proxy(["HTTPS_PROXY": "p:1", "NO_PROXY": "::1"], host: "::1") == nil)
    #expect(try proxy(["HTTPS_PROXY": "p:1", "NO_PROXY": "[::1]:443"], host: "::1") == nil)
    #expect(try proxy(["HTTPS_PROXY": "p:1", "NO_PROXY": "[::1]:444"], host: "::1") != nil)
    #expect(try proxy(["HTTPS_PROXY": "p:1", "NO_PROXY": "127.0.0.1"], host: "127.0.0.1") == nil)
    #expect(try proxy(["HTTPS_PROXY": "p:1", "NO_PROXY": "0.0.1"], host: "127.0.0.1") != nil)
  }

  @Test(arguments: [
    "https://h:1", "ftp://h", "http://h:0", "http://h:99999", "http://h:x", "http://", "http://u:p@",
  ])
  func faultsAreNamed(text: String) throws {
    #expect(throws: ProxySettings.Fault.self) { try proxy(["HTTPS_PROXY": text]) }
    do {
      _ = try proxy(["HTTPS_PROXY": text])
    } catch let fault as ProxySettings.Fault {
      #expect(fault.variable == "HTTPS_PROXY" && !fault.why.isEmpty && !fault.why.contains("u:p"))
    }
  }
}
