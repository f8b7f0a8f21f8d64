#if os(Linux) && !arch(arm64)
  import Foundation

  /// C sources of this package as a program for 64-bit ARM, run in an emulator as far as there is one.
  package enum ARMProgram {
    package enum Result {
      /// What the program wrote, to standard output and error, and how it ended.
      case ran(status: Int32, output: String)
      /// What the compiler had to say.
      case notCompiled(String)
      /// What this machine lacks.
      case lacking(String)
    }

    package struct NoCompiler: Error, CustomStringConvertible {
      package let description = "there is no clang beside swift or in PATH"
    }

    /// Compiles all C sources below `folders`, each of which can have a folder `include`, and runs them.
    package static func run(folders: [String], arguments: [String] = []) throws -> Result {
      guard let clang else { throw NoCompiler() }
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let target = ["--target=aarch64-linux-gnu"]
      let probe = "#include <pthread.h>\n#include <stdio.h>\nint main(void) { return 0; }\n"
      try Data(probe.utf8).write(to: folder.appendingPathComponent("probe.c"))
      let link = ["-static", "-fuse-ld=lld", "-lm", "-lpthread", "-o"]
      guard try run(clang, target + ["probe.c"] + link + ["probe"], in: folder).status == 0 else {
        return .lacking(
          "no C library for aarch64 (Debian: libc6-dev-arm64-cross): nothing is compiled for it")
      }
      let sources = try folders.flatMap { path in
        let folder = root.appendingPathComponent(path).path
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".c") }
          .map { "\(folder)/\($0)" }
      }
      let headers = folders.map { "-I" + root.appendingPathComponent("\($0)/include").path }
      let warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
      let compile = target + ["-std=gnu11", "-O2", "-c"] + warnings + headers
      // Side by side: two sources that are made of many templates take most of the time.
      let objects = try sources.enumerated().map { index, source in
        try start(clang, compile + [source, "-o", "\(index).o"], in: folder, output: "\(index).txt")
      }
      let messages = try objects.compactMap { object in
        let result = try object.result()
        return result.status == 0 ? nil : result.output
      }
      guard messages.isEmpty else { return .notCompiled(messages.joined()) }
      let linked = try run(
        clang, target + sources.indices.map { "\($0).o" } + link + ["program"], in: folder)
      guard linked.status == 0 else { return .notCompiled(linked.output) }
      guard let emulator = ["qemu-aarch64", "qemu-aarch64-static"].lazy.compactMap(inPath).first else {
        return .lacking("no qemu-aarch64 (Debian: qemu-user): what is compiled for aarch64 is not run")
      }
      let program = folder.appendingPathComponent("program").path
      let result = try run(emulator, [program] + arguments, in: folder)
      return .ran(status: result.status, output: result.output)
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()

    private static func inPath(_ name: String) -> String? {
      let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
      return folders.lazy.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The toolchain's own, or else any.
    private static var clang: String? {
      let beside = inPath("swift").map {
        URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent()
          .appendingPathComponent("clang").path
      }
      return [beside].compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
        ?? inPath("clang")
    }

    private static func run(
      _ program: String, _ arguments: [String], in folder: URL
    ) throws -> (status: Int32, output: String) {
      try start(program, arguments, in: folder, output: "output.txt").result()
    }

    private static func start(
      _ program: String, _ arguments: [String], in folder: URL, output: String
    ) throws -> Running {
      let output = folder.appendingPathComponent(output)
      try Data().write(to: output)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
      process.currentDirectoryURL = folder
      let handle = try FileHandle(forWritingTo: output)
      process.standardOutput = handle
      process.standardError = handle
      try process.run()
      return Running(process: process, output: output)
    }

    private struct Running {
      let process: Process
      let output: URL

      /// Waits until it ends.
      func result() throws -> (status: Int32, output: String) {
        process.waitUntilExit()
        let status =
          process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return (status, String(decoding: try Data(contentsOf: output), as: UTF8.self))
      }
    }
  }
#endif
