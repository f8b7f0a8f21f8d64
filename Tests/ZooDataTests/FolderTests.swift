import Foundation
import Testing
import ZooData
import ZooSystem
import ZooTestSupport

@Suite struct FolderTests {
  private func dataset(_ fill: (URL) throws -> Void) throws -> ImageDataset {
    try withFolder { folder in
      try fill(folder)
      let dataset = try ImageDataset(path: folder.path)
      expectOneLineEach(dataset.warnings)
      return dataset
    }
  }

  @Test func classFolders() throws {
    let dataset = try dataset { folder in
      try folder.fill(["10/b.png", "10/deep/er/a.png", "2/c.PNG", "2/.hidden.png", "__MACOSX/2/c.png"])
      try folder.fill(["2/Thumbs.db", "LICENSE"], with: Array("text".utf8))
    }
    #expect(dataset.tasks == [.init(name: "class", kind: .classes, classNames: ["10", "2"])])
    #expect(dataset.examples.map(\.name) == ["10/b.png", "10/deep/er/a.png", "2/c.PNG"])
    #expect(dataset.examples.map(\.targets) == [[.classIndex(0)], [.classIndex(0)], [.classIndex(1)]])
    #expect(dataset.examples.allSatisfy { $0.part == nil && $0.path.hasSuffix($0.name) })
    #expect(dataset.warnings == ["2 files are no pictures and are left out: '2/Thumbs.db' and 'LICENSE'"])
  }

  @Test(arguments: [["train", "test"], ["Training", "VAL", "Test"], ["train", "valid", "testing"]])
  func parts(_ names: [String]) throws {
    let dataset = try dataset { folder in
      for name in names { try folder.fill(["\(name)/cat/1.png", "\(name)/dog/2.png"]) }
    }
    #expect(dataset.tasks[0].classNames == ["cat", "dog"])
    let parts = Dictionary(grouping: dataset.examples, by: \.part)
    #expect(parts.count == names.count && parts[nil] == nil)
    #expect(parts[.training]?.map(\.targets) == [[.classIndex(0)], [.classIndex(1)]])
    #expect(dataset.warnings.isEmpty)
  }

  @Test func aClassCanBeCalledTrain() throws {
    let dataset = try dataset { try $0.fill(["train/1.png", "bus/2.png", "car/3.png"]) }
    #expect(dataset.tasks[0].classNames == ["bus", "car", "train"])
    #expect(dataset.examples.allSatisfy { $0.part == nil })
  }

  @Test func classesThatAreNotInAllParts() throws {
    let dataset = try dataset { try $0.fill(["train/cat/1.png", "train/dog/2.png", "test/cat/3.png"]) }
    #expect(dataset.warnings == ["there are no test pictures of 'dog'"])
    try withFolder { folder in
      try folder.fill(["train/cat/1.png", "train/dog/2.png", "test/cow/3.png", "val/cat/1.png"])
      let error = try failure { try ImageDataset(path: folder.path) }
      #expect(error.code == .doesNotFit)
      #expect(error.why == "'cow': in the test pictures, but not in the training pictures")
    }
  }

  @Test func partsThatMakeNoSense() throws {
    try withFolder { folder in
      try folder.fill(["val/cat/1.png", "test/dog/2.png"])
      #expect(try failure { try ImageDataset(path: folder.path) }.code == .missing)
    }
    try withFolder { folder in
      try folder.fill(["train/cat/1.png", "train/dog/2.png", "val/cat/1.png", "valid/dog/2.png"])
      let error = try failure { try ImageDataset(path: folder.path) }
      #expect(error.code == .ambiguous)
      #expect(error.why == "'val' and 'valid' all mean the validation pictures")
    }
    let dataset = try dataset { folder in
      try folder.fill([
        "train/cat/1.png", "train/dog/2.png", "test/cat/1.png", "test/dog/2.png", "more/x/1.png",
      ])
      try folder.makeFolder("train/cow")
    }
    #expect(
      dataset.warnings == [
        "1 folder besides the training and test pictures is left out: 'more'",
        "1 folder has no pictures and makes no class: 'train/cow'",
      ])
    #expect(dataset.tasks[0].classNames == ["cat", "dog"])
  }

  @Test func emptyClasses() throws {
    let dataset = try dataset { folder in
      try folder.fill(["cat/1.png", "dog/2.png"])
      try folder.makeFolder("cow")
      try folder.makeFolder(".git")
      try folder.fill(["text/a.txt"], with: [65])
    }
    #expect(dataset.tasks[0].classNames == ["cat", "dog"])
    #expect(
      dataset.warnings == [
        "2 folders have no pictures and make no class: 'cow' and 'text'",
        "1 file is no picture and is left out: 'text/a.txt'",
      ])
  }

  @Test func tooFewClasses() throws {
    try withFolder { folder in
      #expect(try failure { try ImageDataset(path: folder.path) }.what == "no pictures")
      try folder.fill(["1.png", "2.png"])
      let stray = try failure { try ImageDataset(path: folder.path) }
      #expect(stray.what == "no classes" && stray.remedy != nil)
      try folder.fill(["cat/1.png"])
      let one = try failure { try ImageDataset(path: folder.path) }
      #expect(one.what == "one class only" && one.why == "all pictures are of 'cat'")
      try folder.fill(["dog/1.png"])
      let dataset = try ImageDataset(path: folder.path)
      #expect(dataset.warnings == ["2 pictures lie in no class folder and are left out: '1.png' and '2.png'"])
    }
    #expect(try failure { try ImageDataset(path: "/nowhere/at/all") }.code == .cannotOpen)
  }

  @Test func namesThatCouldForgeLines() throws {
    let dataset = try dataset {
      try $0.fill(["cat\nwarning: none/1.png", "\u{1b}[31mred/2.png", "dog /3.png"])
    }
    #expect(dataset.tasks[0].classNames == ["[31mred", "cat warning: none", "dog"])
    #expect(dataset.warnings.count == 3)
    // The pictures are found all the same, each in its class.
    #expect(dataset.examples.map { $0.targets[0] } == [.classIndex(0), .classIndex(1), .classIndex(2)])
    try withFolder { folder in
      try folder.fill(["a\nb/1.png", "a b/2.png"])
      let error = try failure { try ImageDataset(path: folder.path) }
      #expect(error.code == .ambiguous && error.what == "two classes of one name")
    }
    try withFolder { folder in
      // One letter, or a letter and its accent: other bytes, the same text, and so one class.
      try folder.fill(["caf\u{e9}/1.png", "cafe\u{301}/2.png"])
      #expect(try failure { try ImageDataset(path: folder.path) }.what == "one class only")
    }
    try withFolder { folder in
      try folder.fill([" /1.png", "dog/2.png"])
      #expect(try failure { try ImageDataset(path: folder.path) }.what == "a class without a name")
    }
  }

  @Test func links() throws {
    try withFolder { store in
      try store.fill(["x.png", "all/y.png"])
      let dataset = try dataset { folder in
        try folder.fill(["cat/1.png", "dog/2.png"])
        try folder.link("cat/out.png", to: store.path + "/x.png")
        try folder.link("cat/in.png", to: "../dog/2.png")
        try folder.link("dog/gone.png", to: "nowhere.png")
        try folder.link("dog/all", to: store.path + "/all")
        try folder.link("dog/circle", to: "..")
      }
      #expect(dataset.examples.map(\.name) == ["cat/1.png", "cat/in.png", "cat/out.png", "dog/2.png"])
      #expect(
        dataset.warnings == [
          "1 link leads nowhere and is left out: 'dog/gone.png'",
          "2 links to folders are left out: 'dog/all' and 'dog/circle'",
          "1 picture lies outside the data's folder",
        ])
    }
  }

  @Test func otherFormatsAreNamed() throws {
    let dataset = try dataset { folder in
      try folder.fill(["cat/1.png", "dog/2.png"])
      try folder.fill(["dog/3.ppm"], with: Array("P6\n1 1\n255\n...".utf8))
    }
    #expect(
      dataset.warnings == [
        "1 picture of formats that are not read is left out: 'dog/3.ppm'; the first is a PBM, PGM or PPM picture"
      ])
  }

  @Test func whatIsNoRegularFileIsNotOpened() throws {
    let dataset = try dataset { folder in
      try folder.fill(["cat/1.png", "dog/2.png"])
      #expect(mkfifo(folder.path + "/dog/pipe", 0o600) == 0)
    }
    #expect(dataset.examples.count == 2 && dataset.warnings.isEmpty)
  }

  @Test func unlabelledPictures() throws {
    try withFolder { folder in
      try folder.fill(["a/1.png", "2.png"])
      try folder.fill(["notes.txt"], with: [65])
      let dataset = try ImageDataset.unlabelled(paths: [folder.path, folder.path + "/2.png"])
      #expect(dataset.tasks.isEmpty)
      #expect(dataset.examples.map(\.name) == ["2.png", "a/1.png", folder.path + "/2.png"])
      #expect(dataset.warnings == ["1 file is no picture and is left out: 'notes.txt'"])
      #expect(
        try failure { try ImageDataset.unlabelled(paths: [folder.path + "/none"].filter { isFolder($0) }) }
          .code == .unsuitable)
    }
  }

  /// Far more than a folder usually has; each only has to be opened once.
  @Test func manyFiles() throws {
    let dataset = try dataset { folder in
      for name in ["even", "odd"] { try folder.makeFolder(name) }
      // A file can have some 65,000 names at most.
      let sources = ["first", "second"].map { folder.path + "/odd/\($0).png" }
      for source in sources { try Data(pngStart).write(to: URL(filePath: source)) }
      for index in 0..<100_000 {
        #expect(link(sources[index % 2], folder.path + "/even/\(index).png") == 0)
      }
    }
    #expect(dataset.examples.count == 100_002 && dataset.warnings.isEmpty)
  }
}
