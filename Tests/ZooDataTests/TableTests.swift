import Foundation
import Testing
import ZooData
import ZooSystem
import ZooTestSupport

@Suite struct TableTests {
  /// What is read from `text` beside the pictures `a.png` to `h.png` and `in/i.png`.
  private func dataset(_ text: String, tasks: [String] = []) throws -> ImageDataset {
    try dataset(Array(text.utf8), tasks: tasks)
  }

  private func dataset(_ bytes: [UInt8], tasks: [String] = []) throws -> ImageDataset {
    try withFolder { top in
      let folder = URL(filePath: top.path + "/data")
      try folder.fill("abcdefgh".map { "\($0).png" } + ["in/i.png", "../out.png"])
      try folder.fill(["text.png"], with: [65])
      try folder.fill(["labels.csv"], with: bytes)
      let dataset = try ImageDataset(path: folder.path + "/labels.csv", options: .init(tasks: tasks))
      expectOneLineEach(dataset.warnings)
      return dataset
    }
  }

  @Test(arguments: [",", ";", "\t"], ["\n", "\r\n", "\r"])
  func separatorsAndLineBreaks(_ separator: String, _ end: String) throws {
    let rows = [["path", "class", "age"], ["a.png", "cat", "3.5"], ["in/i.png", "dog", "4"]]
    let text = rows.map { $0.joined(separator: separator) }.joined(separator: end)
    for closing in ["", end, end + end] {
      for mark in ["", "\u{feff}"] {
        let dataset = try dataset(mark + text + closing)
        #expect(
          dataset.tasks == [
            .init(name: "class", kind: .classes, classNames: ["cat", "dog"]),
            .init(name: "age", kind: .number, classNames: []),
          ])
        #expect(dataset.examples.map(\.name) == ["a.png", "in/i.png"])
      }
    }
  }

  @Test func quotationMarks() throws {
    let dataset = try dataset(
      "path,class,\"a \"\"b\"\"\nc\"\n\"a.png\",\"red, green\" ,x\n\"b.png\",\"say \"\"hi\"\"\",y\nc.png,5\" nail,\"y\"\n"
    )
    #expect(dataset.tasks.map(\.name) == ["class", "a \"b\" c"])
    #expect(dataset.tasks[0].classNames == ["5\" nail", "red, green", "say \"hi\""])
    #expect(dataset.examples.map { $0.targets[1] } == [.classIndex(0), .classIndex(1), .classIndex(1)])
  }

  @Test(arguments: [
    ("path,class\na.png,cat\nb.png,\"dog\nc.png,cat\n", 3, "a quotation mark is never closed"),
    (
      "path,class\na.png,\"cat\"s\n", 2,
      "text follows a closing quotation mark; inside of quotation marks they have to be doubled"
    ),
    ("path,class\n\"a.png\",\"x\ny\"\nb.png\n", 4, "1 cell, but the first line has 2"),
    ("path,class\r\na.png,cat,dog\r\n", 2, "3 cells, but the first line has 2"),
    ("path,class\n\n\n,cat\n", 4, "it names no picture"),
    ("path,class,class\na.png,cat,dog\n", 1, "two columns are named 'class'"),
    ("a.png,cat\nb.png,dog\n", 1, "it names a picture, not the columns"),
    (
      "path,class,split\na.png,cat,train\nb.png,dog,tset\n", 3,
      "column 'split' has 'tset', expected train, val or test"
    ),
  ])
  func malformedLines(_ text: String, _ line: Int, _ why: String) throws {
    let error = try failure { try dataset(text) }
    #expect(error.code == .malformed)
    #expect(error.location.hasSuffix("labels.csv, line \(line)"), "\(error)")
    #expect(error.why == why)
  }

  @Test func whatIsNoTable() throws {
    #expect(try failure { try dataset("") }.why == "it is empty")
    #expect(try failure { try dataset([0xff, 0xfe, 0x70, 0]) }.why == "it is UTF-16")
    let latin = try failure { try dataset(Array("path,class\na.png,caf".utf8) + [0xe9, 0x0a]) }
    #expect(latin.why == "its text is not UTF-8" && latin.location.hasSuffix("line 2"))
    #expect(try failure { try dataset("path\na.png\n") }.what == "no labels")
    #expect(try failure { try dataset("path,class\n") }.what == "no pictures")
    #expect(
      try failure { try dataset("path,class\na.png,cat\nb.png,cat\n") }.why
        == "column 'class' is left out: all its values are 'cat'")
    var limits = ReadingLimits()
    limits.text = 20
    let tooLarge = try ReadingLimits.$scoped.withValue(limits) {
      try failure { try dataset("path,class\na.png,cat\nb.png,dog\n") }
    }
    #expect(tooLarge.code == .tooLarge)
  }

  @Test func columnsOfManyKinds() throws {
    let dataset = try dataset(
      """
      ,image,split,kind,tags,price,stars,code,nothing
      0,a.png,train,cat,red|big,1.5,1,01,
      1,b.png,TRAIN,dog,big,NA,2,02,
      2,c.png,test,cat,|,2e1,2,01,
      3,d.png,val,,,-3,1,02,
      4,e.png,,dog,red;red,4,1,02,
      """)
    #expect(
      dataset.tasks == [
        .init(name: "kind", kind: .classes, classNames: ["cat", "dog"]),
        .init(name: "tags", kind: .labels, classNames: ["big", "red"]),
        .init(name: "price", kind: .number, classNames: []),
        .init(name: "stars", kind: .classes, classNames: ["1", "2"]),
        .init(name: "code", kind: .classes, classNames: ["01", "02"]),
      ])
    #expect(dataset.examples.map(\.part) == [.training, .training, .test, .validation, nil])
    #expect(
      dataset.examples.map { $0.targets[1] } == [
        .labels([0, 1]), .labels([0]), .labels([]), .missing, .labels([1]),
      ])
    #expect(
      dataset.examples.map { $0.targets[2] } == [
        .number(1.5), .missing, .number(20), .number(-3), .number(4),
      ])
    #expect(dataset.examples[3].targets[0] == .missing)
    #expect(dataset.warnings.contains("column 'nothing' is left out: it has no values"))
    #expect(dataset.warnings.contains("1 column without a name left out"))
  }

  @Test func chosenTasks() throws {
    let text = "path,a,b,c:number\na.png,1,x|y,1\nb.png,2,z,2\nc.png,1,x,1\nd.png,2,z,3\n"
    let dataset = try dataset(text, tasks: ["b:class", "a:number", "c:number"])
    #expect(dataset.tasks.map(\.name) == ["b", "a", "c:number"])
    #expect(dataset.tasks.map(\.kind) == [.classes, .number, .number])
    #expect(dataset.tasks[0].classNames == ["x", "x|y", "z"])
    #expect(dataset.examples[3].targets == [.classIndex(2), .number(2), .number(3)])
    for (tasks, code) in [
      (["d"], ZooError.Code.invalidArgument), (["path"], .invalidArgument),
      (["a", "a:number"], .invalidArgument),
      (["b:number"], .malformed), (["a:words"], .invalidArgument),
    ] {
      #expect(try failure { try self.dataset(text, tasks: tasks) }.code == code, "\(tasks)")
    }
    let constant = try failure { try self.dataset("path,a,b\na.png,1,2\nb.png,1,3\n", tasks: ["a"]) }
    #expect(constant.what == "nothing to learn")
    try withFolder { folder in
      try folder.fill(["x/1.png", "y/1.png"])
      #expect(
        try failure { try ImageDataset(path: folder.path, options: .init(tasks: ["x"])) }.code
          == .invalidArgument)
    }
  }

  @Test func aPictureTwice() throws {
    let same = try dataset("path,class\na.png,cat\n./in/../a.png,cat\nb.png,dog\n")
    #expect(same.examples.map(\.name) == ["a.png", "b.png"])
    #expect(same.warnings == ["1 line repeats a picture and is ignored"])
    let other = try failure { try dataset("path,class\na.png,cat\nb.png,dog\na.png,dog\n") }
    #expect(other.code == .ambiguous && other.why == "'a.png' has other values in line 4 than in line 2")
    let parts = try failure {
      try dataset("path,class,split\na.png,cat,train\nb.png,dog,train\na.png,cat,test\n")
    }
    #expect(parts.code == .ambiguous)
  }

  @Test func picturesThatAreNotThere() throws {
    let some = try dataset("path,class\na.png,cat\nx\u{2028}y.png,cat\nb.png,dog\ntext.png,dog\n")
    #expect(some.examples.count == 2)
    #expect(
      some.warnings == [
        "1 file is no picture and is left out: 'text.png'",
        "1 picture is not there and is left out: 'x y.png'",
      ])
    let all = try failure { try dataset("path,class\nx.png,cat\ny.png,dog\n") }
    #expect(all.what == "no pictures")
    #expect(
      all.why
        == "there is no picture that can be read; 2 pictures are not there and are left out: 'x.png' and 'y.png'"
    )
  }

  @Test func picturesElsewhere() throws {
    let dataset = try dataset("path,class\na.png,cat\n../out.png,dog\n")
    #expect(dataset.examples.map(\.name) == ["a.png", "../out.png"])
    #expect(dataset.warnings == ["1 picture lies outside the data's folder"])
    try withFolder { folder in
      try folder.fill(["a.png", "b.png"])
      let text = "path,class\n\(folder.path)/a.png,cat\nb.png,dog\n"
      try folder.fill(["labels.csv"], with: Array(text.utf8))
      let dataset = try ImageDataset(path: folder.path + "/labels.csv")
      #expect(dataset.examples.map(\.name) == ["a.png", "b.png"] && dataset.warnings.isEmpty)
    }
  }

  @Test func textsThatAreNoLabels() throws {
    let long = String(repeating: "very ", count: 200)
    let error = try failure { try dataset("path,class\na.png,\(long)\nb.png,dog\n") }
    #expect(error.what == "no label" && error.location.hasSuffix("line 2"))
    let names = try dataset("path,class\na.png,\"cat\nwarning: x\"\nb.png,/etc/passwd\n")
    #expect(names.tasks[0].classNames == ["/etc/passwd", "cat warning: x"])
    let captions = (0..<25).map {
      "in/../\("abcdefgh".map(String.init)[$0 % 8]).png,\($0 % 8 % 2 == 0 ? "x" : "y"),t\($0 % 8)\n"
    }
    let few = try dataset("path,class,caption\n" + captions.joined())
    #expect(few.tasks.map(\.name) == ["class", "caption"])
  }

  @Test func whatTellsPicturesApartIsNoClass() {
    let values = (0..<30).map { "picture \($0)" }
    #expect(TaskColumn(name: "id", values: values, kind: nil).isIdentity)
    #expect(!TaskColumn(name: "id", values: values + ["picture 3"], kind: nil).isIdentity)
    #expect(!TaskColumn(name: "id", values: Array(values.prefix(20)), kind: nil).isIdentity)
  }

  @Test func numbersAndClasses() {
    func kind(_ values: [String]) -> ImageDataset.Task.Kind {
      TaskColumn(name: "x", values: values, kind: nil).kind
    }
    #expect(kind(["0", "1", "1", "0"]) == .classes)
    #expect(kind(["0", "1", "2", "3"]) == .number)
    #expect(kind(["0.0", "1.0", "1.0", "0.0"]) == .number)
    #expect(kind((0..<100).map { "\($0 % 20)" }) == .classes)
    #expect(kind((0..<100).map { "\($0 % 21)" }) == .number)
    #expect(kind(["1", "nan", "", "2.5"]) == .number)
    #expect(kind(["1", "two"]) == .classes)
    #expect(kind(["0x10", "inf"]) == .classes)
    #expect(kind(["1e400", "1"]) == .classes)
  }
}
