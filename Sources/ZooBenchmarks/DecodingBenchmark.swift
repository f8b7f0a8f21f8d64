import Foundation
import ZooData
import ZooImageFiles
import ZooImages
import ZooSystem

/// `zoo-benchmarks decoding FOLDER`: how fast pictures are loaded, against libjpeg-turbo alone.
///
/// `djpeg` (or what `DJPEG` names) decodes the same JPEG files one after another and writes nothing: that is the time
/// that decoding takes by itself. Starting the process is measured without a file and taken off. Measured `ROUNDS` times in turn; the smallest times count.
enum DecodingBenchmark {
  static func run(folder: String) throws {
    let rounds = max(1, environment("ROUNDS").flatMap { Int($0) } ?? 3)
    let paths = try ImageFolder.images(in: folder)
    guard !paths.isEmpty else {
      print("There are no pictures in \(folder).")
      return
    }
    let threads = Array(Set([1, Processors.count])).sorted()
    let loaders = threads.map { PictureLoader(height: 224, width: 224, threads: $0) }
    var decoding = Duration.seconds(1 << 20)
    var fitting = decoding
    var loading = threads.map { _ in decoding }
    var pixels = 0
    for _ in 0..<rounds {
      pixels = 0
      decoding = min(
        decoding,
        try measured { for path in paths { pixels += try Image(path: path).pixels.count / 3 } })
      fitting = min(
        fitting,
        try measured {
          for path in paths { _ = try Image(path: path).fitted(height: 224, width: 224, PictureFitting()) }
        })
      for (index, loader) in loaders.enumerated() {
        loading[index] = min(
          loading[index],
          try measured {
            // A batch at a time, as in training.
            for start in stride(from: 0, to: paths.count, by: 64) {
              for result in try loader.load(Array(paths[start..<min(paths.count, start + 64)])) {
                _ = try result.get()
              }
            }
          })
      }
    }
    let millions = Double(pixels) / 1e6
    func line(_ name: String, _ time: Duration) {
      let seconds = time / .seconds(1)
      let each = String(format: "%.2f", 1000 * seconds / Double(paths.count))
      print(
        name, "\(each) ms a picture", "\(String(format: "%.1f", millions / seconds)) Mpixel/s",
        separator: "\t")
    }
    print("\(paths.count) pictures, \(String(format: "%.1f", millions / Double(paths.count))) Mpixel each")
    line("decoding", decoding)
    line("decoding and resizing to 224x224", fitting)
    for (index, count) in threads.enumerated() {
      line("loading with fingerprints, \(count) thread\(count == 1 ? "" : "s")", loading[index])
    }
    if let reference = try decodedByProgram(paths, rounds: rounds) { line("djpeg", reference) }
  }

  private static func measured(_ body: () throws -> Void) rethrows -> Duration {
    try ContinuousClock().measure(body)
  }

  /// The time that `djpeg` takes for all files; nil where there is none, or a file is no JPEG file.
  private static func decodedByProgram(_ paths: [String], rounds: Int) throws -> Duration? {
    let program = environment("DJPEG") ?? "djpeg"
    func run(_ arguments: [String]) throws -> Bool {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = [program, "-outfile", "/dev/null"] + arguments
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus == 0
    }
    guard try run([paths[0]]) else { return nil }
    var best = Duration.seconds(1 << 20)
    for _ in 0..<rounds {
      var isComplete = true
      let start = try measured { for _ in paths { _ = try run(["-version"]) } }
      let all = try measured { for path in paths where isComplete { isComplete = try run([path]) } }
      guard isComplete else { return nil }
      best = min(best, all - start)
    }
    return best
  }
}
