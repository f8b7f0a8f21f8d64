#if Pull
  import FaultyServer
  import Foundation
  import Testing
  import ZooSystem

  /// The command in an empty folder, with caches, settings and a home of its own, against servers on loopback.
  struct PullBench {
    let zoo: ZooCommand
    private let environment: [String: String]

    /// What is served: a small network, and its SHA-256.
    static let file = ZooCommand.fixture("digits/digits.h5")
    static let bytes = [UInt8]((try? Data(contentsOf: URL(fileURLWithPath: file))) ?? Data())
    static let sha256 = "91be1a128614c0ce42d98f88432842acd65f9315094026a101f8b0f86c5cbd90"

    static func sha256(of bytes: [UInt8]) -> String {
      SHA256Hasher.hash(bytes).map { String(format: "%02x", $0) }.joined()
    }

    init(_ zoo: ZooCommand) {
      self.zoo = zoo
      var environment = Dictionary(
        uniqueKeysWithValues: [
          "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY",
          "no_proxy",
          "SSL_CERT_FILE", "SSL_CERT_DIR", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE",
          "HUGGINGFACE_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "TRANSFORMERS_OFFLINE",
          "XDG_CACHE_HOME", "ZOO_LIMITS",
        ].map { ($0, "") })
      for (name, folder) in [
        ("HOME", "home"), ("TORCH_HOME", "torch"), ("ZOO_CACHE", "cache"), ("KERAS_HOME", "keras"),
        ("HF_HOME", "hf"),
      ] {
        environment[name] = zoo.path(folder)
      }
      self.environment = environment
    }

    /// Runs `zoo` with these arguments.
    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> ZooCommand.Result {
      try zoo.run(arguments, environment: self.environment.merging(environment) { _, new in new })
    }

    /// Runs `zoo pull`.
    func pull(_ arguments: String..., environment: [String: String] = [:]) throws -> ZooCommand.Result {
      try run(["pull"] + arguments, environment: environment)
    }

    /// `zoo pull` that is not waited for.
    func process(_ arguments: [String], environment: [String: String] = [:]) throws -> Process {
      let process = try zoo.process(
        ["pull"] + arguments, environment: self.environment.merging(environment) { _, new in new })
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      process.standardInput = FileHandle.nullDevice
      return process
    }

    /// Pulls the file that a server has at `path` and keeps it as `out.h5`.
    func pullFile(
      _ server: FaultyServer, _ path: String = "/digits.h5", _ arguments: [String] = [],
      environment: [String: String] = [:]
    ) throws -> ZooCommand.Result {
      try run(
        [
          "pull", "http://127.0.0.1:\(server.port)\(path)", "--sha256", Self.sha256, "--weights-only", "-o",
          "out.h5",
        ]
          + arguments, environment: environment)
    }

    func contents(_ name: String) throws -> [UInt8] {
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: zoo.path(name))))
    }

    /// Whether the file that was kept is the one that is served.
    func hasFile() throws -> Bool { try zoo.exists("out.h5") && contents("out.h5") == Self.bytes }

    /// All files below the folder of that name, with their paths in it.
    func tree(_ name: String) -> [String] {
      (FileManager.default.enumerator(atPath: zoo.path(name))?.compactMap { $0 as? String } ?? []).sorted()
    }
  }

  /// Calls `body` with the command in an empty folder.
  func withPull(_ body: (PullBench) throws -> Void) throws {
    try withCommand { try body(PullBench($0)) }
  }

  extension FaultyServer.Reply {
    /// The file as a server in order sends it: all of it, or the part that is asked for.
    static func file(
      _ request: FaultyServer.Request, _ bytes: [UInt8] = PullBench.bytes, tag: String = "\"v1\""
    ) -> FaultyServer.Reply {
      var reply = FaultyServer.Reply(headers: [("ETag", tag), ("Accept-Ranges", "bytes")], body: bytes)
      if let start = request.start, start < bytes.count,
        request.headers["if-range"].map({ $0 == tag }) ?? true
      {
        reply = FaultyServer.Reply(
          status: 206,
          headers: reply.headers + [("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)")],
          body: Array(bytes[start...]))
      }
      return reply
    }
  }

  /// Expects one line that is an error, of this exit code and with all of `texts` in it.
  func expectError(
    _ result: ZooCommand.Result, _ status: Int32, _ texts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
    let lines = result.errors.split(separator: "\n").filter { !$0.hasPrefix("zoo: note: ") }
    #expect(
      lines.first?.hasPrefix("zoo: error: ") == true && lines.count <= 2, "\(result.errors)",
      sourceLocation: sourceLocation)
    for text in texts {
      #expect(result.errors.contains(text), "\(text): \(result.errors)", sourceLocation: sourceLocation)
    }
  }
#endif
