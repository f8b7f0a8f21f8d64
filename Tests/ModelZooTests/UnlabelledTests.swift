import Foundation
import ModelZooTools
import Testing
import ZooSystem
import ZooTestSupport

/// Pictures without labels: those like one, groups, and whitened features, by the network for digits.
@Suite("pictures without labels") struct UnlabelledTests {
  /// The network for digits, converted once.
  private static let digits = Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-unlabelled-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let path = folder.appending(path: "digits.zoo").path
    var options = Converter.Options()
    options.recipe.preprocessing = .tf
    _ = try Converter(options: options).convert(fixture("digits/digits.h5"), to: path)
    return path
  }

  /// Features of all letters, computed once.
  private static let letters = Result { try features([Letters.folder.path]) }

  private static func options(_ layer: String = "conv_pw_6_relu") -> PictureFeatures.Options {
    var options = PictureFeatures.Options()
    options.layers = [layer]
    options.threads = 2
    return options
  }

  private static func features(
    _ paths: [String], _ options: PictureFeatures.Options = options()
  ) throws -> PictureFeatures {
    try PictureFeatures(of: paths, backbone: digits.get(), options: options)
  }

  private func letter(_ name: String) -> String {
    Letters.folder.appending(path: "\(name.prefix(1))/\(name).bmp").path
  }

  // MARK: Similar pictures

  /// The search against the cosines of all pictures, computed here in double precision.
  @Test func theMostSimilarPicturesAreFound() throws {
    let all = try Self.letters.get()
    let query = try Self.features([letter("X-3"), letter("L-0")])
    let index = PictureIndex(all)
    let found = try index.matches(for: query, top: 20, threads: 2)
    #expect(found.count == 2 && found.allSatisfy { $0.count == 20 })
    for (place, own) in ["X-3", "L-0"].enumerated() {
      let row = query.matrix[row: place].map(Double.init)
      let cosines = (0..<all.paths.count).map { other -> (Double, String) in
        let values = all.matrix[row: other].map(Double.init)
        func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        return (
          product(row, values) / (product(row, row) * product(values, values)).squareRoot(), all.paths[other]
        )
      }.sorted { $0.0 > $1.0 }
      for (match, expected) in zip(found[place], cosines) {
        #expect(abs(match.similarity - expected.0) < 1e-6)
      }
      #expect(found[place][0].path == letter(own) && abs(found[place][0].similarity - 1) < 1e-6)
      let without = try index.matches(for: query, top: 20, leavingOut: { $0 == letter(own) })[place]
      #expect(without.count == 20 && without.first == found[place][1])
    }
    // What is most like a letter besides itself is often that letter; by chance one in 14 is.
    let closest = try index.matches(for: all, top: 2, threads: 2)
    let same = zip(all.paths, closest).count { path, matches in
      matches.first { $0.path != path }?.path.split(separator: "/").last?.first
        == path.split(separator: "/").last?.first
    }
    #expect(same > all.paths.count / 4, "\(same) of \(all.paths.count)")
    let everything = try index.matches(for: query, top: 1000, leavingOut: { $0.contains("/A/") })
    #expect(everything.allSatisfy { $0.count == 13 * 12 })
  }

  @Test func theSameIsFoundForAnyNumberOfThreadsAndFromAFile() throws {
    try withFolder { folder in
      let index = PictureIndex(try Self.letters.get())
      let query = try Self.features([letter("T-1")])
      let path = folder.appending(path: "letters.zoofeatures").path
      try index.write(to: path)
      let opened = try PictureIndex(path: path)
      try opened.verify()
      #expect(opened.count == 168 && opened.width == index.width && opened.layers == ["conv_pw_6_relu"])
      #expect(PictureIndex.isIndex(path) && !PictureIndex.isIndex(letter("T-1")))
      let expected = try index.matches(for: query, top: 30, threads: 1)
      for threads in 1...3 {
        #expect(try index.matches(for: query, top: 30, threads: threads) == expected)
        #expect(try opened.matches(for: query, top: 30, threads: threads) == expected)
      }
      // The same pictures, the same file; an existing one is kept.
      let again = folder.appending(path: "again.zoofeatures").path
      try opened.write(to: again)
      #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: again)))
      let error = #expect(throws: ZooError.self) { try index.write(to: path) }
      #expect(error?.code == .cannotCreate)
    }
  }

  @Test func anIndexIsForItsModelAndLayer() throws {
    try withFolder { folder in
      let index = PictureIndex(try Self.letters.get())
      let other = try Self.features([letter("T-1")], Self.options("conv_pw_5_relu"))
      let layer = #expect(throws: ZooError.self) { try index.matches(for: other) }
      #expect(layer?.code == .doesNotFit && layer?.why.contains("conv_pw_5_relu") == true)
      var options = Self.options()
      options.fitting.resampling = .nearest
      let pixels = #expect(throws: ZooError.self) {
        try index.matches(for: Self.features([letter("T-1")], options))
      }
      #expect(pixels?.code == .doesNotFit && pixels?.why.contains("resized") == true)
      // An index states how its pictures were read.
      let path = folder.appending(path: "x.zoofeatures").path
      options.isUpright = true
      try PictureIndex(try Self.features([letter("T-1")], options)).write(to: path)
      let stated = try PictureIndex(path: path).options(from: Self.options("conv_pw_5_relu"))
      #expect(
        stated.layers == ["conv_pw_6_relu"] && stated.isUpright && stated.fitting.resampling == .nearest)
    }
  }

  /// Names with line ends and backslashes come back as they were.
  @Test func namesStayInTheirLines() throws {
    try withFolder { folder in
      let names = ["a\nb.bmp", "a\\nb.bmp", "\\", "ä\r\n.bmp"].map { folder.appending(path: $0).path }
      for (number, name) in names.enumerated() {
        try FileManager.default.copyItem(atPath: letter("A-\(number)"), toPath: name)
      }
      let features = try Self.features(names)
      let path = folder.appending(path: "x.zoofeatures").path
      try PictureIndex(features).write(to: path)
      let found = try PictureIndex(path: path).matches(for: features, top: 1)
      #expect(found.map { $0[0].path } == names)
    }
  }

  /// No byte of an index can be another one without an error, and no length leads out of the file.
  @Test func damagedIndicesAreRefused() throws {
    try withFolder { folder in
      let features = try Self.features((0..<5).map { letter("A-\($0)") })
      let path = folder.appending(path: "x.zoofeatures").path
      try PictureIndex(features).write(to: path)
      let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
      func open(_ bytes: [UInt8], search: Bool = true) throws {
        try Data(bytes).write(to: URL(filePath: path))
        let index = try PictureIndex(path: path)
        if search { _ = try index.matches(for: features, top: 5) }
      }
      try open(whole)
      let start = whole.count - 5 * features.width * 4
      let used = (whole[..<start].lastIndex { $0 != 0 } ?? 0) + 1
      for place in Array(0..<used) + Array(stride(from: start, to: whole.count, by: 97)) {
        var bytes = whole
        bytes[place] ^= 0x41
        let error = #expect(throws: ZooError.self, "byte \(place)") { try open(bytes) }
        #expect([.damaged, .malformed].contains(error?.code), "byte \(place): \(String(describing: error))")
      }
      for length in [0, 7, 8, 63, 64, 100, start, whole.count - 1] {
        #expect(throws: ZooError.self, "\(length) bytes") { try open(Array(whole[..<length])) }
      }
      #expect(throws: ZooError.self) { try open(whole + [0]) }
      // Lengths that don't fit, under a checksum that does.
      for (field, value) in [
        (1, 0), (1, 6), (1, 1 << 40), (1, .max), (2, 0), (2, 1 << 30), (3, 1 << 50), (4, .max), (4, 1 << 20),
        (5, 1), (5, .max),
      ] as [(Int, UInt64)] {
        var bytes = whole
        withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(field * 8..<field * 8 + 8, with: $0) }
        let sum = XXH3Hasher.hash(Array(bytes[..<56])).low
        withUnsafeBytes(of: sum.littleEndian) { bytes.replaceSubrange(56..<64, with: $0) }
        let error = #expect(throws: ZooError.self, "\(field): \(value)") { try open(bytes, search: false) }
        #expect(error?.code == .malformed || error?.code == .damaged, "\(field): \(value)")
      }
    }
  }

  @Test func pagesShowWhatWasFound() throws {
    try withFolder { folder in
      let index = PictureIndex(try Self.letters.get())
      let matches = try index.matches(for: Self.features([letter("T-1")]), top: 4)[0]
      let path = folder.appending(path: "like.html").path
      try PictureIndex.writePage(of: matches, like: letter("T-1"), to: path)
      let page = try String(contentsOfFile: path, encoding: .utf8)
      #expect(page.components(separatedBy: "data:image/jpeg").count == 6)
      for match in matches { #expect(page.contains(match.path)) }
      let exists = #expect(throws: ZooError.self) {
        try PictureIndex.writePage(of: matches, like: letter("T-1"), to: path)
      }
      #expect(exists?.code == .cannotCreate)
    }
  }

  // MARK: Groups

  @Test func groupsAreFoundAndDescribed() throws {
    let paths = ["A", "L", "X"].map { Letters.folder.appending(path: $0).path }
    let features = try Self.features(paths)
    let sorted = try PictureGroups(features, number: .exactly(3), threads: 1)
    #expect(sorted.groups.reduce(0) { $0 + $1.pictures.count } == 36)
    #expect(Set(sorted.groups.flatMap(\.pictures)) == Set(features.paths))
    #expect(sorted.folders == ["A", "L", "X"])
    let agreement = try #require(sorted.agreement)
    #expect(agreement > 0.1, "\(sorted.groups)")
    for group in sorted.groups {
      let own = group.pictures.count { $0.contains("/\(group.folder ?? "?")/") }
      #expect(group.share == Double(own) / Double(group.pictures.count))
    }
    #expect(sorted.groups.map(\.pictures.count) == sorted.groups.map(\.pictures.count).sorted(by: >))
    #expect((sorted.silhouette ?? 0) > 0.1)
    // Threads change nothing.
    let again = try PictureGroups(features, number: .exactly(3), threads: 3)
    #expect(again.groups.map(\.pictures) == sorted.groups.map(\.pictures))
    #expect(again.silhouette == sorted.silhouette)
    // The number that is best apart is among those that were tried.
    let automatic = try PictureGroups(features, threads: 2)
    #expect(automatic.trials.map(\.groups) == Array(2...12))
    #expect(automatic.silhouette == automatic.trials.map(\.silhouette).max())
  }

  @Test func groupsCanBeCopiedAndShown() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "X"], pictures: 4, to: data)
      try FileManager.default.copyItem(
        at: data.appending(path: "A/A-0.bmp"), to: data.appending(path: "X/A-0.bmp"))
      let sorted = try PictureGroups(Self.features([data.path]), number: .exactly(1))
      #expect(sorted.silhouette == nil)
      let copies = folder.appending(path: "sorted")
      try sorted.copy(to: copies.path)
      let names = try FileManager.default.contentsOfDirectory(atPath: copies.appending(path: "group-1").path)
      let expected = ["A-0-2.bmp"] + ["A", "X"].flatMap { letter in (0..<4).map { "\(letter)-\($0).bmp" } }
      #expect(Set(names) == Set(expected))
      // The pictures stay where they are, and a second copy replaces nothing.
      #expect(try FileManager.default.contentsOfDirectory(atPath: data.appending(path: "X").path).count == 5)
      let error = #expect(throws: ZooError.self) { try sorted.copy(to: copies.path) }
      #expect(error?.code == .cannotCreate)
      let page = folder.appending(path: "map.html").path
      try PictureGroups(Self.features([data.path]), number: .exactly(2))
        .writePage(to: page, title: "<letters>")
      let text = try String(contentsOfFile: page, encoding: .utf8)
      #expect(text.contains("&lt;letters&gt;") && !text.contains("<letters>"))
      #expect(text.components(separatedBy: "<figure><img id=\"p").count == 10)
      // Each picture is a point of both maps, by group and by folder.
      #expect(text.components(separatedBy: "data-key=\"p0\"").count == 3)
    }
  }

  @Test func whatCannotBeSortedIsRefused() throws {
    try withFolder { folder in
      let one = try Self.features([letter("A-0")])
      #expect(throws: ZooError.self) { try PictureGroups(one) }
      #expect(throws: ZooError.self) { try PictureGroups(one, number: .exactly(2)) }
      let names = (0..<3).map { folder.appending(path: "\($0).bmp").path }
      for name in names { try FileManager.default.copyItem(atPath: letter("A-0"), toPath: name) }
      let error = #expect(throws: ZooError.self) { try PictureGroups(Self.features(names)) }
      #expect(error?.code == .unsuitable, "\(String(describing: error))")
    }
  }

  // MARK: Whitening

  @Test func featuresAreWhitened() throws {
    try withFolder { folder in
      let output = folder.appending(path: "white.zoo").path
      let whitener = try FeatureWhitener(backbone: Self.digits.get(), components: 20, options: Self.options())
      let report = try whitener.whiten([Letters.folder.path], named: "letters", to: output)
      #expect(report.pictures == 168 && report.components == 20 && report.verification.passed)
      #expect(report.explained > 0.5 && report.explained < 1)
      let record = try #require(try Model(path: output).training)
      #expect(record.endsInFeatures && record.layers == ["conv_pw_6_relu"] && record.pictureCount == 168)
      #expect(try Model.verify(output).passed)
      // The outputs on the same pictures have the mean 0, the variance 1 and no correlation.
      let features = try PictureFeatures(of: [Letters.folder.path], backbone: output)
      #expect(features.width == 20 && features.layers == ["whitened"])
      for a in 0..<20 {
        let mean = (0..<168).reduce(0) { $0 + Double(features.matrix.values[$1 * 20 + a]) } / 168
        #expect(abs(mean) < 1e-3, "mean of \(a)")
        for b in 0...a {
          let product = (0..<168).reduce(0) {
            $0 + Double(features.matrix.values[$1 * 20 + a]) * Double(features.matrix.values[$1 * 20 + b])
          }
          #expect(abs(product / 167 - (a == b ? 1 : 0)) < 1e-2, "\(a) and \(b): \(product / 167)")
        }
      }
      // A head that is trained on the file reads them.
      var options = HeadTrainer.Options()
      options.threads = 2
      let trained = try HeadTrainer(backbone: output, options: options).train(
        on: ImageDataset(path: Letters.folder.path), named: "letters",
        to: folder.appending(path: "letters.zoo").path)
      #expect(trained.features.layers == ["whitened"] && trained.features.width == 20)
      #expect((trained.tasks[0].measured?.accuracy?.low ?? 0) > 0.3)
      // A quarter of the pictures where nothing is asked for; an existing file is kept.
      let some = (0..<12).map { letter("A-\($0)") }
      let few = try FeatureWhitener(backbone: Self.digits.get(), options: Self.options())
        .whiten(some, to: folder.appending(path: "few.zoo").path)
      #expect(few.components == 3)
      let error = #expect(throws: ZooError.self) { try whitener.whiten(some, to: output) }
      #expect(error?.code == .cannotCreate)
      let single = #expect(throws: ZooError.self) {
        try whitener.whiten([letter("A-0")], to: folder.appending(path: "x.zoo").path)
      }
      #expect(single?.code == .unsuitable)
    }
  }
}
