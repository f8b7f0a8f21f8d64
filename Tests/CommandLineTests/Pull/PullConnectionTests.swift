#if Pull
  import FaultyServer
  import Foundation
  import Testing

  /// Certificates and proxies.
  @Suite("zoo pull, certificates and proxies")
  struct PullConnectionTests {
    private static func certificate(_ name: String) -> String {
      ZooCommand.fixture("certificates/\(name).pem")
    }
    private static let authority = ["SSL_CERT_FILE": certificate("authority")]

    private func pull(
      _ bench: PullBench, _ address: String, _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> ZooCommand.Result {
      let process = [
        "pull", address, "--sha256", PullBench.sha256, "--weights-only", "-o", "out.h5", "--force",
      ]
      return try bench.run(process + arguments, environment: environment)
    }

    @Test func trustsTheAuthorityThatIsNamed() throws {
      let server = try FaultyServer(certificate: Self.certificate("localhost")) { .file($0) }
      try withPull { bench in
        let address = "https://localhost:\(server.port)/digits.h5"
        expectError(
          try pull(bench, address), 66, "the certificate of localhost", "'Authority of the Tests'",
          "SSL_CERT_FILE")
        #expect(server.requests.isEmpty)
        let trusted = try pull(bench, address, environment: Self.authority)
        #expect(try trusted.status == 0 && bench.hasFile(), "\(trusted.errors)")
        // A folder of authorities, and an address in place of a name.
        let folder = try pull(
          bench, "https://127.0.0.1:\(server.port)/digits.h5",
          environment: ["SSL_CERT_DIR": ZooCommand.fixture("certificates")])
        #expect(folder.status == 0, "\(folder.errors)")
      }
    }

    @Test func namesWhatIsWrongWithACertificate() throws {
      let elsewhere = try FaultyServer(certificate: Self.certificate("elsewhere")) { .file($0) }
      let expired = try FaultyServer(certificate: Self.certificate("expired")) { .file($0) }
      let plain = try FaultyServer { .file($0) }
      try withPull { bench in
        func error(_ server: FaultyServer) throws -> ZooCommand.Result {
          try pull(bench, "https://localhost:\(server.port)/digits.h5", environment: Self.authority)
        }
        expectError(
          try error(elsewhere), 66, "it is for models.example, www.models.example, not for localhost")
        expectError(try error(expired), 66, "it expired on 2020-02-01")
        expectError(try error(plain), 74, "does not speak TLS")
        let missing = try pull(bench, "https://localhost:1/x", environment: ["SSL_CERT_FILE": "nothere.pem"])
        expectError(missing, 66, "cannot open nothere.pem", "SSL_CERT_FILE")
        let noCertificate = try pull(
          bench, "https://localhost:1/x", environment: ["SSL_CERT_FILE": ZooCommand.fixture("README.md")])
        expectError(noCertificate, 66, "no certificates in PEM form")
        #expect(!bench.zoo.exists("out.h5"))
      }
    }

    @Test func neverLeavesEncryptedConnections() throws {
      let plain = try FaultyServer { .file($0) }
      let server = try FaultyServer(certificate: Self.certificate("localhost")) { _ in
        .init(status: 302, headers: [("Location", "http://localhost:\(plain.port)/digits.h5")])
      }
      try withPull { bench in
        let result = try pull(
          bench, "https://localhost:\(server.port)/digits.h5", environment: Self.authority)
        expectError(result, 66, "not encrypted")
        #expect(plain.requests.isEmpty)
      }
    }

    @Test func goesThroughAProxy() throws {
      let server = try FaultyServer(certificate: Self.certificate("localhost")) { .file($0) }
      let proxy = try TunnelProxy(credentials: "zoe:p@ss word", destination: server.port)
      try withPull { bench in
        // Only the proxy knows where this host is.
        let address = "https://localhost:4430/digits.h5"
        var environment = Self.authority
        environment["HTTPS_PROXY"] = "http://zoe:p%40ss%20word@127.0.0.1:\(proxy.port)"
        let result = try pull(bench, address, environment: environment)
        #expect(try result.status == 0 && bench.hasFile(), "\(result.errors)")
        #expect(proxy.targets == ["localhost:4430"])
        #expect(server.requests.count == 1 && server.requests[0].headers["proxy-authorization"] == nil)
        // Around the proxy.
        environment["NO_PROXY"] = "example.org,.localhost"
        let direct = try pull(
          bench, "https://localhost:\(server.port)/other.h5", environment: environment)
        #expect(direct.status == 0, "\(direct.errors)")
        #expect(proxy.targets.count == 1 && server.requests.count == 2)
      }
    }

    @Test func namesWhatAProxyRefuses() throws {
      let asking = try TunnelProxy(credentials: "zoe:secret", destination: 1)
      let refusing = try TunnelProxy(destination: nil)
      try withPull { bench in
        for (proxy, status, texts) in [
          ("http://127.0.0.1:\(asking.port)", 66, ["asks for a name and a password", "HTTPS_PROXY"]),
          ("http://zoe:wrong@127.0.0.1:\(asking.port)", 66, ["does not accept this name and password"]),
          ("http://127.0.0.1:\(refusing.port)", 66, ["refuses a connection to localhost"]),
          ("http://127.0.0.1:1", 66, ["can't be reached: it refuses the connection"]),
          ("https://127.0.0.1:1", 66, ["HTTPS_PROXY", "reached by TLS is not supported"]),
          ("http://127.0.0.1:none", 66, ["HTTPS_PROXY", "port"]),
        ] as [(String, Int32, [String])] {
          let result = try pull(
            bench, "https://localhost:4430/digits.h5", environment: ["HTTPS_PROXY": proxy])
          expectError(result, status)
          for text in texts { #expect(result.errors.contains(text), "\(proxy): \(result.errors)") }
          #expect(!result.errors.contains("secret") && !result.errors.contains("wrong@"))
        }
      }
    }
  }
#endif
