import Foundation
import ModelZooTools
import Testing
import ZooSystem
import ZooTestSupport

/// Training, choosing and evaluating in tasks: the same results, progress on the way, and an end when asked.
///
/// A loop that does not keep up misses some of the progress, so that what it sees depends on the machine.
@Suite("training in tasks") struct TrainingTaskTests {
  /// Some letters, and a place for what is made of them.
  private func withLetters(_ body: (_ letters: ImageDataset, _ folder: URL) async throws -> Void) async throws
  {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let data = folder.appending(path: "data")
    try Letters.copy(["A", "E", "X"], to: data)
    try await body(ImageDataset(path: data.path), folder)
  }

  private static var trainer: HeadTrainer {
    get throws {
      var options = HeadTrainer.Options()
      options.layers = ["conv_pw_6_relu"]
      options.threads = 2
      return try HeadTrainer(backbone: TrainingTests.digits.get(), options: options)
    }
  }

  private func encoded(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private func expectCancelled(_ work: @escaping @Sendable () async throws -> Void) async {
    let task = Task { try await work() }
    task.cancel()
    let error = await #expect(throws: ZooError.self) { try await task.value }
    #expect(error?.code == .cancelled)
  }

  @Test func aTrainingAndAnEvaluationTellTheirProgress() async throws {
    try await withLetters { letters, folder in
      let output = folder.appending(path: "letters.zoo").path
      var (events, report): (Int, TrainingReport?) = (0, nil)
      for try await event in try Self.trainer.events(trainingOn: letters, named: "letters", to: output) {
        #expect(report == nil)
        events += 1
        switch event {
        case .progress(.pictures(let done, let total)): #expect(done <= 36 && total == 36)
        case .progress: break
        case .finished(let found): report = found
        }
      }
      #expect(events > 1)
      #expect(try #require(report?.tasks.first?.measured?.accuracy).value > 0.5)
      #expect(try Model.verify(output).passed)

      var evaluation: Evaluation?
      for try await event in Evaluation.events(model: output, on: letters) {
        #expect(evaluation == nil)
        switch event {
        case .pictures(let done, let total): #expect(done <= 36 && total == 36)
        case .finished(let found): evaluation = found
        }
      }
      let expected = try Evaluation(model: output, on: letters)
      #expect(try encoded(#require(evaluation).tasks) == encoded(expected.tasks))

      let other = folder.appending(path: "other.zoo").path
      await expectCancelled {
        _ = try await Self.trainer.computeTraining(on: letters, named: "letters", to: other)
      }
      #expect(!FileManager.default.fileExists(atPath: other))
      await expectCancelled { _ = try await Evaluation.compute(model: output, on: letters) }
    }
  }

  @Test func aChoiceTellsItsProgress() async throws {
    try await withLetters { letters, _ in
      var options = BackboneChooser.Options()
      options.layers = ["conv_pw_6_relu"]
      options.threads = 2
      let chooser = try BackboneChooser(backbones: [TrainingTests.digits.get()], options: options)
      var (events, choice): (Int, BackboneChoice?) = (0, nil)
      for try await event in chooser.events(choosingFor: letters, named: "letters") {
        #expect(choice == nil)
        events += 1
        switch event {
        case .progress(.pictures(_, let done, let total)): #expect(done <= 36 && total == 36)
        case .progress(.layers(_, let done, let total)): #expect(done <= 1 && total == 1)
        case .finished(let found): choice = found
        }
      }
      #expect(events > 1)
      let expected = try chooser.choose(for: letters, named: "letters")
      #expect(choice?.candidates.map(\.accuracy.value) == expected.candidates.map(\.accuracy.value))
      #expect(choice?.candidates.map(\.layer) == ["conv_pw_6_relu"])
      await expectCancelled { _ = try await chooser.computeChoice(for: letters, named: "letters") }
    }
  }
}
