import Foundation
import ModelZooTools

/// The memory of several users of one model: `zoo-benchmarks sharing [MODEL.zoo…]`.
enum SharingBenchmark {
  /// Opens each model, makes users of it one after the other, runs each once, and prints the process's own memory,
  /// without pages of files.
  static func run(files: [String]) throws {
    print(
      "MODEL, MB of own memory: opened, +Classifier, +Classifier, +Backbone, all released; ms to prepare each"
    )
    for file in files {
      let model = try Model(path: file)
      let input = Tensor(zeros: Shape([1] + model.inputShape.dimensions))
      let before = ownMegabytes
      var memory = [0]
      var times: [Int] = []
      var users: [any Sendable] = []
      func add(_ make: () throws -> any Sendable, _ run: (any Sendable) throws -> Void) throws {
        let time = try ContinuousClock().measure { users.append(try make()) }
        times.append(Int(time / .milliseconds(1)))
        try run(users[users.count - 1])
        memory.append(ownMegabytes - before)
      }
      for _ in 0..<2 {
        try add({ try Classifier(model: model) }) {
          _ = try ($0 as? Classifier)?.values(preprocessed: input)
        }
      }
      try add({ try Backbone(model: model, pooling: .average) }) {
        _ = try ($0 as? Backbone)?.features(preprocessed: input)
      }
      users = []
      memory.append(ownMegabytes - before)
      print("\(file): \(memory), \(times)")
    }
  }

  /// Memory that no other process and no file has, in 10^6 bytes.
  private static var ownMegabytes: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
    let kibibytes = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap {
      Int($0)
    }
    return (kibibytes ?? 0) * 1024 / 1_000_000
  }
}
