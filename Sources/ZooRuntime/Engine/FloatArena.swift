import CZooKernels
import ZooSystem

/// Whole pages of zeroed floats, huge where the system offers it.
final class FloatArena: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let byteCount: Int

  /// At least one page.
  static func byteCount(floats: Int) -> Int { max(4096, floats * MemoryLayout<Float>.size) }

  init(floats: Int, for purpose: String) throws(ZooError) {
    byteCount = FloatArena.byteCount(floats: floats)
    guard let address = zoo_pages_allocate(byteCount) else {
      throw ZooError(
        .outOfMemory, what: "out of memory", at: purpose, "\(byteCount) bytes cannot be allocated")
    }
    base = address.bindMemory(to: Float.self, capacity: byteCount / MemoryLayout<Float>.size)
  }

  deinit { zoo_pages_free(base, byteCount) }
}
