import Foundation
import ModelZooTools
import Testing
import ZooReports
import ZooTestSupport

/// The web pages of trainings and evaluations.
@Suite("training pages") struct TrainingPageTests {
  private static let hostile = "<img src=x onerror=\"alert(1)\">&amp;"

  private func train(
    _ dataset: ImageDataset, to output: String, _ change: (inout HeadTrainer.Options) -> Void = { _ in }
  ) throws -> TrainingReport {
    var options = HeadTrainer.Options()
    options.layers = ["conv_pw_6_relu"]
    options.threads = 2
    change(&options)
    return try HeadTrainer(backbone: TrainingTests.digits.get(), options: options)
      .train(on: dataset, named: "some <letters>", to: output)
  }

  private func count(_ part: String, in text: String) -> Int { text.components(separatedBy: part).count - 1 }

  /// The text of a page's section.
  private func section(_ id: String, of html: String) throws -> String {
    let start = try #require(html.range(of: "<section id=\"\(id)\">"), "no section \(id)")
    let end = try #require(html.range(of: "</section>", range: start.upperBound..<html.endIndex))
    return String(html[start.upperBound..<end.lowerBound])
  }

  /// Names are shown and are no markup; every part is there; the errors are those that the measures count.
  @Test func aClassificationHasAllParts() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "H", "N", "X", "K"], to: data)
      try FileManager.default.moveItem(
        at: data.appending(path: "A"), to: data.appending(path: Self.hostile))
      // The same picture with another label.
      try FileManager.default.copyItem(
        at: data.appending(path: "X/X-0.bmp"), to: data.appending(path: "K/x-again.bmp"))
      try Data(contentsOf: data.appending(path: "K/K-0.bmp")).prefix(60)
        .write(to: data.appending(path: "K/broken.bmp"))
      let report = try train(
        ImageDataset(path: data.path), to: folder.appending(path: "m.zoo").path
      ) { $0.views = 3 }
      let html = try report.page(arguments: ["zoo", "train", "it's", "--views", "3"]).html
      #expect(!html.contains("<img src=x") && !html.contains("onerror=\"alert"))
      #expect(html.contains("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;amp;"))
      #expect(html.contains("some &lt;letters&gt;") && html.contains("default-src 'none'"))

      let result = try section("result", of: html)
      let measured = try #require(report.tasks.first?.measured)
      let accuracy = try #require(measured.accuracy)
      #expect(result.contains("guessing the largest class") && result.contains("5-fold cross-validation"))
      #expect(result.contains("equal pictures with different labels"))

      let shown = try section("data", of: html)
      // 5 classes of 4 pictures, 4 with 3 views, and 2 for each pair of copies.
      let pairs = min(12, report.data.exactDuplicates + report.data.nearDuplicates)
      #expect(count("src=\"data:image/jpeg;base64,", in: shown) == 5 * 4 + 4 * 3 + pairs * 2)
      #expect(shown.contains("different labels</span> <b>K</b> and <b>X</b>, equal"))
      #expect(shown.contains("broken.bmp") && shown.contains("class=\"seen pixels\""))

      let errors = try section("errors", of: html)
      let wrong = measured.pictures - Int((accuracy.value * Double(measured.pictures)).rounded())
      #expect(wrong > 0 && count("<figure>", in: errors) == min(24, wrong))
      #expect(count(" taken for <b>", in: errors) == min(24, wrong))
      #expect(count("<tr>", in: try section("classes", of: html)) == 6)
      #expect(try section("penalty", of: html).contains("class=\"lines l0\""))
      #expect(try section("reliability", of: html).contains("expected calibration error"))
      #expect(try section("confusion", of: html).contains("class=\"heat\""))
      #expect(
        try section("how", of: html).contains("its weights and statistics are in the file as they were"))

      let again = try section("repeat", of: html)
      #expect(again.contains("<pre>zoo train &#39;it&#39;\\&#39;&#39;s&#39; --views 3</pre>"))
      for hash in [report.hashes.backbone, report.hashes.data, report.hashes.output] {
        #expect(hash.count == 64 && again.contains(hash))
      }
      #expect(try ModelSummary(path: report.output).content == report.hashes.output)

      // What is gone is left out.
      try FileManager.default.removeItem(at: data)
      let bare = try report.page(arguments: []).html
      #expect(!bare.contains("data:image/jpeg") && bare.contains("To repeat it") && !bare.contains("<pre>"))
    }
  }

  /// The page says which head was trained.
  @Test func otherHeadsAreNamed() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "H"], to: data)
      let report = try train(
        ImageDataset(path: data.path), to: folder.appending(path: "m.zoo").path
      ) { $0.head = .multilayer(units: 4) }
      let html = try report.page(arguments: []).html
      let epochs = try #require(report.tasks[0].epochs)
      let how = try section("how", of: html)
      #expect(how.contains("multilayer, 4 hidden units") && how.contains(" for \(epochs) epochs"))
      #expect(!html.contains("id=\"penalty\""))
    }
  }

  /// A section for each task: classes, labels and a number.
  @Test func severalTasksHaveASectionEach() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "H", "X"], to: data)
      var table = "path,letter,tags,size\n"
      for (letter, tags, size) in [
        ("A", "closed|pointed", 1.5), ("H", "straight", 2.25), ("X", "pointed", 4.5),
      ] {
        for number in 0..<Letters.count {
          table += "data/\(letter)/\(letter)-\(number).bmp,\(letter),\(tags),\(size + Double(number) / 16)\n"
        }
      }
      let csv = folder.appending(path: "letters.csv")
      try Data(table.utf8).write(to: csv)
      let dataset = try ImageDataset(path: csv.path)
      let output = folder.appending(path: "m.zoo").path
      let report = try train(dataset, to: output)
      let html = try report.page(arguments: []).html
      #expect(try section("task-1", of: html).contains("class=\"heat\""))
      let labels = try section("task-2", of: html)
      #expect(labels.contains("Task: tags") && labels.contains("Average precision of each label"))
      #expect(labels.contains("straight 1.000") || labels.contains("straight 0."))
      let numbers = try section("task-3", of: html)
      #expect(numbers.contains("Predicted and true") && count("<circle class=\"s0\"", in: numbers) >= 36)
      #expect(count("<figure>", in: numbers) >= 24)
      #expect(try section("data", of: html).contains("Distribution of the true numbers, size"))
      #expect(try section("result", of: html).contains("always the median"))

      let evaluation = try Evaluation(model: output, on: dataset, named: "letters.csv")
      let page = try evaluation.page(arguments: ["zoo", "evaluate"]).html
      #expect(try section("task-3", of: page).contains("Predicted and true"))
      #expect(try section("repeat", of: page).contains(report.hashes.output))
      #expect(evaluation.modelContent == report.hashes.output && evaluation.peakBytes > 1 << 20)
    }
  }
}
