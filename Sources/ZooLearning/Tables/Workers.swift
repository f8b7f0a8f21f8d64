import CZooKernels
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The kernels and the threads that share the work of one computation. One caller at a time.
///
/// Threads share outputs, never sums, so that results do not depend on how many there are.
package final class Workers {
  let kernels: UnsafePointer<zoo_kernels>
  private let pool: OpaquePointer?

  /// - Parameter threads: how many threads work, the caller included; at least 1.
  /// - Throws: ``ZooError`` if `ZOO_KERNELS` names kernels that this machine lacks.
  package init(threads: Int) throws(ZooError) {
    kernels = try Self.chosenKernels()
    pool = threads > 1 ? zoo_pool_create(Int32(clamping: threads)) : nil
  }

  deinit { zoo_pool_destroy(pool) }

  /// The kernels that the environment names, or the best that this machine has.
  private static func chosenKernels() throws(ZooError) -> UnsafePointer<zoo_kernels> {
    if let name = ProcessInfo.processInfo.environment["ZOO_KERNELS"], !name.isEmpty {
      if let kernels = zoo_kernels_named(name) { return kernels }
      throw ZooError(
        .invalidArgument, what: "cannot choose kernels", at: "ZOO_KERNELS", "this machine has no '\(name)'")
    }
    var index: Int32 = 0
    while let name = zoo_kernels_known(index) {
      if let kernels = zoo_kernels_named(name) { return kernels }
      index += 1
    }
    throw ZooError(.invalidArgument, what: "cannot choose kernels", at: "this machine", "it has none")
  }

  /// Runs all units of a kernel.
  func run<Arguments>(_ kernel: zoo_kernel, _ arguments: inout Arguments, units: Int) {
    zoo_pool_enter()
    withUnsafeMutablePointer(to: &arguments) { zoo_pool_run(pool, kernel, $0, Int32(clamping: units)) }
    zoo_pool_leave()
  }

  /// Calls `body` once for each of 0 ..< count, on all threads.
  func forEach(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      var task = Task(body: body)
      run(
        { task, begin, end in
          guard let task = task?.assumingMemoryBound(to: Task.self) else { return }
          for index in begin..<end { task.pointee.body(Int(index)) }
        }, &task, units: count)
    }
  }

  private struct Task {
    let body: (Int) -> Void
  }
}
