#if Pull
  import FaultyServer
  import Foundation
  import Testing

  /// One fault of a server or of the way to it per test; in the end the file is right, or there is none and one line
  /// says why.
  @Suite("zoo pull and servers at fault")
  struct PullFaultTests {
    private typealias Reply = FaultyServer.Reply
    private static let size = PullBench.bytes.count

    // MARK: What a second attempt mends

    @Test func goesOnAfterACutConnection() throws {
      let server = try FaultyServer { request in
        var reply = Reply.file(request)
        if request.index == 0 { reply.cut = 300_000 }
        return reply
      }
      try withPull { bench in
        let result = try bench.pullFile(server)
        #expect(try result.status == 0 && bench.hasFile(), "\(result.errors)")
        #expect(result.errors.contains("zoo: note: "))
        // From where the client had read when the end came.
        let start = try #require(server.requests.last?.start)
        #expect(server.requests.count == 2 && start > 0 && start <= 300_000)
        #expect(server.requests[1].headers["if-range"] == "\"v1\"")
        #expect(server.sent("/digits.h5") == 300_000 + Self.size - start)
      }
    }

    @Test(arguments: [500, 503, 429, 408])
    func triesAgainWhereTheServerIsBusy(status: Int) throws {
      let server = try FaultyServer { request in
        request.index == 0
          ? Reply(status: status, headers: [("Retry-After", "0")], body: Array("busy".utf8)) : .file(request)
      }
      try withPull { bench in
        let result = try bench.pullFile(server)
        #expect(try result.status == 0 && bench.hasFile(), "\(result.errors)")
        #expect(result.errors.contains("\(status)"), "\(result.errors)")
        #expect(server.requests.count == 2)
      }
    }

    @Test func startsOverWhereTheRestIsNotTheRest() throws {
      // 206 from elsewhere, 200 to a Range, 416, another file in the meantime.
      let answers: [(String, @Sendable (FaultyServer.Request) -> Reply)] = [
        (
          "/elsewhere",
          { request in
            let bytes = PullBench.bytes
            return Reply(
              status: 206, headers: [("Content-Range", "bytes 7-\(bytes.count - 1)/\(bytes.count)")],
              body: Array(bytes[7...]))
          }
        ),
        ("/whole", { _ in Reply(headers: [("ETag", "\"v1\"")], body: PullBench.bytes) }),
        ("/416", { _ in Reply(status: 416, headers: [("Content-Range", "bytes */5")]) }),
        ("/changed", { request in .file(request, tag: "\"v2\"") }),
      ]
      let server = try FaultyServer { request in
        if request.index == 0 {
          var reply = Reply.file(request)
          reply.cut = 300_000
          return reply
        }
        guard request.index == 1, let answer = answers.first(where: { $0.0 == request.target }) else {
          return .file(request)
        }
        return answer.1(request)
      }
      try withPull { bench in
        for (path, _) in answers {
          let result = try bench.pullFile(
            server, path, ["--force", "--cache", bench.zoo.path("cache\(path)")])
          #expect(try result.status == 0 && bench.hasFile(), "\(path) \(result.errors)")
          #expect(result.errors.contains("starting over"), "\(path) \(result.errors)")
        }
      }
    }

    @Test func takesBodiesWithoutALength() throws {
      let server = try FaultyServer { request in
        var reply = Reply(body: PullBench.bytes)
        reply.length = nil
        switch request.target {
        case "/chunked":
          reply.isChunked = true
          reply.pace = (400_000, 1)
        case "/chunked-cut":
          reply.isChunked = true
          if request.index == 0 { reply.cut = 100_000 }
        default: break
        }
        return reply
      }
      try withPull { bench in
        for path in ["/chunked", "/chunked-cut", "/until-closed"] {
          let result = try bench.pullFile(
            server, path, ["--force", "--cache", bench.zoo.path("cache\(path)")])
          #expect(try result.status == 0 && bench.hasFile(), "\(path) \(result.errors)")
        }
      }
    }

    // MARK: What nothing mends

    @Test func keepsWhatIsHereForTheNextRun() throws {
      let isMended = Switch()
      let server = try FaultyServer { request in
        var reply = Reply.file(request)
        if !isMended.isOn { reply.cut = min(200_000, reply.body.count / 2) }
        return reply
      }
      try withPull { bench in
        let result = try bench.pullFile(server, "/digits.h5", ["--retries", "0"])
        expectError(result, 74, "http://127.0.0.1:\(server.port)/digits.h5", "again")
        #expect(!bench.zoo.exists("out.h5"))
        isMended.turnOn()
        let next = try bench.pullFile(server)
        #expect(try next.status == 0 && bench.hasFile(), "\(next.errors)")
        let start = try #require(server.requests.last?.start)
        #expect(start > 0 && start <= 200_000)
        #expect(server.sent("/digits.h5") == 200_000 + Self.size - start)
      }
    }

    @Test func refusesOtherBytes() throws {
      let server = try FaultyServer { request in
        var bytes = PullBench.bytes
        if request.target == "/wrong" { bytes[500_000] ^= 1 }
        if request.target == "/short" { bytes.removeLast(1000) }
        if request.target == "/page" {
          bytes = Array("<!DOCTYPE html><html><body>Please log in</body></html>".utf8)
        }
        return .file(request, bytes)
      }
      try withPull { bench in
        for path in ["/wrong", "/short", "/page"] {
          let result = try bench.pullFile(server, path)
          expectError(result, 65, "127.0.0.1:\(server.port)\(path)", PullBench.sha256)
          #expect(!bench.zoo.exists("out.h5"))
        }
        // Nothing of it is left that could be taken for the file.
        #expect(bench.tree("cache").allSatisfy { !$0.hasSuffix(".h5") && !$0.hasSuffix("wrong") })
      }
    }

    @Test func refusesWhatIsTooLargeBeforeItComes() throws {
      let server = try FaultyServer { request in
        var reply = Reply(body: [UInt8](repeating: 7, count: 1 << 20))
        reply.length = request.target == "/huge" ? 10_000_000_000 : 1 << 20
        if request.target == "/unsaid" { reply.length = nil }
        return reply
      }
      try withPull { bench in
        expectError(try bench.pullFile(server, "/huge"), 65, "10,000,000,000", "--max-bytes")
        let limited = try bench.pullFile(server, "/large", ["--max-bytes", "100KB"])
        expectError(limited, 65, "1,048,576", "--max-bytes")
        let unsaid = try bench.pullFile(server, "/unsaid", ["--max-bytes", "100KB"])
        expectError(unsaid, 65, "--max-bytes")
      }
    }

    @Test func refusesCompressedBodies() throws {
      let server = try FaultyServer { _ in
        Reply(headers: [("Content-Encoding", "gzip")], body: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
      }
      try withPull { bench in
        expectError(try bench.pullFile(server), 65, "gzip")
        #expect(server.requests.allSatisfy { $0.headers["accept-encoding"]?.hasPrefix("identity") == true })
      }
    }

    @Test func givesUpOnSilence() throws {
      let server = try FaultyServer { request in
        var reply = Reply.file(request)
        reply.pace = (1, 5000)
        return reply
      }
      try withPull { bench in
        let result = try bench.pullFile(server, "/digits.h5", ["--timeout", "0.3", "--retries", "0"])
        expectError(result, 74, "sent nothing for 0.3 s")
      }
    }

    @Test func namesMissingFilesAndHosts() throws {
      let server = try FaultyServer { request in
        Reply(status: request.target == "/private" ? 403 : 404, body: Array("no".utf8))
      }
      try withPull { bench in
        expectError(try bench.pullFile(server, "/gone"), 66, "404")
        expectError(try bench.pullFile(server, "/private"), 66, "403")
        let nowhere = try bench.pull("http://127.0.0.1:1/x.h5", "--sha256", PullBench.sha256)
        expectError(nowhere, 66, "refuses the connection")
        let unknown = try bench.pull("https://nothing.invalid/x.h5", "--sha256", PullBench.sha256)
        expectError(unknown, 66, "nothing.invalid can't be reached")
      }
    }

    // MARK: Redirects

    @Test func followsFewRedirectsAndKnownHostsOnly() throws {
      let other = try FaultyServer { .file($0) }
      let server = try FaultyServer { request in
        func redirect(_ location: String) -> Reply { Reply(status: 302, headers: [("Location", location)]) }
        if request.target.hasPrefix("/chain/") {
          let number = Int(request.target.dropFirst(7)) ?? 0
          return number == 0 ? .file(request) : redirect("/chain/\(number - 1)")
        }
        return switch request.target {
        case "/self": redirect("/self")
        case "/file": redirect("file:///etc/passwd")
        case "/other": redirect("http://localhost:\(other.port)/digits.h5")
        default: .file(request)
        }
      }
      try withPull { bench in
        expectError(try bench.pullFile(server, "/self"), 66, "redirected to itself")
        expectError(try bench.pullFile(server, "/chain/20"), 66, "redirected more than 5 times")
        #expect(server.requests.count { $0.target.hasPrefix("/chain/") } <= 6)
        expectError(try bench.pullFile(server, "/file"), 66, "file:")
        expectError(try bench.pullFile(server, "/other"), 66, "localhost", "--allow-host localhost")
        #expect(other.requests.isEmpty)
        let allowed = try bench.pullFile(server, "/other", ["--allow-host", "localhost"])
        #expect(try allowed.status == 0 && bench.hasFile(), "\(allowed.errors)")
        let short = try bench.pullFile(server, "/chain/3", ["--force"])
        #expect(try short.status == 0 && bench.hasFile(), "\(short.errors)")
      }
    }
  }

  /// Turned on by one thread and seen by others.
  final class Switch: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    var isOn: Bool { lock.withLock { value } }
    func turnOn() { lock.withLock { value = true } }
  }
#endif
