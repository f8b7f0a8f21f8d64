import Testing
import ZooFetch
import ZooSystem

@Suite struct WebAddressTests {
  @Test(arguments: [
    ("https://host/a/b.h5", "https://host/a/b.h5", "https://host:443"),
    ("HTTPS://HOST.example:443/A?x=1#top", "https://host.example/A?x=1", "https://host.example:443"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
    ("https://[::1]:9/f", "https://[::1]:9/f", "https://[::1]:9"),
    ("https://host./f", "https://host/f", "https://host:443"),
    ("https://host/a/../b/./c", "https://host/b/c", "https://host:443"),
    ("https://host/../../etc", "https://host/etc", "https://host:443"),
    ("https://host/a%20b", "https://host/a%20b", "https://host:443"),
  ])
  func addressesAreUnderstood(text: String, whole: String, origin: String) throws {
    let address = try WebAddress(text)
    #expect(address.text == whole)
    #expect(address.origin == origin)
    #expect(try WebAddress(address.text) == address)
  }

  @Test(arguments: [
    "", "host/file", "file:///etc/passwd", "ftp://host/f", "https://", "https:///f", "https://user@host/f",
    "https://user:word@host/f", "https://ho st/f", "https://host/\r\nX: y", "https://host:0/f",
    "https://host:99999/f", "https://höst/f", "https://host\\f", "data:text/plain,x", "https://h%6fst%00/f",
    "https://." + String(repeating: "a", count: 9000),
  ])
  func othersAreRefused(text: String) throws {
    let error = try #require(throws: ZooError.self) { try WebAddress(text) }
    #expect(error.code == .invalidArgument)
    #expect(error.remedy != nil)
  }

  @Test(arguments: [
    ("https://other/x", "https://other/x"), ("/x/y?z", "https://host:8443/x/y?z"),
    ("//other/x", "https://other/x"), ("x", "https://host:8443/a/x"), ("../x", "https://host:8443/x"),
    ("?z", "https://host:8443/a/b?z"), ("a^b", "https://host:8443/a/a%5Eb"),
    ("http://127.0.0.1/x", "http://127.0.0.1/x"), ("x/y:z", "https://host:8443/a/x/y:z"),
  ])
  func locationsAreRelative(location: String, whole: String) throws {
    let base = try WebAddress("https://host:8443/a/b?q=1")
    #expect(try base.resolving(location).text == whole)
  }

  @Test(arguments: [
    "file:///etc/passwd", "ftp://h/x", "https://user@host/", "javascript:1", "http://", "a b",
  ])
  func locationsElsewhereAreRefused(location: String) throws {
    let base = try WebAddress("https://host/a")
    let error = try #require(throws: ZooError.self) { try base.resolving(location) }
    #expect(error.code == .cannotOpen)
    #expect(error.category == .cannotOpen)
  }

  @Test func loopbackIsThisMachine() throws {
    for host in ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"] {
      #expect(try WebAddress("http://\(host)/f").isLoopback)
    }
    for host in ["128.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "127.example.com"] {
      #expect(try !WebAddress("http://\(host)/f").isLoopback)
    }
  }

  @Test func namesAreDecoded() throws {
    #expect(try WebAddress("https://host/a/b%20c.h5?x=/y").fileName == "b c.h5")
    #expect(try WebAddress("https://host/a/").fileName.isEmpty)
  }
}
