// What a batch job does with a model: the features of all pictures in a folder, for a classifier of one's own.
//
//     BatchJob MODEL.zoo FOLDER FEATURES.csv
//
// Memory does not grow with the number of pictures. A picture that can't be read is reported and skipped. Ctrl-C ends
// the job in order: what was written stays.

import Dispatch
import Foundation
import ModelZooTools

@main
struct BatchJob {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count == 3 else { return print("usage: BatchJob MODEL.zoo FOLDER FEATURES.csv") }
    let job = Task { try await run(model: arguments[0], folder: arguments[1], output: arguments[2]) }
    signal(SIGINT, SIG_IGN)
    let interrupt = DispatchSource.makeSignalSource(signal: SIGINT)
    interrupt.setEventHandler { job.cancel() }
    interrupt.resume()
    do {
      let skipped = try await job.value
      exit(skipped == 0 ? 0 : 1)
    } catch let error as ZooError where error.code == .cancelled {
      report("interrupted")
      exit(130)
    } catch {
      report("cannot go on: \(error)")
      exit(1)
    }
  }

  /// Writes a line for each picture, its path and its features; returns how many were skipped.
  private static func run(model: String, folder: String, output: String) async throws -> Int {
    let pictures = try PictureSource.expand([folder])
    let backbone = try Backbone(
      model: Model(path: model), pooling: .average,
      options: RunOptions(threads: ProcessInfo.processInfo.activeProcessorCount))
    guard FileManager.default.createFile(atPath: output, contents: nil),
      let file = FileHandle(forWritingAtPath: output)
    else { throw CocoaError(.fileWriteUnknown) }
    defer { try? file.close() }
    var (done, skipped) = (0, 0)
    for try await picture in backbone.featureStream(of: pictures, batch: 32, loading: { try $0.picture() }) {
      done += 1
      switch picture.result {
      case .success(let features):
        let row = ["\"\(picture.source.path)\""] + features.values.map { "\($0)" }
        try file.write(contentsOf: Data((row.joined(separator: ",") + "\n").utf8))
      case .failure(let error):
        skipped += 1
        report("skipped: \(error)")
      }
      if done % 100 == 0 { report("\(done) of \(pictures.count)") }
    }
    report("\(done - skipped) pictures, \(backbone.featureShape) features of \(backbone.layer) each")
    return skipped
  }

  private static func report(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
