import CZooSystem
import ZooSystem
import ZooTensor

/// The child process in which libhdf5 looks at a file, and the question to it.
///
/// It gets the file as its standard input, says on its standard output what is in it, and ends. No
/// tensor passes between the processes, only the catalogue.
public enum HDF5Helper {
  /// The first argument that makes the executable this helper.
  private static let argument = "--hdf5-catalogue"
  /// What an answer starts with; it changes with the answer's form.
  private static let magic = Array("zooh5c1\n".utf8)
  /// Enough for the text that is allowed, with what stands around it.
  private static func answerLimit(_ limits: ReadingLimits) -> Int {
    let (size, overflow) = limits.text.multipliedReportingOverflow(by: 4)
    return overflow ? .max : size
  }

  // MARK: The parent

  /// The catalogue of an HDF5 file that starts with its signature.
  static func catalogue(
    of file: ByteSlice, executable: String, location: String
  ) throws(ZooError) -> HDF5Catalogue {
    func fault(_ why: String) -> ZooError {
      ZooError(.malformed, "HDF5 file", at: location, why)
    }
    let limits = ReadingLimits.current
    let seconds = limits.seconds(forBytes: file.count)
    let answer: [UInt8]
    do throws(ChildProcess.Failure) {
      let input = try InputFile(file)
      answer = try ChildProcess.answer(
        of: executable, arguments: [argument, "\(input.start)", "\(file.count)", limits.changes],
        input: input.descriptor, atMost: answerLimit(limits), seconds: limits.seconds)
    } catch {
      switch error {
      case .notStarted(let why):
        throw ZooError(
          .unreadable, "HDF5 file", at: location, "the helper \(executable) can't be run: \(why)")
      case .crashed(let signal):
        throw fault("libhdf5 fails on it (\(signal)): its structure is damaged")
      case .timeout:
        throw ZooError(
          .unsupported, "HDF5 file", at: location,
          "libhdf5 did not finish within \(seconds == 1 ? "a second" : "\(seconds) seconds"): its structure is damaged or excessive",
          remedy: ReadingLimits.remedy("seconds"))
      case .tooLong: throw fault("it has more content than any weight file")
      case .failed(let code): throw fault("libhdf5 fails on it (exit code \(code)): its structure is damaged")
      }
    }
    return try catalogue(in: answer, executable: executable, location: location)
  }

  /// What an answer of `executable` says.
  private static func catalogue(
    in answer: [UInt8], executable: String, location: String
  ) throws(ZooError) -> HDF5Catalogue {
    guard answer.starts(with: magic), answer.count > magic.count else {
      throw ZooError(
        .unreadable, "HDF5 file", at: location,
        "\(executable) is not the helper of this version of the program")
    }
    let isCatalogue = answer[magic.count] == 0
    let (catalogue, problem) = answer.withUnsafeBytes { raw in
      let rest = UnsafeRawBufferPointer(rebasing: raw[(magic.count + 1)...])
      return (
        isCatalogue ? CatalogueDecoder.catalogue(rest) : nil,
        isCatalogue ? nil : CatalogueDecoder.problem(rest)
      )
    }
    if let problem { throw ZooError(problem, at: location) }
    guard let catalogue else {
      throw ZooError(
        .malformed, "HDF5 file", at: location, "libhdf5's description of it is inconsistent")
    }
    return catalogue
  }

  /// Reads every dataset of `file` that `answer` describes, where neither need be what it should: for tests.
  package static func readAll(of file: ByteSlice, answer: [UInt8]) throws(ZooError) {
    let catalogue = try catalogue(in: answer, executable: "the test", location: "the file")
    try HDF5File(bytes: file, location: "the file", catalogue: catalogue).readAll()
  }

  // MARK: The child

  /// The path of this process's executable, for an executable that is its own helper.
  public static func ownExecutable() throws(ZooError) -> String {
    var path = [CChar](repeating: 0, count: 1 << 14)
    let error = zoo_process_executable(&path, path.count)
    guard error == 0 else {
      throw ZooError.file(.open, "this program's own executable", reason: String(cString: strerror(error)))
    }
    return path.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  /// Whether this process has been started to be the helper.
  public static var isRequested: Bool {
    CommandLine.arguments.count == 5 && CommandLine.arguments[1] == argument
  }

  /// Does the helper's work and returns the process's exit code; for the executable's first line.
  public static func run() -> Int32 {
    let arguments = CommandLine.arguments
    guard let start = Int(arguments[2]), let count = Int(arguments[3]),
      let limits = ReadingLimits(changes: arguments[4]), start >= 0, count > 0, start <= .max - count
    else { return 64 }
    zoo_process_confine(limits.memory, start + count, UInt32(clamping: limits.seconds(forBytes: count)))
    var status = stat()
    guard fstat(STDIN_FILENO, &status) == 0, Int(status.st_size) >= start + count,
      let address = mmap(nil, start + count, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0), address != MAP_FAILED
    else { return 74 }
    let file = UnsafeRawBufferPointer(start: address + start, count: count)
    let answer = answer(about: file, limits: limits)
    return answer.withUnsafeBytes { ChildProcess.write($0, to: STDOUT_FILENO) } ? 0 : 74
  }

  /// What the helper says about an HDF5 file that starts with its signature.
  package static func answer(about file: UnsafeRawBufferPointer, limits: ReadingLimits) -> [UInt8] {
    do throws(HDF5Catalogue.Problem) {
      return magic + [0] + CatalogueEncoder(try HDF5Walk.catalogue(of: file, limits: limits)).bytes
    } catch {
      return magic + [1] + CatalogueEncoder(error).bytes
    }
  }
}
