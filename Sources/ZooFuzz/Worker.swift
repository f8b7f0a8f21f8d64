import CZooSystem
import Foundation
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// The process that does cases one after another, and dies of what goes wrong.
enum Worker {
  /// What a case's one byte on standard output says.
  enum Mark {
    static let accepted = UInt8(ascii: "+")
    static let refused = UInt8(ascii: "-")
    /// A message of one line follows.
    static let fault = UInt8(ascii: "!")
    /// The worker is done; its peak memory in KiB follows as a line.
    static let done = UInt8(ascii: ".")
  }

  /// Memory that no input of some hundred kilobytes needs.
  private static let memoryLimit = 4 << 30

  /// Does the cases `cases` of `target`.
  static func run(
    _ target: Target, _ cases: Range<Int>, fixtures: String, folder: String, isolated: Bool, limited: Bool
  ) throws {
    let seeds = try target.seeds(in: fixtures)
    if isolated {
      HDF5Access.current = .isolated(helper: try HDF5Helper.ownExecutable())
      ReadingLimits.current.seconds = 2
    }
    if limited { zoo_process_limit_memory(memoryLimit) }
    let output = FileHandle.standardOutput
    for number in cases {
      let input = target.input(number, seeds: seeds)
      do {
        try target.run(input, folder: folder)
        output.write(Data([Mark.accepted]))
      } catch let error as ZooError {
        // An error is one line.
        let text = error.description
        if text.contains("\n") || text.utf8.count > 8192 {
          output.write(
            Data([Mark.fault])
              + Data(
                "not one short line: \(text.prefix(200).split(separator: "\n").joined(separator: " | "))\n"
                  .utf8))
        } else {
          output.write(Data([Mark.refused]))
        }
      } catch {
        output.write(Data([Mark.fault]) + Data("\(error)\n".utf8))
      }
    }
    // RUSAGE_SELF, a constant of different types on different systems, is 0 on all.
    var usage = rusage()
    getrusage(0, &usage)
    output.write(Data([Mark.done]) + Data("\(usage.ru_maxrss)\n".utf8))
  }
}
