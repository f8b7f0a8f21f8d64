import KernelChecks
import Testing
import ZooRuntime
import ZooTestSupport

/// The kernels themselves, without a plan, against plain loops in C.
@Suite struct KernelCheckTests {
  private typealias Report = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> Void

  private func expectNoFailure(_ check: (Report, UnsafeMutableRawPointer) -> zoo_check_result) {
    final class Lines { var lines: [String] = [] }
    let failures = Lines()
    let result = check(
      { context, line in
        guard let context, let line else { return }
        Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue().lines.append(String(cString: line))
      }, Unmanaged.passUnretained(failures).toOpaque())
    #expect(result.compared > 100_000)
    #expect(result.failed == 0, "\(failures.lines.prefix(20).joined(separator: "\n"))")
  }

  @Test(arguments: Engine.availableKernels)
  func agreeWithPlainLoops(kernels: String) {
    expectNoFailure { zoo_check_kernels(kernels, $0, $1) }
  }

  /// What the kernel for AMX does with its tiles, on machines without them too.
  @Test func productOnTilesAgrees() { expectNoFailure { zoo_check_plain_tiles($0, $1) } }

  @Test func poolDoesEachUnitOnceAndLetsNobodyWait() { expectNoFailure { zoo_check_pool($0, $1) } }

  #if os(Linux) && !arch(arm64)
    /// Compiles the kernels for 64-bit ARM and runs the checks in an emulator, as far as there are these.
    @Test func agreeOnARM() throws {
      switch try ARMProgram.run(folders: ["Sources/CZooKernels", "Tests/KernelChecks"]) {
      case .lacking(let what): print("Kernels: \(what).")
      case .notCompiled(let output): Issue.record("not compiled: \(output)")
      case .ran(let status, let output):
        #expect(status == 0, "\(output)")
        #expect(output.contains("neon: ") && output.contains("portable: ") && output.contains("pool: "))
      }
    }
  #endif
}
