import Foundation
import ZooData
import ZooSystem
import ZooTraining

/// What training reads besides pictures: lists of labels, and what it kept of pictures before.
enum TrainingInputs {
  private static let records = 4
  private static let payloadLength = 24
  private static let purpose = "fuzz"

  // MARK: Labels

  static let labels: [[UInt8]] = [
    "path,class\na.bmp,one\nb.bmp,two\n",
    "\u{feff}image;split;tags;\"weight, kg\"\r\na.bmp;train;x|y;1.5\r\nb.bmp;test;;-2e3\r\n\"c \"\"q\"\".bmp\";val;|;\r\n",
    "file\tcolour\tcount\na.bmp\tred\t1\nb.bmp\t\"two\nlines\"\t2\na.bmp\tred\t1\n",
  ].map { Array($0.utf8) }

  /// Lists the labels of a file in `folder`, where the pictures `a.bmp` and `b.bmp` are.
  static func readLabels(_ path: String, in folder: String) throws {
    let pixel =
      Array("BM".utf8) + [58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40] + [UInt8](repeating: 0, count: 41)
    for name in ["a.bmp", "b.bmp", "c \"q\".bmp"] where !exists("\(folder)/\(name)") {
      try Data(pixel).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    let dataset = try ImageDataset(path: path)
    for example in dataset.examples {
      guard example.targets.count == dataset.tasks.count else {
        throw Target.Inconsistency("\(example.targets.count) targets for \(dataset.tasks.count) tasks")
      }
      for (target, task) in zip(example.targets, dataset.tasks) {
        let isRight =
          switch target {
          case .missing: true
          case .classIndex(let index): task.kind == .classes && task.classNames.indices.contains(index)
          case .labels(let indices):
            task.kind == .labels && indices.allSatisfy(task.classNames.indices.contains)
          case .number(let number): task.kind == .number && number.isFinite
          }
        guard isRight else { throw Target.Inconsistency("\(target) of task '\(task.name)'") }
      }
    }
  }

  // MARK: The cache

  private static func key(_ number: Int) -> PictureCache.Key {
    PictureCache.Key(picture: XXH3Hasher.Digest(high: UInt64(number), low: 7), view: number)
  }

  private static func payload(_ number: Int) -> [UInt8] { (0..<payloadLength).map { UInt8($0 + number) } }

  private static func cache(in folder: String) throws -> PictureCache {
    try PictureCache(folder: folder, purpose: purpose, payloadLength: payloadLength)
  }

  /// A sound cache file.
  static func cacheFile() throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-\(UUID().uuidString)")
      .path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cache = try cache(in: folder)
    for number in 0..<records { cache.add(payload(number), for: key(number)) }
    cache.flush()
    return Array(FileManager.default.contents(atPath: cache.path) ?? Data())
  }

  /// Opens a changed cache: what it has of a picture is what was written, or nothing; and it can be written on.
  static func readCache(_ input: [UInt8], in folder: String) throws {
    let path = try cache(in: folder).path
    try? FileManager.default.removeItem(atPath: path)
    try Data(input).write(to: URL(fileURLWithPath: path))
    let changed = try cache(in: folder)
    for number in 0..<records {
      let record = changed.record(of: key(number))
      guard record == nil || record == payload(number) else {
        throw Target.Inconsistency("record \(number) is another")
      }
    }
    changed.add(payload(9), for: key(9))
    changed.flush()
    if let failure = changed.failure { throw failure }
    guard try cache(in: folder).record(of: key(9)) == payload(9) else {
      throw Target.Inconsistency("what was added is not there")
    }
  }
}
