import Dispatch
import ZooImageFiles
import ZooImages
import ZooReports
import ZooSystem

/// Small pictures for pages.
enum Thumbnails {
  /// A picture of one grey pixel, for a file that can't be read.
  static let none = "data:image/gif;base64,R0lGODlhAQABAIAAAMLCwgAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="

  /// The address of a small version of each picture, computed on all threads; nil where a file can't be read.
  ///
  /// - Parameter side: the longest side, in pixels.
  /// - Throws: `ZooError` with the code `ZooError.Code.cancelled`.
  static func make(
    of paths: [String], within side: Int, upright: Bool,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) -> [String?] {
    var result: [String?] = []
    for first in stride(from: 0, to: paths.count, by: 64) {
      try Cancellation.check()
      progress(first, paths.count)
      let some = Array(paths[first..<min(paths.count, first + 64)])
      var part = [String?](repeating: nil, count: some.count)
      part.withUnsafeMutableBufferPointer { part in
        nonisolated(unsafe) let part = part
        DispatchQueue.concurrentPerform(iterations: some.count) { index in
          // No other thread has this index.
          part[index] = try? Image(path: some[index], upright: upright).dataURI(within: side, quality: 76)
        }
      }
      result += part
    }
    return result
  }
}
