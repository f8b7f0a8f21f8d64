import Foundation
import Testing
import ZooSystem
import ZooTestSupport

@Suite struct AtomicFolderTests {
  private static let contents = ["inner", "a", "inner/b"]

  private func write(_ byte: UInt8, to path: String, overwrite: Bool = false) throws {
    let folder = try AtomicFolder(path: path, contents: Self.contents)
    try folder.addFolder("inner")
    for name in ["a", "inner/b"] {
      let file = try folder.makeFile(name)
      try file.write([byte], at: 0)
      try file.commit(overwrite: false)
    }
    try folder.commit(overwrite: overwrite)
  }

  private func read(_ path: URL) throws -> [UInt8] {
    try ["a", "inner/b"].flatMap { try [UInt8](Data(contentsOf: path.appending(path: $0))) }
  }

  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func appearsWholeAndAlone() throws {
    try withFolder { place in
      let target = place.appending(path: "f")
      do {
        let folder = try AtomicFolder(path: target.path, contents: Self.contents)
        try folder.addFolder("inner")
        let file = try folder.makeFile("inner/b")
        try file.write([1], at: 0)
        try file.commit(overwrite: false)
        #expect(try names(place).allSatisfy { $0.hasPrefix(".zoo-") })
      }
      #expect(try names(place) == [])
      try write(2, to: target.path)
      #expect(try names(place) == ["f"] && read(target) == [2, 2])
    }
  }

  @Test func replacesOnlyWhatItKnows() throws {
    try withFolder { place in
      let target = place.appending(path: "f")
      try write(1, to: target.path)
      #expect(errorCode { try write(2, to: target.path) } == .cannotCreate)
      #expect(try read(target) == [1, 1])
      try write(3, to: target.path + "/", overwrite: true)
      #expect(try read(target) == [3, 3] && names(place) == ["f"])
      for stranger in ["c", "inner/c"] {
        let file = target.appending(path: stranger)
        try Data([9]).write(to: file)
        #expect(errorCode { try write(4, to: target.path, overwrite: true) } == .cannotCreate)
        #expect(try read(target) == [3, 3] && Data(contentsOf: file) == Data([9]) && names(place) == ["f"])
        try FileManager.default.removeItem(at: file)
      }
      // What a link leads to is somebody else's.
      try FileManager.default.removeItem(at: target.appending(path: "a"))
      let other = place.appending(path: "other")
      try Data([7]).write(to: other)
      try FileManager.default.createSymbolicLink(at: target.appending(path: "a"), withDestinationURL: other)
      #expect(errorCode { try write(4, to: target.path, overwrite: true) } == .cannotCreate)
      #expect(try Data(contentsOf: other) == Data([7]))
    }
  }

  @Test func filesAndLinksAreNotReplaced() throws {
    try withFolder { place in
      let file = place.appending(path: "file")
      try Data([7]).write(to: file)
      #expect(errorCode { try write(1, to: file.path, overwrite: true) } == .cannotCreate)
      let target = place.appending(path: "target")
      try write(1, to: target.path)
      let link = place.appending(path: "link")
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: target)
      #expect(errorCode { try write(2, to: link.path, overwrite: true) } == .cannotCreate)
      #expect(try Data(contentsOf: file) == Data([7]) && read(target) == [1, 1])
      #expect(try names(place) == ["file", "link", "target"])
      #expect(errorCode { try write(1, to: place.path + "/no/f") } == .cannotCreate)
    }
  }
}
