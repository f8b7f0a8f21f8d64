import Foundation
import KernelChecks
import Testing
import ZooRuntime

/// The kernels themselves, without a plan, against plain loops in C.
@Suite struct KernelCheckTests {
  @Test(arguments: Engine.availableKernels)
  func agreeWithPlainLoops(kernels: String) {
    final class Lines { var lines: [String] = [] }
    let failures = Lines()
    let result = zoo_check_kernels(
      kernels,
      { context, line in
        guard let context, let line else { return }
        Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue().lines.append(String(cString: line))
      }, Unmanaged.passUnretained(failures).toOpaque())
    #expect(result.compared > 100_000)
    #expect(result.failed == 0, "\(failures.lines.prefix(20).joined(separator: "\n"))")
  }

  #if os(Linux) && !arch(arm64)
    /// Compiles the kernels for 64-bit ARM and runs the checks in an emulator, as far as there are these.
    @Test func agreeOnARM() throws {
      let clang = try #require(Self.clang, "there is no clang beside swift or in PATH")
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let target = ["--target=aarch64-linux-gnu"]
      let probe = "#include <pthread.h>\n#include <stdio.h>\nint main(void) { return 0; }\n"
      try Data(probe.utf8).write(to: folder.appendingPathComponent("probe.c"))
      let link = ["-static", "-fuse-ld=lld", "-lm", "-lpthread", "-o"]
      guard try Self.run(clang, target + ["probe.c"] + link + ["probe"], in: folder).status == 0 else {
        print("No C library for aarch64 (Debian: libc6-dev-arm64-cross): its kernels are not compiled here.")
        return
      }
      let sources = try ["Sources/CZooKernels", "Tests/KernelChecks"].flatMap { path in
        let folder = Self.root.appendingPathComponent(path)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".c") }
          .map { folder.appendingPathComponent($0).path }
      }
      let headers = ["Sources/CZooKernels/include", "Tests/KernelChecks/include"].map {
        "-I" + Self.root.appendingPathComponent($0).path
      }
      let warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
      let compiled = try Self.run(
        clang, target + ["-std=gnu11", "-O2"] + warnings + headers + sources + link + ["checks"], in: folder)
      #expect(compiled.status == 0, "\(compiled.output)")
      guard compiled.status == 0 else { return }
      guard let emulator = ["qemu-aarch64", "qemu-aarch64-static"].lazy.compactMap(Self.inPath).first else {
        print("No qemu-aarch64 (Debian: qemu-user): the kernels for aarch64 are compiled here, but not run.")
        return
      }
      let result = try Self.run(emulator, [folder.appendingPathComponent("checks").path], in: folder)
      #expect(result.status == 0, "\(result.output)")
      #expect(result.output.contains("neon: ") && result.output.contains("portable: "))
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

    /// What the program wrote, to standard output and error, and how it ended.
    private static func run(
      _ program: String, _ arguments: [String], in folder: URL
    ) throws -> (status: Int32, output: String) {
      let output = folder.appendingPathComponent("output.txt")
      try Data().write(to: output)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
      process.currentDirectoryURL = folder
      let handle = try FileHandle(forWritingTo: output)
      process.standardOutput = handle
      process.standardError = handle
      try process.run()
      process.waitUntilExit()
      let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
      return (status, String(decoding: try Data(contentsOf: output), as: UTF8.self))
    }
  #endif
}
