import CZooPixels

/// One of the implementations of what is done with pixels, for an instruction set; all have equal results.
package struct PixelCode: Sendable, Hashable {
  /// Its number in C.
  let number: Int32

  /// The instruction set, or `portable`.
  package var name: String { zoo_pixels_implementation(number).map { String(cString: $0) } ?? "" }

  /// Those that this machine can run, the fastest first.
  package static let all: [PixelCode] = {
    var number: Int32 = 0
    var found: [PixelCode] = []
    while zoo_pixels_implementation(number) != nil {
      if zoo_pixels_available(number) { found.append(PixelCode(number: number)) }
      number += 1
    }
    return found
  }()

  package static let fastest = all[0]
}
