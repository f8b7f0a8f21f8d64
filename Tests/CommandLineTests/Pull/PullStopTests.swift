#if Pull
  import FaultyServer
  import Foundation
  import Testing
  import ZooSystem

  /// Runs that are stopped, and runs at the same time.
  @Suite("zoo pull, stopped and at once")
  struct PullStopTests {
    /// Several times as long as what may be lost: how much is here is written down for each mebibyte.
    private static let bytes = (0..<6_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
    private static let sha256 = {
      var hasher = SHA256Hasher()
      bytes.withUnsafeBytes { hasher.update($0) }
      return hasher.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }()

    private func arguments(_ server: FaultyServer, _ output: String) -> [String] {
      ["http://127.0.0.1:\(server.port)/large.h5", "--sha256", Self.sha256, "--weights-only", "-o", output]
    }

    /// Sends the file in about half a second.
    private func slowServer() throws -> FaultyServer {
      try FaultyServer { request in
        var reply = FaultyServer.Reply.file(request, Self.bytes)
        reply.pace = (200_000, 20)
        return reply
      }
    }

    @Test(arguments: [
      (SIGKILL, 2_000_000), (SIGKILL, 4_000_000), (SIGKILL, 5_900_000), (SIGINT, 3_000_000),
    ])
    func goesOnAfterAKill(signal: Int32, bytes: Int) throws {
      let server = try slowServer()
      try withPull { bench in
        let process = try bench.process(arguments(server, "out.h5"))
        try process.run()
        while server.sent("/large.h5") < bytes && process.isRunning { usleep(5000) }
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal && !bench.zoo.exists("out.h5"))
        let before = server.sent("/large.h5")
        let next = try bench.run(["pull"] + arguments(server, "out.h5"))
        #expect(try next.status == 0 && bench.contents("out.h5") == Self.bytes, "\(next.errors)")
        let start = try #require(server.requests.last?.start, "\(next.errors)")
        // What was written before the end came is not asked for again.
        #expect(start > 0 && start <= before)
        #expect(next.errors.contains("going on after"), "\(next.errors)")
      }
    }

    @Test func oneOfTwoWaits() throws {
      let server = try slowServer()
      try withPull { bench in
        let first = try bench.process(arguments(server, "first.h5"))
        try first.run()
        while server.sent("/large.h5") == 0 && first.isRunning { usleep(5000) }
        let second = try bench.run(["pull"] + arguments(server, "second.h5"))
        first.waitUntilExit()
        #expect(first.terminationStatus == 0 && second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("waiting for another zoo pull"), "\(second.errors)")
        #expect(try bench.contents("first.h5") == Self.bytes)
        #expect(try bench.contents("second.h5") == Self.bytes)
        // Fetched once for both.
        #expect(server.sent("/large.h5") == Self.bytes.count)
      }
    }
  }
#endif
