import Foundation
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Feeds every parser with damaged files and says what they do with them.
///
/// A case is a target and a number; the same number is the same input as long as the seeds, the files in
/// Fixtures, are the same.
@main
enum Fuzz {
  static let usage = """
    usage: zoo-fuzz [--seconds N | --cases N] [--target NAME]... [--from N] [--isolated]
                    [--no-memory-limit] [--fixtures FOLDER]
           zoo-fuzz --target NAME --case N [--write FILE]

    Targets: \(Target.allCases.map(\.rawValue).joined(separator: ", ")); all by default.
    --seconds   the time for all targets together (60)
    --cases     the number of cases of each target, in place of a time
    --from      the number of the first case (0)
    --isolated  HDF5 files through the helper process, as the command line reads them
    --no-memory-limit  for builds with --sanitize address, which take any amount of address space
    --case      one case, in this process, with what it throws
    --write     where to write the case's input
    """

  static func main() throws {
    if HDF5Helper.isRequested { exit(HDF5Helper.run()) }
    let arguments = CommandLine.arguments
    if arguments.count == 9, arguments[1] == "--worker", let target = Target(rawValue: arguments[2]),
      let first = Int(arguments[3]), let count = Int(arguments[4])
    {
      return try Worker.run(
        target, first..<first + count, fixtures: arguments[5], folder: arguments[6],
        isolated: arguments[7] == "isolated", limited: arguments[8] == "limited")
    }
    guard let options = Options(Array(arguments.dropFirst())) else {
      FileHandle.standardError.write(Data((usage + "\n").utf8))
      exit(64)
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "zoo-fuzz-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    if let number = options.single { return try one(number, options, folder: folder.path) }
    let clean = try all(options, folder: folder.path)
    if !clean {
      try? FileManager.default.removeItem(at: folder)
      exit(1)
    }
  }

  private static func one(_ number: Int, _ options: Options, folder: String) throws {
    let target = options.targets[0]
    if options.isolated { HDF5Access.current = .isolated(helper: try HDF5Helper.ownExecutable()) }
    let input = target.input(number, seeds: try target.seeds(in: options.fixtures))
    if let path = options.write { try Data(input).write(to: URL(fileURLWithPath: path)) }
    do {
      try target.run(input, folder: folder)
      print("accepted")
    } catch let error as ZooError {
      print("refused: \(error)")
    }
  }

  /// Runs all targets, prints a table, and returns whether nothing was found.
  private static func all(_ options: Options, folder: String) throws -> Bool {
    let supervisor = Supervisor(fixtures: options.fixtures, folder: folder, limited: options.limited)
    var tallies: [Supervisor.Tally] = []
    for (index, target) in options.targets.enumerated() {
      var tally = Supervisor.Tally()
      // What one target leaves of its time the next ones share.
      let left = options.end.timeIntervalSinceNow / Double(options.targets.count - index)
      let end = options.cases == nil ? Date(timeIntervalSinceNow: left) : .distantFuture
      try supervisor.run(
        target, from: options.first, count: options.cases ?? .max - options.first, until: end,
        isolated: options.isolated, into: &tally)
      for finding in tally.findings {
        print("FOUND \(finding.what): zoo-fuzz --target \(target.rawValue) --case \(finding.number)")
      }
      tallies.append(tally)
    }
    print("| target | inputs | accepted | refused | libhdf5 faults contained | found | inputs/s | peak MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for (target, tally) in zip(options.targets, tallies) {
      let rate = tally.seconds > 0 ? Int(Double(tally.cases) / tally.seconds) : 0
      print(
        "| \(target.rawValue) | \(tally.cases) | \(tally.accepted) | \(tally.refused) | \(tally.contained) "
          + "| \(tally.findings.count) | \(rate) | \(tally.peakKiB / 1024) |")
    }
    print("\(tallies.reduce(0) { $0 + $1.cases }) inputs in \(Int(tallies.reduce(0) { $0 + $1.seconds })) s")
    return tallies.allSatisfy(\.findings.isEmpty)
  }
}

/// The command line's options.
struct Options {
  var targets = Target.allCases
  var end = Date(timeIntervalSinceNow: 60)
  var cases: Int?
  var first = 0
  var single: Int?
  var write: String?
  var isolated = false
  var limited = true
  var fixtures = "Fixtures"

  init?(_ arguments: [String]) {
    var chosen: [Target] = []
    var rest = arguments[...]
    while let option = rest.popFirst() {
      if option == "--isolated" {
        isolated = true
        continue
      }
      if option == "--no-memory-limit" {
        limited = false
        continue
      }
      guard let value = rest.popFirst() else { return nil }
      let number = Int(value).flatMap { $0 >= 0 ? $0 : nil }
      switch option {
      case "--target":
        guard let target = Target(rawValue: value) else { return nil }
        chosen.append(target)
      case "--fixtures": fixtures = value
      case "--write": write = value
      default:
        guard let number else { return nil }
        switch option {
        case "--seconds": end = Date(timeIntervalSinceNow: Double(number))
        case "--cases": cases = number
        case "--from": first = number
        case "--case": single = number
        default: return nil
        }
      }
    }
    if !chosen.isEmpty { targets = chosen }
    if single != nil, chosen.count != 1 { return nil }
  }
}
