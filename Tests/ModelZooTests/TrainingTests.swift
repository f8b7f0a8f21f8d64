import Foundation
import ModelZooTools
import Testing
import ZooSystem
import ZooTensor
import ZooTestSupport

/// Heads on the features of the network for digits, which has never seen a letter.
@Suite("training") struct TrainingTests {
  /// The network for digits, converted once.
  static let digits = Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-digits-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let path = folder.appending(path: "digits.zoo").path
    var options = Converter.Options()
    options.recipe.preprocessing = .tf
    _ = try Converter(options: options).convert(fixture("digits/digits.h5"), to: path)
    return path
  }

  private static func options(threads: Int = 2) -> HeadTrainer.Options {
    var options = HeadTrainer.Options()
    options.layers = ["conv_pw_6_relu"]
    options.threads = threads
    options.overwrite = true
    return options
  }

  private func train(
    _ data: String, to output: String, _ options: HeadTrainer.Options = options()
  ) throws -> TrainingReport {
    try HeadTrainer(backbone: Self.digits.get(), options: options)
      .train(on: ImageDataset(path: data), named: "letters", to: output)
  }

  /// The bytes of each tensor of a file by its name.
  private func tensors(_ path: String) throws -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: try ModelSummary(path: path).tensors.map { ($0.name, $0.checksum ?? "") })
  }

  @Test func aFolderBecomesAModel() throws {
    try withFolder { folder in
      let output = folder.appending(path: "letters.zoo").path
      let report = try train(Letters.folder.path, to: output)
      let task = try #require(report.tasks.first)
      let measured = try #require(task.measured)
      let accuracy = try #require(measured.accuracy)
      // Guessing gives 1/14; with few pictures cross-validation measures.
      #expect(accuracy.low > 0.5 && accuracy.high < 1, "\(accuracy)")
      #expect(report.split.text.contains("5-fold cross-validation"))
      #expect(measured.pictures == 168 && task.counts == [Int](repeating: 12, count: 14))
      #expect(measured.confusion?.joined().reduce(0, +) == 168)
      #expect(report.verification.passed)

      let model = try Model(path: output)
      #expect(model.labels == Letters.classes)
      let classifier = try Classifier(model: model)
      var right = 0
      for letter in Letters.classes {
        let picture = try Picture(path: Letters.folder.appending(path: "\(letter)/\(letter)-0.bmp").path)
        right += try classifier.classify(picture, top: 1)[0].label == letter ? 1 : 0
      }
      #expect(right > 10)
      let record = try #require(model.training)
      #expect(record.layers == ["conv_pw_6_relu"] && record.pictureCount == 168)
      #expect(record.results["accuracy"] == accuracy.value)
      #expect(try Model.verify(output).passed)
    }
  }

  /// Frozen means that no weight and no statistic changes, whatever is trained behind them.
  @Test func theBackboneStaysAsItIs() throws {
    try withFolder { folder in
      let output = folder.appending(path: "letters.zoo").path
      _ = try train(Letters.folder.path, to: output)
      let (before, after) = (try tensors(Self.digits.get()), try tensors(output))
      let own = after.keys.filter { !$0.hasPrefix("predictions/") }
      #expect(own.count > 40)
      for name in own { #expect(after[name] == before[name], "\(name)") }
      #expect(after["predictions/kernel"] != before["predictions/kernel"])
    }
  }

  /// The same file for any number of threads, with and without a cache, and after an interruption.
  @Test func theFileDependsOnTheDataAlone() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "X", "T"], to: data)
      func bytes(_ change: (inout HeadTrainer.Options) -> Void) throws -> (Foundation.Data, TrainingReport) {
        let output = folder.appending(path: "out.zoo").path
        var options = Self.options()
        options.views = 3
        change(&options)
        let report = try train(data.path, to: output, options)
        return (try Data(contentsOf: URL(filePath: output)), report)
      }
      let cache = folder.appending(path: "cache").path
      let (first, _) = try bytes { $0.threads = 1 }
      let (second, report) = try bytes { $0.cacheFolder = cache }
      #expect(report.features.computed == 3 * 36)
      // As if the first run had been stopped midway: records are missing at the end.
      for name in try FileManager.default.contentsOfDirectory(atPath: cache) {
        let path = URL(filePath: cache).appending(path: name)
        let whole = try Data(contentsOf: path)
        try whole.prefix(whole.count / 2).write(to: path)
      }
      let (third, later) = try bytes { $0.cacheFolder = cache }
      #expect(later.features.computed > 0 && later.features.cached > 0)
      let (fourth, last) = try bytes { $0.cacheFolder = cache }
      #expect(last.features.computed == 0)
      #expect(first == second && second == third && third == fourth)
      #expect(try bytes { $0.seed = 1 }.0 != first)
    }
  }

  /// Views are flipped only where a flipped picture is one of the same class, in training and in evaluation.
  @Test(arguments: [(["A", "H", "T", "V", "X", "Y"], true), (["C", "E", "F", "K", "L", "N"], false)])
  func flippedLettersAreOthers(_ letters: [String], _ areSymmetric: Bool) throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(letters, to: data)
      let output = folder.appending(path: "out.zoo").path
      func train(_ flips: HeadTrainer.Flips, views: Int = 3) throws -> (TrainingReport, Foundation.Data) {
        var options = Self.options()
        options.views = views
        options.flips = flips
        let report = try self.train(data.path, to: output, options)
        return (report, try Data(contentsOf: URL(filePath: output)))
      }
      let (always, flipped) = try train(.always)
      let (never, unflipped) = try train(.never)
      #expect(always.flips == nil && never.flips == nil && flipped != unflipped)
      #expect(try train(.automatic, views: 1).0.flips == nil)
      let (report, own) = try train(.automatic)
      let flips = try #require(report.flips)
      #expect(flips.areUsed == areSymmetric && flips.pictures == 72, "\(flips)")
      #expect(areSymmetric || flips.flippedLoss > 2 * flips.loss)
      #expect(own == (areSymmetric ? flipped : unflipped))
      #expect(try Model(path: output).training?.settings["flips"] == (areSymmetric ? nil : "none"))
      func loss(_ flips: HeadTrainer.Flips) throws -> Double? {
        var options = Evaluation.Options()
        options.views = 4
        options.flips = flips
        return try Evaluation(model: output, on: ImageDataset(path: data.path), options: options)
          .tasks.first?.measured.logLoss
      }
      #expect(try loss(.automatic) == loss(areSymmetric ? .always : .never))
      #expect(try loss(.always) != loss(.never))
    }
  }

  /// Folders are sorted as text, and outputs are named: `10` is `10`, wherever it stands.
  @Test func classesAreKnownByName() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "L", "X"], to: data)
      for (letter, name) in [("A", "2"), ("L", "10"), ("X", "a b")] {
        try FileManager.default.moveItem(at: data.appending(path: letter), to: data.appending(path: name))
      }
      let output = folder.appending(path: "out.zoo").path
      _ = try train(data.path, to: output)
      let model = try Model(path: output)
      #expect(Set(model.labels) == ["2", "10", "a b"])
      let classifier = try Classifier(model: model)
      let picture = try Picture(path: data.appending(path: "10/L-0.bmp").path)
      #expect(try classifier.classify(picture, top: 1)[0].label == "10")
      // Evaluating a part of the classes, in whatever order, finds them by name.
      try FileManager.default.removeItem(at: data.appending(path: "2"))
      let evaluation = try Evaluation(model: output, on: ImageDataset(path: data.path))
      let accuracy = try #require(evaluation.tasks.first?.measured.accuracy)
      #expect(accuracy.value > 0.8)
      try Letters.copy(["N"], to: data)
      let error = #expect(throws: ZooError.self) {
        try Evaluation(model: output, on: ImageDataset(path: data.path))
      }
      #expect(error?.code == .doesNotFit && error?.why.contains("'N'") == true)
    }
  }

  @Test func picturesThatCannotBeReadAreNamed() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "X"], to: data)
      // Recognised as a picture, and broken behind that.
      try Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]).write(
        to: data.appending(path: "A/broken.png"))
      let report = try train(data.path, to: folder.appending(path: "out.zoo").path)
      #expect(report.data.unreadable.map(\.picture) == ["A/broken.png"])
      #expect(report.data.pictures == 24)
    }
  }

  /// A copy of a picture in another class is named, and copies stay on one side of every split.
  @Test func copiesWithOtherLabelsAreNamed() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "X"], to: data)
      try FileManager.default.copyItem(
        at: data.appending(path: "A/A-0.bmp"), to: data.appending(path: "X/copy.bmp"))
      let report = try train(data.path, to: folder.appending(path: "out.zoo").path)
      #expect(report.data.exactDuplicates >= 1)
      #expect(report.warnings.contains { $0.contains("A/A-0.bmp") && $0.contains("X/copy.bmp") })
    }
  }

  /// Pictures that the data set apart are never trained on, and those of the test part are only measured.
  @Test func partsOfTheDataAreKept() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      for (part, letters) in [("train", ["A", "X"]), ("val", ["A", "X"]), ("test", ["A", "X"])] {
        try Letters.copy(letters, to: data.appending(path: part))
      }
      let report = try train(data.path, to: folder.appending(path: "out.zoo").path)
      #expect(report.split.training == 24 && report.split.validation == 24 && report.split.test == 24)
      #expect(report.tasks[0].trained == 24 && report.tasks[0].tested?.pictures == 24)
    }
  }

  @Test func severalTasksShareABackbone() throws {
    try withFolder { folder in
      var lines = ["picture,letter,strokes,size"]
      for (letter, strokes, size) in [
        ("A", "slanted|flat", 3), ("E", "flat|upright", 4), ("X", "slanted", 2),
      ] {
        for number in 0..<Letters.count {
          let path = Letters.folder.appending(path: "\(letter)/\(letter)-\(number).bmp").path
          let size = number == 0 ? "" : "\(Double(size) + Double(number) / 100)"
          lines.append("\(path),\(letter),\(strokes),\(size)")
        }
      }
      let data = folder.appending(path: "letters.csv")
      try Data(lines.joined(separator: "\n").utf8).write(to: data)
      let output = folder.appending(path: "out.zoo").path
      let report = try train(data.path, to: output)
      #expect(report.tasks.map(\.kind) == ["classes", "labels", "number"])
      #expect(report.tasks.map(\.trained) == [36, 36, 33])
      let predictor = try TaskPredictor(model: Model(path: output))
      let picture = try Picture(path: Letters.folder.appending(path: "X/X-3.bmp").path)
      let answers = try predictor.predict([picture])[0]
      #expect(answers[0].classes.first?.label == "X")
      #expect(answers[1].classes.first?.label == "slanted")
      let number = try #require(answers[2].number)
      #expect(abs(number - 2) < 1)
      #expect(try Model.verify(output).passed)
      let evaluation = try Evaluation(model: output, on: ImageDataset(path: data.path))
      #expect(evaluation.tasks.count == 3)
    }
  }

  @Test func badRequestsAreRefused() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "X"], pictures: 4, to: data)
      let output = folder.appending(path: "out.zoo").path
      var options = Self.options()
      options.layers = ["conv_pw_99"]
      let unknown = #expect(throws: ZooError.self) { try train(data.path, to: output, options) }
      #expect(unknown?.code == .unknownLayer)
      let weights = #expect(throws: ZooError.self) {
        try HeadTrainer(backbone: fixture("digits/digits.h5"))
      }
      #expect(weights?.code == .unsupported && weights?.remedy?.contains("zoo convert") == true)
      try Data("kept".utf8).write(to: URL(filePath: output))
      options = Self.options()
      options.overwrite = false
      let exists = #expect(throws: ZooError.self) { try train(data.path, to: output, options) }
      #expect(exists?.code == .cannotCreate)
      #expect(try Data(contentsOf: URL(filePath: output)) == Data("kept".utf8))
    }
  }
}
