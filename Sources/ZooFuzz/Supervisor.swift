import Foundation
import ZooSystem
import ZooWeightFiles

/// Runs workers and notes how they fare.
final class Supervisor {
  struct Tally {
    var accepted = 0
    var refused = 0
    /// Faults inside libhdf5, which the same case survives when libhdf5 runs in a child process.
    var contained = 0
    var findings: [(number: Int, what: String)] = []
    var peakKiB = 0
    var seconds = 0.0

    var cases: Int { accepted + refused + contained + findings.count }
  }

  let fixtures: String
  let folder: String
  /// Whether workers get limits on memory.
  let limited: Bool
  /// How long one case may take, in seconds.
  private func patience(_ target: Target, isolated: Bool) -> Int {
    // Endless loops of libhdf5 are many. Whether it was one is then seen with libhdf5 in its own process.
    target.usesHDF5 && !isolated ? 1 : 10
  }
  private let batch = 1000

  init(fixtures: String, folder: String, limited: Bool) {
    self.fixtures = fixtures
    self.folder = folder
    self.limited = limited
  }

  /// Does cases from `first` on until `count` are done or the time `end` has come.
  func run(
    _ target: Target, from first: Int, count: Int, until end: Date, isolated: Bool, into tally: inout Tally
  ) throws {
    let start = Date()
    var next = first
    while next < first + count, Date() < end {
      let stop = min(first + count, next + batch)
      let (done, death) = try work(target, next..<stop, isolated: isolated, until: end, into: &tally)
      next += done
      guard let death else { continue }
      if target.usesHDF5, !isolated, death != Self.outOfTime, try survives(target, next) {
        tally.contained += 1
      } else if death != Self.outOfTime {
        tally.findings.append((next, death))
      }
      next += 1
    }
    tally.seconds += Date().timeIntervalSince(start)
  }

  private static let outOfTime = "the time is over"

  /// Whether the case is survived with libhdf5 in a child process.
  private func survives(_ target: Target, _ number: Int) throws -> Bool {
    var tally = Tally()
    let (done, death) = try work(
      target, number..<number + 1, isolated: true, until: .distantFuture, into: &tally)
    return done == 1 && death == nil && tally.findings.isEmpty
  }

  /// Starts a worker for `cases`. Returns how many it did, and how it died if it did not do all.
  private func work(
    _ target: Target, _ cases: Range<Int>, isolated: Bool, until end: Date, into tally: inout Tally
  ) throws -> (done: Int, death: String?) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try HDF5Helper.ownExecutable())
    process.arguments = [
      "--worker", target.rawValue, "\(cases.lowerBound)", "\(cases.count)", fixtures, folder,
      isolated ? "isolated" : "direct", limited ? "limited" : "unlimited",
    ]
    var environment = ProcessInfo.processInfo.environment
    environment["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = environment
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let usual = patience(target, isolated: isolated)
    let descriptor = pipe.fileHandleForReading.fileDescriptor
    var lines = MarkReader()
    var death: String?
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // Before the first case the worker starts and makes its seeds.
      let patience = lines.cases == 0 ? 60 : usual
      let ready = poll(&waiting, 1, Int32(patience * 1000))
      if ready == 0 {
        death = "no answer for \(patience) s"
        process.terminate()
        kill(process.processIdentifier, SIGKILL)
        break
      }
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      lines.add(buffer[..<count])
      if Date() >= end, lines.peakKiB == nil {
        death = Self.outOfTime
        kill(process.processIdentifier, SIGKILL)
        break
      }
    }
    process.waitUntilExit()
    tally.accepted += lines.accepted
    tally.refused += lines.refused
    for fault in lines.faults { tally.findings.append((cases.lowerBound + fault.index, fault.what)) }
    tally.peakKiB = max(tally.peakKiB, lines.peakKiB ?? 0)
    if lines.peakKiB == nil, death == nil {
      death =
        process.terminationReason == .uncaughtSignal
        ? "signal \(process.terminationStatus)" : "exit code \(process.terminationStatus)"
    }
    return (lines.cases, lines.peakKiB == nil ? death : nil)
  }
}

/// Takes apart what a worker writes.
private struct MarkReader {
  private(set) var accepted = 0
  private(set) var refused = 0
  private(set) var faults: [(index: Int, what: String)] = []
  private(set) var peakKiB: Int?
  private var line: (mark: UInt8, text: [UInt8])?

  var cases: Int { accepted + refused + faults.count }

  mutating func add(_ bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      if let (mark, text) = line {
        guard byte == UInt8(ascii: "\n") else {
          line = (mark, text + [byte])
          continue
        }
        let words = String(decoding: text, as: UTF8.self)
        if mark == Worker.Mark.done { peakKiB = Int(words) ?? 0 } else { faults.append((cases, words)) }
        line = nil
      } else if byte == Worker.Mark.accepted {
        accepted += 1
      } else if byte == Worker.Mark.refused {
        refused += 1
      } else {
        line = (byte, [])
      }
    }
  }
}
