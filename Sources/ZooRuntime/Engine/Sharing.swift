import CZooKernels

/// Calls `body` with 0 ..< `count`, on as many threads as `pool` has; without one, on the caller's alone.
func share(_ count: Int, on pool: OpaquePointer?, _ body: (Int) -> Void) {
  withoutActuallyEscaping(body) { body in
    withUnsafePointer(to: body) { body in
      zoo_pool_run(
        pool,
        { body, begin, end in
          guard let body = body?.assumingMemoryBound(to: ((Int) -> Void).self).pointee else { return }
          for unit in begin..<end { body(Int(unit)) }
        }, body, Int32(count))
    }
  }
}
