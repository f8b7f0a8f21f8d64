import ZooGraph
import ZooTensor

/// Where a tensor lies: a range of the channels of a buffer of pixels.
struct Place: Hashable {
  /// An index into the plan's buffers.
  var buffer: Int
  /// In values, from the start of the buffer.
  var offset: Int
  /// Values from one pixel to the next.
  var pixel: Int
  var height: Int
  var width: Int
  var channels: Int
  /// Of a value: 4 of floats, 1 of codes, 2 of wide codes.
  var bytes = 4

  /// A good distance between pixels, in floats: whole cache lines, so that no vector lies across two, but not a
  /// multiple of a quarter of a page, which would put all pixels in four sets of the first-level cache at most.
  static func pixel(_ channels: Int) -> Int {
    guard channels >= 8 else { return channels }
    let lines = wholeLines(channels)
    return lines % 256 == 0 ? lines + 16 : lines
  }

  /// `floats` rounded up to whole cache lines, which are whole vectors too.
  static func wholeLines(_ floats: Int) -> Int { (floats + 15) / 16 * 16 }

  var pixels: Int { height * width }
  /// Floats from one row to the next.
  var row: Int { width * pixel }
  /// Whether nothing lies between its pixels.
  var isContiguous: Bool { pixel == channels || pixels == 1 }
}
