import Foundation
import Synchronization
import Testing
import ZooSystem
import ZooTestSupport

@Suite struct AtomicFileTests {
  /// A new folder, removed after `body`.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func content(_ path: String) throws -> [UInt8] {
    ByteSlice(try MappedFile(path: path)).withUnsafeBytes { Array($0) }
  }

  private func write(
    _ bytes: [UInt8], to path: String, overwrite: Bool = false, hidden: Bool = false
  ) throws {
    let file = try AtomicFile(path: path, hidden: hidden)
    try file.write(bytes, at: 0)
    try file.commit(overwrite: overwrite)
  }

  @Test(arguments: [false, true])
  func appearsWholeAndAlone(hidden: Bool) throws {
    try withFolder { folder in
      let file = try AtomicFile(path: folder + "/a", hidden: hidden)
      try file.write([3, 4], at: 2)
      try file.write([1, 2], at: 0)
      #expect(try !names(in: folder).contains("a"))
      try file.commit(overwrite: false)
      #expect(try names(in: folder) == ["a"])
      #expect(try content(folder + "/a") == [1, 2, 3, 4])
    }
  }

  /// Parts in any order, more than wait at a time, from a file whose pages are let go.
  @Test func whatIsWrittenInTheBackgroundArrives() throws {
    try withFolder { folder in
      let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 11) }
      try write(bytes, to: folder + "/a")
      let source = try MappedFile(path: folder + "/a")
      let file = try AtomicFile(path: folder + "/b")
      try file.withBackgroundWriter { writer in
        for start in stride(from: 0, to: bytes.count, by: 10_007).reversed() {
          let range = start..<min(start + 10_007, bytes.count)
          try writer.write(#require(ByteSlice(source, range: range)), at: start)
        }
      }
      try file.commit(overwrite: false)
      #expect(try content(folder + "/b") == bytes)
      // Pages that were let go are read again.
      #expect(ByteSlice(source).withUnsafeBytes { Array($0) } == bytes)
    }
  }

  @Test func failuresInTheBackgroundAreReported() throws {
    struct Stop: Error {}
    try withFolder { folder in
      let file = try AtomicFile(path: folder + "/a")
      let part = ByteSlice(HeapBytes([1, 2, 3] as [UInt8]))
      let error = #expect(throws: ZooError.self) {
        try file.withBackgroundWriter { try $0.write(part, at: -1) }
      }
      #expect(error?.code == .cannotWrite)
      #expect(throws: Stop.self) { try file.withBackgroundWriter { _ in throw Stop() } }
    }
  }

  @Test func resultsAreComputedOnce() {
    let count = Mutex(0)
    let result = BackgroundResult {
      count.withLock {
        $0 += 1
        return $0
      }
    }
    #expect(result.value == 1 && result.value == 1)
  }

  @Test(arguments: [false, true])
  func withoutCommitNothingIsLeft(hidden: Bool) throws {
    try withFolder { folder in
      do {
        let file = try AtomicFile(path: folder + "/a", hidden: hidden)
        try file.write([1], at: 0)
        #expect(try names(in: folder).count <= 1)
        // By its path too it is that file.
        #expect(try content(file.temporaryPath) == [1])
        if hidden { #expect(try names(in: folder).first?.hasPrefix(".zoo-") == true) }
        // Where the system has files without a name, nothing is left even if the process is killed now.
        #if os(Linux)
          if !hidden, file.temporaryPath.hasPrefix("/proc/") { #expect(try names(in: folder).isEmpty) }
        #endif
      }
      #expect(try names(in: folder).isEmpty)
    }
  }

  @Test(arguments: [false, true])
  func existingFileStays(hidden: Bool) throws {
    try withFolder { folder in
      try write([1], to: folder + "/a", hidden: hidden)
      let error = #expect(throws: ZooError.self) { try write([2], to: folder + "/a", hidden: hidden) }
      #expect(error?.code == .cannotCreate)
      #expect(error?.description == "cannot create \(folder)/a: it exists already")
      #expect(error?.remedy?.contains("--force") == true)
      #expect(errorCode { try AtomicFile.checkAbsent(folder + "/a") } == .cannotCreate)
      #expect(try content(folder + "/a") == [1])
      #expect(try names(in: folder) == ["a"])
    }
  }

  @Test(arguments: [false, true])
  func overwritingReplaces(hidden: Bool) throws {
    try withFolder { folder in
      try write([1, 1, 1], to: folder + "/a", hidden: hidden)
      try write([2], to: folder + "/a", overwrite: true, hidden: hidden)
      #expect(try content(folder + "/a") == [2])
      #expect(try names(in: folder) == ["a"])
    }
  }

  @Test func foldersAndDevicesAreNotReplaced() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/d", withIntermediateDirectories: false)
      #expect(errorCode { try write([1], to: folder + "/d", overwrite: true) } == .cannotCreate)
      #expect(try names(in: folder) == ["d"])
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/null", withDestinationPath: "/dev/null")
      #expect(errorCode { try write([1], to: folder + "/null", overwrite: true) } == .cannotCreate)
    }
  }

  @Test func failedWriteLeavesNothing() throws {
    try withFolder { folder in
      try write([1], to: folder + "/a")
      let error = #expect(throws: ZooError.self) {
        let file = try AtomicFile(path: folder + "/a")
        // Beyond the largest offset of any file system.
        try file.write([1, 2, 3, 4], at: Int.max - 1)
        try file.commit(overwrite: true)
      }
      #expect(error?.code == .cannotWrite)
      #expect(try content(folder + "/a") == [1])
      #expect(try names(in: folder) == ["a"])
    }
  }

  @Test func folderThatIsNotThere() throws {
    try withFolder { folder in
      let error = #expect(throws: ZooError.self) { try write([1], to: folder + "/b/a") }
      #expect(error?.code == .cannotCreate)
      #expect(error?.why == "there is no folder \(folder)/b")
    }
  }

  @Test(arguments: ["", "/", "a/"])
  func nameThatIsNoFile(path: String) {
    #expect(errorCode { try write([1], to: path) } == .cannotCreate)
  }

  @Test func longestName() throws {
    try withFolder { folder in
      let name = String(repeating: "n", count: 255)
      try write([1], to: "\(folder)/\(name)")
      #expect(try names(in: folder) == [name])
    }
  }
}
