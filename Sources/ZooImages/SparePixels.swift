import CZooSystem

/// The memory of a picture that is done with, for the next one.
///
/// The system clears fresh memory a page at a time, which takes a quarter of the time of decoding a large photograph. One
/// thread at a time can use it.
package final class SparePixels {
  private var pixels: [UInt8] = []

  package init() {}

  /// Room for `count` values, which mean nothing yet.
  package func take(_ count: Int) -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &pixels)
    guard taken.capacity >= count else {
      // A decoder writes every value before any is read.
      return [UInt8](unsafeUninitializedCapacity: count) { pixels, filled in
        zoo_expect_large_use(pixels.baseAddress, count)
        filled = count
      }
    }
    if taken.count > count {
      taken.removeLast(taken.count - count)
    } else {
      taken.append(contentsOf: repeatElement(0, count: count - taken.count))
    }
    return taken
  }

  /// Keeps the memory of `image`, which nobody else should have any more.
  package func keep(_ image: Image) {
    if image.pixels.capacity > pixels.capacity { pixels = image.pixels }
  }
}
