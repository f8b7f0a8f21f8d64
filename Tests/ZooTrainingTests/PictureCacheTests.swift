import Foundation
import Testing
import ZooSystem
import ZooTestSupport
import ZooTraining

@Suite("cache of pictures") struct PictureCacheTests {
  private static func key(_ number: UInt64, view: Int = 0) -> PictureCache.Key {
    PictureCache.Key(picture: XXH3Hasher.Digest(high: number, low: number &* 3), view: view)
  }

  private static func payload(_ number: Int) -> [UInt8] { (0..<12).map { UInt8(($0 * 7 + number) & 255) } }

  private func open(_ folder: URL, purpose: String = "features of a network") throws -> PictureCache {
    try PictureCache(folder: folder.appending(path: "a/b").path, purpose: purpose, payloadLength: 12)
  }

  private func filled(_ folder: URL, count: Int = 5) throws -> PictureCache {
    let cache = try open(folder)
    for number in 0..<count {
      cache.add(Self.payload(number), for: Self.key(UInt64(number), view: number % 2))
    }
    cache.flush()
    #expect(cache.failure == nil)
    return cache
  }

  @Test func recordsComeBackInALaterRun() throws {
    try withFolder { folder in
      _ = try filled(folder)
      let cache = try open(folder)
      for number in 0..<5 {
        #expect(cache.record(of: Self.key(UInt64(number), view: number % 2)) == Self.payload(number))
        #expect(cache.record(of: Self.key(UInt64(number), view: 1 - number % 2)) == nil)
      }
      #expect(try open(folder, purpose: "of another").record(of: Self.key(0)) == nil)
    }
  }

  /// Whatever byte is changed, a record is right or missing, and the others stay.
  @Test func aDamagedRecordIsMissing() throws {
    try withFolder { folder in
      let path = try filled(folder).path
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
      for place in stride(from: 0, to: bytes.count, by: 3) {
        var damaged = bytes
        damaged[place] ^= 0x10
        try Data(damaged).write(to: URL(filePath: path))
        let cache = try open(folder)
        var missing = 0
        for number in 0..<5 {
          let record = cache.record(of: Self.key(UInt64(number), view: number % 2))
          #expect(record == nil || record == Self.payload(number))
          missing += record == nil ? 1 : 0
        }
        // A damaged header makes the file as good as empty.
        #expect(missing == (place < 64 ? 5 : 1), "byte \(place)")
      }
    }
  }

  /// An interruption while a record was written costs that record alone, and the next one takes its place.
  @Test func aCutRecordIsOverwritten() throws {
    try withFolder { folder in
      let path = try filled(folder).path
      let bytes = try Data(contentsOf: URL(filePath: path))
      try bytes.dropLast(9).write(to: URL(filePath: path))
      let cache = try open(folder)
      #expect(cache.record(of: Self.key(3, view: 1)) == Self.payload(3))
      #expect(cache.record(of: Self.key(4)) == nil)
      cache.add(Self.payload(4), for: Self.key(4))
      cache.flush()
      #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
    }
  }

  @Test func twoRunsShareAFile() throws {
    try withFolder { folder in
      let (first, second) = (try open(folder), try open(folder))
      first.add(Self.payload(1), for: Self.key(1))
      second.add(Self.payload(2), for: Self.key(2))
      first.flush()
      second.flush()
      let third = try open(folder)
      #expect(third.record(of: Self.key(1)) == Self.payload(1))
      #expect(third.record(of: Self.key(2)) == Self.payload(2))
    }
  }

  /// A full disk: training goes on without the cache.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func aFullDiskIsAFailureOfTheCacheAlone() throws {
    try withFolder { folder in
      let path = try open(folder).path
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
      let cache = try open(folder)
      cache.add(Self.payload(1), for: Self.key(1))
      cache.flush()
      let failure = try #require(cache.failure)
      #expect(failure.category == .inputOutput, "\(failure)")
      cache.add(Self.payload(2), for: Self.key(2))
      cache.flush()
    }
  }

  @Test func aFileInPlaceOfTheFolderIsRefused() throws {
    try withFolder { folder in
      try Data().write(to: folder.appending(path: "a"))
      #expect(throws: ZooError.self) { try open(folder) }
    }
  }
}
