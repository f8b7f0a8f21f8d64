import Foundation
import ZooCompression
import ZooFormat
import ZooRuntime
import ZooSystem

/// `zoo-benchmarks compression MODEL.zoo…`: what coding the weights of models without loss saves and costs.
///
/// Each figure is the best of `ROUNDS` rounds. Writing is to a file that is synced; decoding is of all coded tensors on
/// one thread, into memory that is new each time.
enum CompressionBenchmark {
  static func run(files: [String]) throws {
    let rounds = max(1, environment("ROUNDS").flatMap { Int($0) } ?? 3)
    print(
      "| model | plain, MB | compressed | written, MB/s | opened, ms | decoded, GB/s | engine, ms, 1 thread: plain | compressed |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for file in files { try run(file, rounds) }
  }

  private static func run(_ file: String, _ rounds: Int) throws {
    let source = try ZooFile(path: file, frames: Zstandard.shared)
    let folder = FileManager.default.temporaryDirectory
    let (plain, coded) = ("\(folder.path)/plain-\(UUID()).zoo", "\(folder.path)/coded-\(UUID()).zoo")
    defer { for path in [plain, coded] { try? FileManager.default.removeItem(atPath: path) } }
    var plan = source.storagePlan()
    try ZooWriter(document: source.document, plan: plan).write(to: plain, overwrite: false, weights: source)
    plan.frames = Zstandard.shared
    let writing = try best(rounds) {
      try ZooWriter(document: source.document, plan: plan).write(to: coded, overwrite: true, weights: source)
    }
    let opening = try best(rounds) { _ = try ZooFile(path: coded, frames: Zstandard.shared) }
    let (from, to) = (try ZooFile(path: plain), try ZooFile(path: coded, frames: Zstandard.shared))
    let tensors = to.tensors.filter { !$0.planes.isEmpty }
    let decoding = try best(rounds) { for tensor in tensors { _ = try to.tensor(for: tensor.slot) } }
    let decoded = tensors.reduce(0) { $0 + $1.plainByteCount }
    func preparing(_ file: ZooFile) throws -> Double {
      try best(rounds) { _ = try Engine(graph: file.document.graph, weights: file, options: PlanOptions()) }
    }
    let cells = [
      (file as NSString).lastPathComponent, decimal(Double(from.byteCount) / 1e6, 1),
      decimal(Double(to.byteCount) / Double(from.byteCount), 4),
      decimal(Double(from.byteCount) / 1e6 / writing, 0), decimal(opening * 1e3, 1),
      decimal(Double(decoded) / 1e9 / decoding, 2), decimal(try preparing(from) * 1e3, 0),
      decimal(try preparing(to) * 1e3, 0),
    ]
    print("| \(cells.joined(separator: " | ")) |")
  }

  private static func best(_ rounds: Int, _ body: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<rounds { best = min(best, try ContinuousClock().measure(body).seconds) }
    return best
  }
}
