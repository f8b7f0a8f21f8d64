// What a server does with a model: many requests at once, one copy of the weights.
//
//     ls pictures/* | Server MODEL.zoo
//
// A request is a line of standard input with the path of a picture, its answer a line of JSON on standard output. A real
// server has a connection for each request, and the picture's bytes in its body: `Picture(encoded:)` takes them.

import Foundation
import ModelZooTools

struct Answer: Encodable, Sendable {
  let picture: String
  var label: String?
  var probability: Float?
  var features: [Float]?
  var error: String?
}

/// All that requests share; every task may call it.
struct Service: Sendable {
  private let classifier: Classifier
  private let backbone: Backbone

  init(path: String) throws(ZooError) {
    let model = try Model(path: path)
    // One thread for each call, and as many calls at once as there are processors: others wait, and hold neither a
    // thread nor memory.
    let options = RunOptions(threads: 1)
    classifier = try Classifier(model: model, options: options)
    // The same weights in memory.
    backbone = try Backbone(model: model, pooling: .average, options: options)
    FileHandle.standardError.write(Data("\(model.preparedBytes / 1000) kB of weights\n".utf8))
  }

  /// Answers a request, whatever happens.
  func answer(_ path: String) async -> Answer {
    do {
      return try await withTimeLimit(.seconds(10)) {
        let picture = try Picture(path: path)
        async let predictions = classifier.computePredictions(of: picture, top: 1)
        async let features = backbone.computeFeatures(of: [picture])
        let best = try await predictions.first
        return try await Answer(
          picture: path, label: best?.label, probability: best?.probability,
          features: Array(features.values.prefix(4)))
      }
    } catch let error as ZooError where error.code == .cancelled {
      return Answer(picture: path, error: "no answer in time")
    } catch {
      return Answer(picture: path, error: "\(error)")
    }
  }

  /// Cancels `body` when the time is over: the library then stops before the next picture.
  private func withTimeLimit<Result: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let work = Task { try await body() }
    let clock = Task {
      try await Task.sleep(for: limit)
      work.cancel()
    }
    defer { clock.cancel() }
    return try await withTaskCancellationHandler {
      try await work.value
    } onCancel: {
      work.cancel()
    }
  }
}

@main
struct Server {
  /// How many requests are open at once; the next is read when one of them is answered.
  private static let limit = 64

  static func main() async {
    guard let path = CommandLine.arguments.dropFirst().first else { return print("usage: Server MODEL.zoo") }
    do {
      let service = try Service(path: path)
      try await withThrowingTaskGroup(of: Answer.self) { group in
        var open = 0
        while let line = readLine() {
          if open == limit, let answer = try await group.next() {
            try write(answer)
            open -= 1
          }
          group.addTask { await service.answer(line) }
          open += 1
        }
        for try await answer in group { try write(answer) }
      }
    } catch {
      FileHandle.standardError.write(Data("Cannot serve: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func write(_ answer: Answer) throws {
    print(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))
  }
}
