import Foundation
import ModelZooTools
import Testing
import ZooSystem
import ZooTestSupport

/// Layers of the network for digits, trained further on letters.
@Suite("fine-tuning") struct FineTuningTests {
  /// Four letters: enough to learn from, and soon learned.
  private func letters(_ folder: URL) throws -> String {
    let data = folder.appending(path: "letters")
    if !FileManager.default.fileExists(atPath: data.path) {
      try Letters.copy(["A", "E", "L", "X"], pictures: Letters.count, to: data)
    }
    return data.path
  }

  private static func configuration(_ epochs: Int = 2) -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    configuration.layers = .all
    configuration.epochs = epochs
    configuration.batch = 8
    return configuration
  }

  private func trainer(
    _ configuration: TrainingConfiguration = configuration(), threads: Int = 2, seed: UInt64 = 0
  ) throws -> Trainer {
    var options = HeadTrainer.Options()
    options.threads = threads
    options.seed = seed
    options.overwrite = true
    return try Trainer(
      backbone: TrainingTests.digits.get(), configuration: configuration, options: options)
  }

  private func tensors(_ path: String) throws -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: try ModelSummary(path: path).tensors.map { ($0.name, $0.checksum ?? "") })
  }

  private func train(
    _ folder: URL, _ configuration: TrainingConfiguration = configuration(), threads: Int = 2,
    resuming: Trainer.Resuming = .never, to name: String = "letters.zoo",
    progress: (HeadTrainer.Progress) -> Void = { _ in }
  ) throws -> TrainingReport {
    var trainer = try trainer(configuration, threads: threads)
    trainer.resuming = resuming
    return try trainer.train(
      on: ImageDataset(path: letters(folder)), named: "letters", to: folder.appending(path: name).path,
      progress: progress)
  }

  private func bytes(_ folder: URL, _ name: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: name))
  }

  // MARK: What learns

  @Test func allLayersLearnAndStatisticsStay() throws {
    try withFolder { folder in
      let report = try train(folder, Self.configuration(3))
      let tuning = try #require(report.fineTuning)
      let stage = try #require(tuning.stages.first)
      #expect(tuning.stages.count == 1 && stage.name == "all layers" && stage.isKept)
      #expect(stage.runs[0].epochs.count == 3 && (1...3).contains(stage.runs[0].best))
      #expect(stage.lossAfter == stage.runs[0].validationLoss)
      #expect(tuning.training + tuning.validation == 48 && tuning.repeated == 48)
      #expect(report.tasks[0].frozen != nil && report.tasks[0].measured?.pictures == tuning.validation)
      #expect(report.verification.passed && report.fineTuningCosts.isEmpty)

      let (before, after) = (
        try tensors(TrainingTests.digits.get()), try tensors(folder.appending(path: "letters.zoo").path)
      )
      var (learned, statistics) = (0, 0)
      for (name, checksum) in after where !name.hasPrefix("predictions") {
        if name.contains("moving_") {
          #expect(before[name] == checksum, "\(name) is a statistic")
          statistics += 1
        } else {
          #expect(before[name] != checksum, "\(name) learns")
          learned += 1
        }
      }
      #expect(learned > 20 && statistics > 10)
      #expect(try Model.verify(folder.appending(path: "letters.zoo").path).passed)
      let settings = try #require(try Model(path: folder.appending(path: "letters.zoo").path).training)
        .settings
      #expect(settings["fine-tuning"] == "all layers" && settings["batch norms"] == "fixed")
      // What was unfinished is gone.
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
          "letters", "letters.zoo",
        ])
    }
  }

  /// An E or an L is none when it is flipped: the solved head says so, and no view is.
  @Test func viewsAreFlippedWhereTheHeadAllowsIt() throws {
    try withFolder { folder in
      func train(_ flips: HeadTrainer.Flips) throws -> (TrainingReport.Flips?, [String: String]) {
        var trainer = try trainer(Self.configuration(1))
        trainer.head.options.flips = flips
        let output = folder.appending(path: "letters.zoo").path
        let report = try trainer.train(on: ImageDataset(path: letters(folder)), named: "letters", to: output)
        return (report.flips, try tensors(output))
      }
      let (flips, own) = try train(.automatic)
      #expect(try #require(flips).areUsed == false)
      #expect(try own == train(.never).1 && own != train(.always).1)
      var configuration = Self.configuration(1)
      configuration.augmentation = .none
      #expect(try self.train(folder, configuration, to: "plain.zoo").flips == nil)
    }
  }

  /// Only what is behind the layer learns, bit for bit.
  @Test func whatIsBelowTheStageStays() throws {
    try withFolder { folder in
      var configuration = Self.configuration(1)
      configuration.layers = .from("conv_pw_13")
      let report = try train(folder, configuration)
      #expect(report.fineTuning?.stages.first?.from == "conv_pw_13")
      let (before, after) = (
        try tensors(TrainingTests.digits.get()), try tensors(folder.appending(path: "letters.zoo").path)
      )
      let changed = Set(
        after.filter { before[$0.key] != $0.value }.map { String($0.key.prefix { $0 != "/" }) })
      #expect(changed == ["conv_pw_13", "conv_pw_13_bn", "predictions"])
      configuration.layers = .from("nowhere")
      #expect(throws: ZooError.self) { try train(folder, configuration) }
    }
  }

  @Test func batchStatisticsMove() throws {
    try withFolder { folder in
      var configuration = Self.configuration(1)
      configuration.batchNorm = .batch
      configuration.layers = .last
      _ = try train(folder, configuration)
      let (before, after) = (
        try tensors(TrainingTests.digits.get()), try tensors(folder.appending(path: "letters.zoo").path)
      )
      let moved = after.filter { $0.key.contains("moving_") && before[$0.key] != $0.value }
      let stayed = after.filter { $0.key.contains("moving_") && before[$0.key] == $0.value }
      #expect(!moved.isEmpty && !stayed.isEmpty, "those of the last stage alone")
    }
  }

  /// The validation pictures have the last word: at a rate that is far too high nothing is kept.
  @Test func automaticKeepsOnlyWhatIsBetter() throws {
    try withFolder { folder in
      var configuration = Self.configuration(1)
      configuration.layers = .automatic
      configuration.rate = 0.3
      let report = try train(folder, configuration)
      let tuning = try #require(report.fineTuning)
      #expect(tuning.stages.map(\.name) == ["last stage", "all layers"] && !tuning.isKept)
      let frozen = try HeadTrainer(
        backbone: TrainingTests.digits.get(),
        options: {
          var options = HeadTrainer.Options()
          options.overwrite = true
          return options
        }()
      ).train(
        on: ImageDataset(path: letters(folder)), named: "letters",
        to: folder.appending(path: "frozen.zoo").path)
      let tensors = try tensors(folder.appending(path: "letters.zoo").path)
      let wanted = try self.tensors(folder.appending(path: "frozen.zoo").path)
      #expect(tensors == wanted)
      #expect(frozen.fineTuningCosts.map(\.layers) == ["last", "all"])
      #expect(report.tasks[0].measured?.accuracy?.value == frozen.tasks[0].measured?.accuracy?.value)
    }
  }

  @Test func everySettingTrains() throws {
    try withFolder { folder in
      for (index, change) in [
        {
          $0.optimizer = .sgd(momentum: 0.9)
          $0.schedule = .cosine
        },
        {
          $0.optimizer = .rmsprop()
          $0.schedule = .plateau
          $0.rate = 1e-4
        },
        {
          $0.optimizer.averaging = 0.9
          $0.optimizer.clipping = .globalNorm(1)
          $0.dropout = 0
        },
        {
          $0.augmentation = .strong
          $0.schedule = .constant
        },
        {
          $0.augmentation = .none
          $0.loss = .categoricalFocal()
          $0.runs = 2
        },
      ].enumerated() as EnumeratedSequence<[(inout TrainingConfiguration) -> Void]> {
        var configuration = Self.configuration(1)
        configuration.layers = .last
        change(&configuration)
        let report = try train(folder, configuration, to: "\(index).zoo")
        let stage = try #require(report.fineTuning?.stages.first)
        #expect(stage.isKept && stage.runs.count == configuration.runs)
        #expect(stage.runs.contains { $0.isTaken })
        #expect(stage.runs.allSatisfy { $0.epochs[0].trainingLoss.isFinite })
        #expect(report.verification.passed)
      }
    }
  }

  @Test func tasksShareTheBackbone() throws {
    try withFolder { folder in
      let data = try letters(folder)
      var table = "picture,letter,curved:labels,number:number\n"
      for (index, letter) in ["A", "E", "L", "X"].enumerated() {
        for picture in 0..<Letters.count {
          let number = picture == 3 ? "" : "\(1000 * index + picture)"
          table +=
            "letters/\(letter)/\(letter)-\(picture).bmp,\(letter),\(letter == "E" ? "yes" : ""),\(number)\n"
        }
      }
      _ = data
      try Data(table.utf8).write(to: folder.appending(path: "t.csv"))
      let dataset = try ImageDataset(path: folder.appending(path: "t.csv").path)
      let output = folder.appending(path: "t.zoo").path
      let report = try trainer(Self.configuration(2)).train(on: dataset, named: "t", to: output)
      #expect(report.tasks.count == dataset.tasks.count && report.tasks.count >= 2)
      #expect(report.tasks.allSatisfy { $0.frozen != nil && $0.measured != nil })
      let task = try #require(report.tasks.first { $0.kind == "number" })
      let error = try #require(task.measured?.meanAbsoluteError).value
      #expect(error < 1000, "\(error), of 0 to 3000; before \(task.frozen?.meanAbsoluteError?.value ?? 0)")
      // The network of the file, with its heads, gives what training computed.
      #expect(
        report.verification.checks.contains { $0.name == "network against training" && $0.status == .passed })
    }
  }

  // MARK: The same bits

  @Test func threadsAndInterruptionsDoNotMatter() async throws {
    try await withOwnFolder { folder in
      _ = try train(folder, threads: 1, to: "whole.zoo")
      let whole = try bytes(folder, "whole.zoo")
      _ = try train(folder, threads: 3, to: "threads.zoo")
      #expect(try bytes(folder, "threads.zoo") == whole)

      // Ended in the middle of an epoch, twice, and in the repetition with all pictures.
      for (attempt, step) in [3, 7, 12].enumerated() {
        let task = Task {
          try train(folder, resuming: attempt == 0 ? .never : .same, to: "parts.zoo") { progress in
            guard case .tuning(let tuning) = progress else { return }
            let isRepetition = tuning.stage.hasSuffix("all pictures")
            if (attempt == 2) == isRepetition, tuning.step == (attempt == 2 ? step - 8 : step) {
              withUnsafeCurrentTask { $0?.cancel() }
            }
          }
        }
        try await expectCancelled(task)
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "parts.zoo").path))
        #expect(FileManager.default.fileExists(atPath: folder.appending(path: "parts.zoo.checkpoint").path))
      }
      _ = try train(folder, resuming: .same, to: "parts.zoo")
      #expect(try bytes(folder, "parts.zoo") == whole)
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "parts.zoo.checkpoint").path))
      #expect(
        !FileManager.default.fileExists(atPath: folder.appending(path: "parts.zoo.checkpoint-all").path))
    }
  }

  /// Ends a training after some steps, and returns where its checkpoint is.
  private func interrupt(_ folder: URL) async throws -> URL {
    let task = Task {
      try train(folder) { progress in
        if case .tuning(let tuning) = progress, tuning.step == 3 { withUnsafeCurrentTask { $0?.cancel() } }
      }
    }
    try await expectCancelled(task)
    return folder.appending(path: "letters.zoo.checkpoint")
  }

  private func failure(_ body: () throws -> Void) throws -> ZooError {
    do {
      try body()
    } catch let error as ZooError {
      return error
    }
    throw ZooError(.unexpected, what: "no error", at: "", "the call went well")
  }

  private func expectCancelled(_ task: Task<TrainingReport, any Error>) async throws {
    let error = await #expect(throws: ZooError.self) { try await task.value }
    #expect(error?.code == .cancelled)
  }

  private func withOwnFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder)
  }

  @Test func anotherTrainingIsNotResumed() async throws {
    try await withOwnFolder { folder in
      _ = try await interrupt(folder)
      #expect(try failure { _ = try train(folder) }.why.contains("unfinished training"))
      var other = Self.configuration()
      other.rate = 5e-4
      #expect(try failure { _ = try train(folder, other, resuming: .same) }.why.contains("other settings"))
      let gone = folder.appending(path: "letters/A/A-0.bmp")
      let picture = try Data(contentsOf: gone)
      try FileManager.default.removeItem(at: gone)
      #expect(try failure { _ = try train(folder, resuming: .same) }.why.contains("other data"))
      _ = try train(folder, other, resuming: .changed)
      try picture.write(to: gone)
      _ = try await interrupt(folder)
      _ = try train(folder, resuming: .restart)
    }
  }

  /// Whatever is wrong with a checkpoint, it is named, and the file stays.
  @Test func damagedCheckpointsAreRefused() async throws {
    try await withOwnFolder { folder in
      let path = try await interrupt(folder)
      let whole = try Data(contentsOf: path)
      let random = CounterGenerator(name: "checkpoints")
      for trial in 0..<12 {
        var data = whole
        if trial < 8 {
          let place = trial < 2 ? trial * 9 : 16 + Int(random.bits(at: trial) % UInt64(data.count - 16))
          data[place] ^= 0x40
        } else {
          data = data.prefix([0, 7, 23, data.count - 1][trial - 8])
        }
        try data.write(to: path)
        let error = try failure { _ = try train(folder, resuming: .same) }
        #expect(error.code == .damaged && error.location == path.path, "\(error)")
        #expect(try Data(contentsOf: path) == data)
      }
    }
  }

  // MARK: Safety

  @Test func divergenceNamesTheStepAndTheLayer() throws {
    try withFolder { folder in
      var configuration = Self.configuration()
      configuration.optimizer = .sgd()
      configuration.schedule = .constant
      configuration.rate = 1e38
      let error = try failure { _ = try train(folder, configuration) }
      #expect(error.code == .cannotRun && error.location.contains("of epoch 1, all layers"), "\(error)")
      #expect(error.remedy?.contains("lower rate") == true)
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "letters.zoo").path))
    }
  }

  @Test func memoryIsForeseen() throws {
    try withFolder { folder in
      var configuration = Self.configuration(1)
      configuration.memory = 1 << 20
      #expect(try failure { _ = try train(folder, configuration) }.code == .tooLarge)
      configuration.batch = 32
      configuration.memory = 9 << 20
      let part = try #require(try train(folder, configuration).fineTuning?.part)
      #expect(part < configuration.batch)
    }
  }

  @Test func impossibleConfigurationsAreRefused() throws {
    try withFolder { folder in
      for change in [
        { $0.batch = 0 }, { $0.epochs = 0 }, { $0.rate = -1 }, { $0.dropout = 1 }, { $0.labelSmoothing = 2 },
        { $0.runs = 0 }, { $0.patience = 0 }, { $0.rateDecay = 0 },
        {
          $0.batchNorm = .batch
          $0.batch = 2
        }, { $0.loss = .meanSquaredError }, { $0.optimizer = .sgd(momentum: 2) },
      ] as [(inout TrainingConfiguration) -> Void] {
        var configuration = Self.configuration()
        change(&configuration)
        let error = try failure { _ = try train(folder, configuration) }
        #expect(error.code == .invalidArgument)
      }
    }
  }

  // MARK: Rates, events

  @Test func ratesAreTried() throws {
    try withFolder { folder in
      let search = try trainer().findRate(on: ImageDataset(path: letters(folder)), named: "letters")
      #expect(search.steps.count > 20 && search.stage == "all layers")
      #expect(zip(search.steps, search.steps.dropFirst()).allSatisfy { $0.rate < $1.rate })
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["letters"])
    }
  }

  @Test func eventsTellTheSteps() async throws {
    try await withOwnFolder { folder in
      let events = try trainer(Self.configuration(1)).events(
        trainingOn: ImageDataset(path: letters(folder)), named: "letters",
        to: folder.appending(path: "letters.zoo").path)
      var last: HeadTrainer.Event?
      for try await event in events { last = event }
      guard case .finished(let report) = last else {
        Issue.record("no report")
        return
      }
      #expect(report.fineTuning?.isKept == true)
    }
  }
}
