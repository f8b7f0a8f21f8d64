import Foundation
import ModelZooTools
import Testing
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

/// Comparing backbones, adapting batch norms, joining models and heads of other kinds, on letters.
@Suite("choosing, adapting, joining") struct ChoosingTests {
  private static func options(_ head: HeadTrainer.HeadKind = .linear) -> HeadTrainer.Options {
    var options = HeadTrainer.Options()
    options.layers = ["conv_pw_6_relu"]
    options.threads = 2
    options.overwrite = true
    options.head = head
    return options
  }

  private func train(
    _ data: String, to output: String, _ options: HeadTrainer.Options = options()
  ) throws -> TrainingReport {
    try HeadTrainer(backbone: TrainingTests.digits.get(), options: options)
      .train(on: ImageDataset(path: data), named: "letters", to: output)
  }

  private func values(_ path: String, _ name: String) throws -> [Double] {
    let file = try ZooFile(path: path)
    let record = try #require(file.tensors.first { $0.name == name })
    return try file.tensor(for: record.slot).doubles()
  }

  // MARK: Choosing

  @Test func theFastestOfEquallyGoodLayersIsRecommended() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "E", "F", "X", "Y"], to: data)
      var options = BackboneChooser.Options()
      options.threads = 2
      let choice = try BackboneChooser(backbones: [TrainingTests.digits.get()], options: options)
        .choose(for: ImageDataset(path: data.path), named: "letters")
      #expect(choice.pictures == 60 && choice.classes == 5 && choice.folds == 5)
      #expect(choice.candidates.count >= 3 && choice.candidates.count { $0.isTop } == 1)
      let shares = choice.candidates.map(\.accuracy.value)
      #expect(shares == shares.sorted(by: >))
      #expect(choice.candidates[0].comparison == nil)
      let recommended = try #require(choice.recommended)
      #expect(choice.candidates.count { $0.isRecommended } == 1 && recommended.isWithinNoise)
      for other in choice.candidates where other.isWithinNoise {
        #expect(other.millisecondsPerPicture >= recommended.millisecondsPerPicture)
      }
      #expect(choice.reason.hasPrefix(recommended.layer))
      // Each comparison is of the same pictures.
      for candidate in choice.candidates {
        guard let comparison = candidate.comparison else { continue }
        let difference = (shares[0] - candidate.accuracy.value) * 60
        #expect(abs(Double(comparison.bestOnly - comparison.ownOnly) - difference) < 1e-6)
      }
    }
  }

  /// What the table says of a layer is what training there gives, on the same parts.
  @Test func probesSayWhatTrainingWouldGive() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "E", "F", "X", "Y"], to: data)
      var options = BackboneChooser.Options()
      options.layers = ["conv_pw_2_relu", "conv_pw_6_relu"]
      options.threads = 2
      let choice = try BackboneChooser(backbones: [TrainingTests.digits.get()], options: options)
        .choose(for: ImageDataset(path: data.path), named: "letters")
      let report = try train(data.path, to: folder.appending(path: "out.zoo").path)
      let own = try #require(choice.candidates.first { $0.layer == "conv_pw_6_relu" })
      let trained = try #require(report.tasks[0].measured?.accuracy?.value)
      // Fusion differs where other layers are kept, by the last bits.
      #expect(abs(own.accuracy.value - trained) < 0.04)
      #expect(own.width == report.features.width)
      let unknown = #expect(throws: ZooError.self) {
        options.layers = ["nowhere"]
        return try BackboneChooser(backbones: [TrainingTests.digits.get()], options: options)
          .choose(for: ImageDataset(path: data.path), named: "letters")
      }
      #expect(unknown?.code == .unknownLayer)
    }
  }

  // MARK: Adapting

  @Test func statisticsBecomeThoseOfThePictures() throws {
    try withFolder { folder in
      let model = folder.appending(path: "letters.zoo").path
      _ = try train(Letters.folder.path, to: model)
      let dataset = try ImageDataset(path: Letters.folder.path)
      func adapt(
        _ model: String, weight: Double, threads: Int = 2, to name: String
      ) throws -> (String, AdaptationReport) {
        let output = folder.appending(path: name).path
        var options = BatchNormAdaptation.Options()
        options.weight = weight
        options.threads = threads
        options.overwrite = true
        return (
          output,
          try BatchNormAdaptation(model: model, options: options)
            .adapt(to: dataset, named: "letters", output: output)
        )
      }
      let (whole, report) = try adapt(model, weight: 1, to: "whole.zoo")
      #expect(report.pictures == 168 && report.norms.count == report.passes)
      #expect(report.norms[0].meanShift > 0.01)
      let measured = try #require(report.measured)
      #expect(measured.pictures == 168 && report.unmeasured == nil)
      #expect(
        abs(Double(measured.won - measured.lost) / 168 - (measured.after.value - measured.before.value))
          < 1e-9)

      // The first norm reads what the layer before it gives: the mean over pictures and pixels, computed otherwise.
      let table = try FeatureTable(
        backbone: Backbone(model: Model(path: model), layer: "conv1", pooling: .average),
        paths: dataset.examples.map(\.path))
      let (rows, channels) = (table.features.shape[0], table.features.shape[1])
      let mean = try values(whole, "conv1_bn/moving_mean")
      for channel in 0..<channels {
        let sum = (0..<rows).reduce(0.0) { $0 + Double(table.features.values[$1 * channels + channel]) }
        #expect(abs(sum / Double(rows) - mean[channel]) < 1e-4)
      }
      // Once adapted, every norm has the statistics of what it reads, the later ones too.
      let (_, again) = try adapt(whole, weight: 1, to: "again.zoo")
      for norm in again.norms {
        #expect(norm.largestShift < 1e-3 && abs(norm.varianceRatio - 1) < 1e-3, "\(norm.layer)")
      }
      // Half the weight is the mean of old and new; nothing depends on the first norm's own statistics.
      let (half, _) = try adapt(model, weight: 0.5, to: "half.zoo")
      let old = try values(model, "conv1_bn/moving_mean")
      for (channel, value) in try values(half, "conv1_bn/moving_mean").enumerated() {
        #expect(abs(value - (old[channel] + mean[channel]) / 2) < 1e-5)
      }
      // Nothing else changes, and the file says what did.
      for name in ["conv1/kernel", "conv1_bn/gamma", "predictions/kernel"] {
        #expect(try values(whole, name) == values(model, name))
      }
      let record = try #require(try Model(path: whole).training)
      #expect(record.settings["statistics of batch norms"]?.contains("168 pictures") == true)
      #expect(record.results["accuracy"] == measured.after.value)
      #expect(try Model.verify(whole).passed)
      let (single, _) = try adapt(model, weight: 1, threads: 1, to: "single.zoo")
      #expect(try Data(contentsOf: URL(filePath: single)) == Data(contentsOf: URL(filePath: whole)))
    }
  }

  @Test func whatCannotBeAdaptedIsRefused() throws {
    try withFolder { folder in
      let few = folder.appending(path: "few")
      try Letters.copy(["A", "X"], pictures: 8, to: few)
      let output = folder.appending(path: "out.zoo").path
      let model = try TrainingTests.digits.get()
      let error = #expect(throws: ZooError.self) {
        try BatchNormAdaptation(model: model)
          .adapt(to: BatchNormAdaptation.pictures(at: few.path), named: "few", output: output)
      }
      #expect(error?.code == .unsuitable && error?.why.contains("32") == true)
      // The letters are no digits, which matters only where labels are asked for.
      var options = BatchNormAdaptation.Options()
      options.requiresLabels = true
      let labels = #expect(throws: ZooError.self) {
        try BatchNormAdaptation(model: model, options: options)
          .adapt(to: ImageDataset(path: Letters.folder.path), named: "letters", output: output)
      }
      #expect(labels?.code == .doesNotFit)
      let without = folder.appending(path: "plain.zoo").path
      _ = try Converter().convert(fixture("heads/logits.keras"), to: without)
      let norms = #expect(throws: ZooError.self) {
        try BatchNormAdaptation(model: without)
          .adapt(to: ImageDataset(path: Letters.folder.path), named: "letters", output: output)
      }
      #expect(norms?.code == .unsuitable && norms?.what == "no batch norms")
      #expect(!FileManager.default.fileExists(atPath: output))
    }
  }

  // MARK: Joining

  @Test func anEnsembleSharesItsBackbone() throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      var options = Self.options()
      options.penalty = 10
      let first = try train(Letters.folder.path, to: path("1.zoo"), options)
      options.penalty = 0.001
      _ = try train(Letters.folder.path, to: path("2.zoo"), options)
      let report = try ModelEnsemble(members: [path("1.zoo"), path("2.zoo")]).write(to: path("all.zoo"))
      let head = first.features.width * 14 + 14
      #expect(report.parameters == report.members[0].parameters + head)
      #expect(report.sharedLayers > 20 && report.members.allSatisfy { !$0.isReordered })
      let pictures = try ["A", "X"].map {
        try Picture(path: Letters.folder.appending(path: "\($0)/\($0)-1.bmp").path)
      }
      let values = try ["1.zoo", "2.zoo", "all.zoo"].map {
        try Classifier(path: path($0)).values(of: pictures).values
      }
      for (place, value) in values[2].enumerated() {
        #expect(abs(value - (values[0][place] + values[1][place]) / 2) < 1e-6)
      }
      #expect(values[0] != values[1])
      let model = try Model(path: path("all.zoo"))
      #expect(model.labels == Letters.classes)
      #expect(model.training?.settings["member 2"]?.hasPrefix("2.zoo ") == true)
      #expect(try Model.verify(path("all.zoo")).passed)
      _ = try Exporter(path: path("all.zoo"), output: path("all.weights.h5")).export(overwrite: false)
    }
  }

  /// Classes are matched by their names, whichever way they are put into order.
  @Test func membersMayHaveTheirClassesInAnotherOrder() throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
      for (name, labels) in [("1.zoo", names), ("2.zoo", names.reversed())] {
        var options = Converter.Options()
        options.recipe.preprocessing = .tf
        options.recipe.labels = labels.map { ClassLabel(id: "", name: $0) }
        _ = try Converter(options: options).convert(fixture("digits/digits.h5"), to: path(name))
      }
      let report = try ModelEnsemble(members: [path("1.zoo"), path("2.zoo")]).write(to: path("all.zoo"))
      #expect(report.members.map(\.isReordered) == [false, true])
      let picture = try Picture(path: fixture("digits/pictures/seven.jpg"))
      let single = try Classifier(path: path("1.zoo")).values(of: [picture]).values
      let both = try Classifier(path: path("all.zoo")).values(of: [picture]).values
      for place in 0..<10 { #expect(abs(both[place] - (single[place] + single[9 - place]) / 2) < 1e-6) }
      // Members that do not fit are named.
      let other = path("3.zoo")
      _ = try train(Letters.folder.path, to: other)
      let error = #expect(throws: ZooError.self) {
        try ModelEnsemble(members: [path("1.zoo"), other]).write(to: path("none.zoo"))
      }
      #expect(error?.code == .doesNotFit && error?.location == other)
    }
  }

  // MARK: Other heads

  /// What is known for training of a model's layers is known of those of the files made from it.
  @Test func whatTrainingNeedsIsKept() throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      var options = Converter.Options()
      options.recipe.preprocessing = .tf
      options.recipe.labels = (0..<10).map { ClassLabel(id: "", name: "\($0)") }
      _ = try Converter(options: options).convert(fixture("digits/digits.h5"), to: path("1.zoo"))
      let file = try ZooFile(path: path("1.zoo"))
      var document = file.document
      var frozen = LayerTraining()
      frozen.isFrozen = true
      frozen.regularizers[.kernel] = Regularizer(l2: 0.25)
      document.layerTraining["conv1"] = frozen
      var norm = LayerTraining()
      norm.momentum = 0.75
      document.layerTraining["conv1_bn"] = norm
      try ZooWriter(document: document, storage: file.storage)
        .write(to: path("2.zoo"), overwrite: false, weights: file)

      // Of layers that are the same in both, the first member's.
      for (members, expected) in [(["2.zoo", "1.zoo"], document), (["1.zoo", "2.zoo"], file.document)] {
        var options = ModelEnsemble.Options()
        options.overwrite = true
        _ = try ModelEnsemble(members: members.map(path), options: options).write(to: path("all.zoo"))
        #expect(try ZooFile(path: path("all.zoo")).document.layerTraining == expected.layerTraining)
      }
      try BatchNormAdaptation(model: path("2.zoo"))
        .adapt(to: ImageDataset(path: Letters.folder.path), named: "letters", output: path("3.zoo"))
      #expect(try ZooFile(path: path("3.zoo")).document.layerTraining == document.layerTraining)
    }
  }

  @Test func aMultilayerHeadIsTrainedForAsLongAsItHelps() throws {
    try withFolder { folder in
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "E", "F", "X"], to: data)
      let output = folder.appending(path: "out.zoo").path
      let report = try train(data.path, to: output, Self.options(.multilayer(units: 24)))
      let accuracy = try #require(report.tasks[0].measured?.accuracy)
      #expect(accuracy.low > 0.25)
      let epochs = try #require(report.tasks[0].epochs)
      #expect((1...40).contains(epochs) && report.tasks[0].penalty == nil)
      let model = try Model(path: output)
      #expect(model.training?.settings["epochs"] == String(epochs))
      #expect(try ModelSummary(path: output).tensors.contains { $0.name == "predictions_hidden/kernel" })
      #expect(try Model.verify(output).passed)
      let first = try Data(contentsOf: URL(filePath: output))
      var single = Self.options(.multilayer(units: 24))
      single.threads = 1
      _ = try train(data.path, to: output, single)
      #expect(try Data(contentsOf: URL(filePath: output)) == first)
    }
  }

  @Test func nearestNeighboursAreExactAndGrow() throws {
    try withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      let data = folder.appending(path: "data")
      try Letters.copy(["A", "E", "X"], to: data)
      // Classes of different sizes: the smaller ones are filled up.
      try FileManager.default.removeItem(at: data.appending(path: "E/E-11.bmp"))
      let report = try train(data.path, to: path("1.zoo"), Self.options(.nearest))
      #expect(try #require(report.tasks[0].measured?.accuracy).low > 0.4)
      // Every picture that was trained on is nearest to itself.
      func right(_ model: String, _ letters: [String]) throws -> Int {
        let classifier = try Classifier(path: model)
        return try letters.reduce(0) { sum, letter in
          try (0..<11).reduce(sum) { sum, number in
            let picture = try Picture(
              path: Letters.folder.appending(path: "\(letter)/\(letter)-\(number).bmp").path)
            return sum + (try classifier.classify(picture, top: 1)[0].label == letter ? 1 : 0)
          }
        }
      }
      #expect(try right(path("1.zoo"), ["A", "E", "X"]) == 33)

      let more = folder.appending(path: "more")
      try Letters.copy(["L", "E"], to: more)
      let added = try ClassAddition(model: path("1.zoo")).add(
        ImageDataset(path: more.path), named: "more", to: path("2.zoo"))
      #expect(added.added == ["L"] && added.extended == ["E"] && added.classes == 4)
      let model = try Model(path: path("2.zoo"))
      #expect(model.labels == ["A", "E", "X", "L"])
      #expect(try right(path("2.zoo"), ["A", "E", "X", "L"]) == 44)
      #expect(try Model.verify(path("2.zoo")).passed)
      // Its classes in another order are joined by a layer of their own.
      let whole = folder.appending(path: "whole")
      try Letters.copy(["A", "E", "L", "X"], to: whole)
      _ = try train(whole.path, to: path("3.zoo"))
      let ensemble = try ModelEnsemble(members: [path("3.zoo"), path("2.zoo")]).write(to: path("4.zoo"))
      #expect(ensemble.labels == ["A", "E", "L", "X"] && ensemble.members[1].isReordered)
      #expect(try right(path("4.zoo"), ["A", "E", "L", "X"]) > 40)

      let linear = #expect(throws: ZooError.self) {
        try ClassAddition(model: path("3.zoo")).add(
          ImageDataset(path: more.path), named: "more", to: path("5.zoo"))
      }
      #expect(linear?.code == .unsuitable && linear?.remedy?.contains("--head nearest") == true)
    }
  }

  @Test func otherHeadsAreForClasses() throws {
    try withFolder { folder in
      let lines = (0..<12).map { "\(Letters.folder.path)/A/A-\($0).bmp,\(Double($0) / 2)" }
      let data = folder.appending(path: "numbers.csv")
      try Data((["picture,size"] + lines).joined(separator: "\n").utf8).write(to: data)
      let error = #expect(throws: ZooError.self) {
        try train(data.path, to: folder.appending(path: "out.zoo").path, Self.options(.nearest))
      }
      #expect(error?.code == .unsupported)
    }
  }
}
