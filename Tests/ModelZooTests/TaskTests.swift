import Foundation
import ModelZooTools
import Synchronization
import Testing
import ZooTestSupport

/// The library in tasks: asynchronous calls, streams and cancellation.
@Suite struct TaskTests {
  private static let paths = ModelZooTests.digits.map {
    ModelZooTests.folder.appending(path: "pictures/\($0)").path
  }

  @Test func asynchronousCallsGiveTheSame() async throws {
    let model = try Model(converting: ModelZooTests.weights)
    let pictures = try ModelZooTests.pictures()
    let options = RunOptions(concurrentCalls: 2)
    let classifier = try Classifier(model: model, options: options)
    let backbone = try Backbone(model: model, options: options)
    let network = try Network(model: model)
    let expected = try classifier.classify(pictures)
    let features = try backbone.features(of: pictures)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<12 {
        group.addTask { try await classifier.computePredictions(of: pictures) == expected }
        group.addTask { try await classifier.computePredictions(of: pictures[3]) == expected[3] }
        group.addTask { try await backbone.computeFeatures(of: pictures) == features }
      }
      for try await same in group { #expect(same) }
    }
    let input = Tensor(zeros: [1, 32, 32, 3])
    let outputs = try await network.computeOutputs(of: [input])
    #expect(try outputs == network.run([input]))
    #expect(try await network.computeOutputs(of: [model.inputs[0].name: input]) == outputs)
  }

  @Test func aStreamKeepsTheOrderAndGoesOn() async throws {
    let model = try Model(converting: ModelZooTests.weights)
    let classifier = try Classifier(model: model)
    var sources = Self.paths
    sources.insert("/absent.png", at: 4)
    let expected = try classifier.classify(ModelZooTests.pictures(), top: 1).map { $0[0].classIndex }
    for batch in [1, 3, 100] {
      var found: [Int] = []
      var seen: [String] = []
      let stream = classifier.predictionStream(of: sources, top: 1, batch: batch) { try Picture(path: $0) }
      for try await picture in stream {
        seen.append(picture.source)
        switch picture.result {
        case .success(let predictions): found.append(predictions[0].classIndex)
        case .failure(let error): #expect(picture.source == "/absent.png" && error.code == .cannotOpen)
        }
      }
      #expect(seen == sources && found == expected)
    }
    let backbone = try Backbone(model: model, pooling: .average)
    let features = try backbone.features(of: ModelZooTests.pictures())
    var row = 0
    for try await picture in backbone.featureStream(
      of: Self.paths, batch: 4, loading: { try Picture(path: $0) })
    {
      #expect(try picture.result.get() == features[example: row])
      row += 1
    }
    #expect(row == 10)
  }

  /// No more pictures are loaded than the loop asks for.
  @Test func aStreamLoadsABatchAtATime() async throws {
    let classifier = try Classifier(model: Model(converting: ModelZooTests.weights))
    let picture = try ModelZooTests.pictures()[0]
    let loaded = Counter()
    let stream = classifier.predictionStream(of: 0..<1_000_000, batch: 4) { _ in
      loaded.add()
      return picture
    }
    var done = 0
    for try await _ in stream {
      done += 1
      #expect(loaded.count <= (done + 3) / 4 * 4)
      if done == 10 { break }
    }
    #expect(loaded.count == 12)
  }

  @Test func aModelWithoutPicturesEndsTheStream() async throws {
    let backbone = try Backbone(model: Model(converting: fixture("layers/nested.keras")))
    let picture = try ModelZooTests.pictures()[0]
    await #expect(throws: ZooError.self) {
      for try await _ in backbone.featureStream(of: [1], loading: { _ in picture }) {}
    }
  }

  // MARK: Cancellation

  /// A network and a picture, which many times takes long.
  private func slow() throws -> (Classifier, Picture) {
    let model = try Model(converting: ModelZooTests.weights)
    let picture = try Picture(width: 1, height: 1, rgb: [1, 2, 3])
    return (try Classifier(model: model), picture)
  }

  /// Runs `body` in a thread of its own: those of tasks may all be busy with other tests.
  private func soon(_ body: @escaping @Sendable () -> Void) {
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.05)
      body()
    }
  }

  private func expectCancelled(_ body: @escaping @Sendable () async throws -> Void) async {
    let task = Task { try await body() }
    soon { task.cancel() }
    let error = await #expect(throws: ZooError.self) { try await task.value }
    #expect(error?.code == .cancelled && error?.underlyingError is CancellationError)
  }

  @Test func aCancelledTaskStops() async throws {
    let (classifier, picture) = try slow()
    let many = [Picture](repeating: picture, count: 200_000)
    await expectCancelled { _ = try classifier.classify(many) }
    await expectCancelled { _ = try await classifier.computePredictions(of: many) }
    await expectCancelled {
      for try await _ in classifier.predictionStream(of: 0..<200_000, loading: { _ in picture }) {}
    }
    let threads = try Classifier(model: classifier.model, threads: 2)
    await expectCancelled { _ = try threads.classify(many) }
    let input = Tensor(zeros: [3, 32, 32, 3])
    await expectCancelled {
      withUnsafeCurrentTask { $0?.cancel() }
      _ = try threads.values(preprocessed: input)
    }
    // Who was cancelled leaves the others alone.
    #expect(try classifier.classify(picture) == Classifier(model: classifier.model).classify(picture))
  }

  @Test func whoWaitsCanBeCancelled() async throws {
    let (classifier, picture) = try slow()
    let one = try Classifier(model: classifier.model, options: RunOptions(concurrentCalls: 1))
    let many = [Picture](repeating: picture, count: 200_000)
    let first = Task { try await one.computePredictions(of: many) }
    let waiting = (0..<5).map { _ in Task { try await one.computePredictions(of: picture) } }
    soon {
      for task in waiting.dropLast() { task.cancel() }
      Thread.sleep(forTimeInterval: 0.05)
      first.cancel()
    }
    for task in waiting.dropLast() {
      // It may have had its turn before the first did.
      do { _ = try await task.value } catch { #expect((error as? ZooError)?.code == .cancelled) }
    }
    let error = await #expect(throws: ZooError.self) { _ = try await first.value }
    #expect(error?.code == .cancelled)
    // The last one gets its turn.
    #expect(try await waiting[4].value == classifier.classify(picture))
  }

  // MARK: Conversions

  @Test func aConversionTellsItsProgress() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let output = folder.appending(path: "digits.zoo").path
    var (phases, bytes, report): ([String], Int, ConversionReport?) = ([], 0, nil)
    for try await event in Converter().events(converting: ModelZooTests.weights, to: output) {
      #expect(report == nil)
      switch event {
      case .progress(.phase(let name)): phases.append(name)
      case .progress(.writing(let done, let total)): (bytes, _) = (done, #expect(done <= total))
      case .progress: break
      case .finished(let found): report = found
      }
    }
    #expect(report?.architecture == "mobilenet" && !phases.isEmpty && bytes == 221_114 * 4)
    #expect(try Model(path: output).architecture == "mobilenet")

    let other = folder.appending(path: "other.zoo").path
    let task = Task { try await Converter().computeConversion(of: ModelZooTests.weights, to: other) }
    task.cancel()
    let error = await #expect(throws: ZooError.self) { try await task.value }
    #expect(error?.code == .cancelled)
    #expect(!FileManager.default.fileExists(atPath: other))
    var options = Converter.Options()
    options.storage = .f16
    let half = try Model.convert(ModelZooTests.weights, to: other, options: options)
    #expect(half.architecture == "mobilenet")
  }
}

/// Counts on any thread.
private final class Counter: Sendable {
  private let value = Mutex(0)
  var count: Int { value.withLock { $0 } }
  func add() { value.withLock { $0 += 1 } }
}
