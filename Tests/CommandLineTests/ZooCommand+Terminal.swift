import Foundation
import ZooSystem

/// The command in a terminal, and with something on its standard input.
extension ZooCommand {
  /// Runs the executable in a terminal of `columns` columns, which shows both of its outputs.
  ///
  /// - Returns: what the terminal gets, with line ends as in files, and the exit code.
  func inTerminal(
    columns: Int, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (output: String, status: Int32) {
    var (master, slave): (CInt, CInt) = (-1, -1)
    var size = winsize(ws_row: 50, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    guard openpty(&master, &slave, nil, nil, &size) == 0 else { throw CocoaError(.fileNoSuchFile) }
    let process = try process(
      arguments, environment: ["TERM": "xterm", "NO_COLOR": ""].merging(environment) { $1 })
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
    process.standardError = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
    try process.run()
    close(slave)
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    // Where nobody has the other side open any more, Linux reports an error and Darwin the end.
    while case let count = read(master, &part, part.count), count > 0 { bytes += part[..<count] }
    process.waitUntilExit()
    close(master)
    let text = String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
    return (text, process.terminationStatus)
  }

  /// Runs the executable with a file as its standard input and its outputs in files.
  func piping(_ input: String, into arguments: String...) throws -> (
    output: Data, errors: String, status: Int32
  ) {
    let process = try process(arguments)
    let (output, errors) = (path(".out"), path(".err"))
    for file in [output, errors] { try Data().write(to: URL(fileURLWithPath: file)) }
    defer { for file in [output, errors] { try? FileManager.default.removeItem(atPath: file) } }
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    try process.run()
    process.waitUntilExit()
    return (
      try Data(contentsOf: URL(fileURLWithPath: output)), try String(contentsOfFile: errors, encoding: .utf8),
      process.terminationStatus
    )
  }
}
