/// What went wrong, for a person who can act on it and for a program that has to decide.
///
/// It is printed as `WHAT in WHERE: WHY`, or `cannot open FILE: WHY` where a whole file is concerned. All
/// modules of this package throw it; a program switches on ``code``.
public struct ZooError: Error, Sendable, CustomStringConvertible {
  /// Which failure it is.
  public let code: Code
  /// What could not be done or what is wrong, for example `malformed HDF5 file`.
  public let what: String
  /// Where: a file, and inside it a tensor, layer or byte offset; empty where that says nothing.
  public let location: String
  /// Why: what was expected and what was found.
  public let why: String
  /// What a person can do about it, if anything is known to help.
  public let remedy: String?
  /// What led to this error, where a program can learn more from it.
  public let underlyingError: (any Error)?

  /// The kind of failure that the code belongs to; the command's exit code follows from it.
  public var category: ErrorCategory { code.category }

  /// One line of readable length, whatever names a file has.
  public var description: String {
    let subject =
      location.isEmpty
      ? what.shortened : what.shortened + (code.takesObject ? " " : " in ") + location.shortened
    return "\(subject): \(why.shortened)".onOneLine
  }
}

extension ZooError {
  /// - Parameters:
  ///   - what: what could not be done or what is wrong, in a few words.
  ///   - location: the file, and inside it the layer or tensor at fault.
  ///   - why: what was expected and what was found.
  package init(
    _ code: Code, what: String, at location: String, _ why: String, remedy: String? = nil,
    underlyingError: (any Error)? = nil
  ) {
    self.code = code
    self.what = what
    self.location = location
    self.why = why
    self.remedy = remedy
    self.underlyingError = underlyingError
  }

  /// An error about something that is read, for example an `HDF5 file` or an `npy header`; the code gives the verb.
  package init(_ code: Code, _ subject: String, at location: String, _ why: String, remedy: String? = nil) {
    self.init(code, what: "\(code.verb) \(subject)", at: location, why, remedy: remedy)
  }

  /// A failed operation on the file at `path`. Takes the reason from `errno` unless one is given.
  package static func file(
    _ operation: FileOperation, _ path: String, reason: String? = nil, remedy: String? = nil
  ) -> ZooError {
    let number = errno
    return ZooError(
      operation.code, what: operation.code.verb, at: path,
      reason ?? operation.reason(number, path: path), remedy: remedy)
  }

  /// The task was cancelled.
  package static var cancelled: ZooError {
    ZooError(
      .cancelled, what: "cancelled", at: "", "the task that asked for it was cancelled",
      underlyingError: CancellationError())
  }

  /// An error about a list of nodes that is no valid graph; `layer` is the one at fault, empty for the graph.
  package static func invalidNetwork(layer: String, _ why: String) -> ZooError {
    ZooError(
      .invalidNetwork, what: "invalid network", at: layer.isEmpty ? "the graph" : "layer '\(layer)'", why)
  }

  /// The same error at a place that its thrower could not know.
  package func relocated(to location: String, why: String? = nil) -> ZooError {
    ZooError(
      code, what: what, at: location, why ?? self.why, remedy: remedy, underlyingError: underlyingError)
  }

  /// Any error in the one type that this package throws.
  package init(_ error: any Error) {
    self =
      error as? ZooError
      ?? ZooError(.unexpected, what: "unexpected fault", at: "", "\(error)", underlyingError: error)
  }

  /// Runs `body` and turns whatever it throws into this type.
  package static func wrap<Result>(_ body: () throws -> Result) throws(ZooError) -> Result {
    do {
      return try body()
    } catch {
      throw ZooError(error)
    }
  }
}

extension ZooError {
  /// What is done with a file.
  package enum FileOperation: Sendable {
    case open, read, create, write

    /// Why the system refused, from its number of the error; names the folder where that is at fault.
    fileprivate func reason(_ number: Int32, path: String) -> String {
      let folder = folder(of: path)
      let name = folder == "." ? "the current folder" : "the folder \(folder)"
      switch (self, number) {
      case (.open, ENOENT), (.create, ENOENT):
        if !exists(folder) { return "there is no folder \(folder)" }
      case (.create, EACCES), (.create, EPERM): return "\(name) is not writable"
      case (.create, EROFS): return "\(name) is on a file system that is not writable"
      case (_, ENOTDIR): return "a part of its path is not a folder"
      case (_, EISDIR): return "it is a folder"
      default: break
      }
      return String(cString: strerror(number))
    }

    fileprivate var code: Code {
      switch self {
      case .open: .cannotOpen
      case .read: .unreadable
      case .create: .cannotCreate
      case .write: .cannotWrite
      }
    }
  }

  /// Which failure an error is. Later versions may add codes, so that a program's `switch` needs a `default`.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code's name, for example `malformed`; it does not change between versions.
    public let description: String
    let category: ErrorCategory
    /// How an error about something that is read begins.
    let verb: String
    /// Whether the verb is about the whole file: `cannot open x.h5`, but `malformed HDF5 file in x.h5`.
    var takesObject: Bool { [.cannotOpen, .cannotCreate, .inputOutput].contains(category) }

    private init(_ name: String, _ category: ErrorCategory = .badInput, verb: String? = nil) {
      self.description = name
      self.category = category
      self.verb = verb ?? name
    }

    // MARK: Files

    /// The bytes break the rules of their own format.
    public static let malformed = Code("malformed")
    /// The file keeps the rules, but uses something that this version does not read or refuses to.
    public static let unsupported = Code("unsupported")
    /// A checksum does not match what it is of.
    public static let damaged = Code("damaged")
    /// A limit for what comes from files is exceeded.
    public static let tooLarge = Code("too-large", verb: "too large")
    /// The file can't be opened.
    public static let cannotOpen = Code("cannot-open", .cannotOpen, verb: "cannot open")
    /// The system failed to deliver the bytes.
    public static let unreadable = Code("unreadable", .inputOutput, verb: "cannot read")
    /// The output can't be made.
    public static let cannotCreate = Code("cannot-create", .cannotCreate, verb: "cannot create")
    /// Writing failed midway.
    public static let cannotWrite = Code("cannot-write", .inputOutput, verb: "cannot write")

    // MARK: Networks and weights

    /// A list of layers makes no network.
    public static let invalidNetwork = Code("invalid-network")
    /// Weights are those of no network that is known.
    public static let unknownNetwork = Code("unknown-network")
    /// What was given does not fit the network: weights, labels, inputs, an architecture, an input size.
    public static let doesNotFit = Code("does-not-fit")
    /// More than one reading of a file is possible, and nothing in it decides.
    public static let ambiguous = Code("ambiguous")
    /// Something that is needed is not there: an array, a weight, a value.
    public static let missing = Code("missing")
    /// The network's input size is open and has to be given.
    public static let openInputSize = Code("open-input-size")
    /// The model is not of the kind that the request needs, for example no classifier.
    public static let unsuitable = Code("unsuitable")
    /// A verification said no; ``ZooError/underlyingError`` has the report.
    public static let verificationFailed = Code("verification-failed", .verificationFailed)

    /// There was something to warn of, and warnings are errors.
    public static let warned = Code("warned")

    // MARK: Requests

    /// No architecture of the catalogue has this name.
    public static let unknownArchitecture = Code("unknown-architecture", .usage)
    /// The model has no layer of this name.
    public static let unknownLayer = Code("unknown-layer", .usage)
    /// An argument makes no sense.
    public static let invalidArgument = Code("invalid-argument", .usage)

    // MARK: Running

    /// The engine can't run the network.
    public static let cannotRun = Code("cannot-run")
    /// The task that asked for it was cancelled; ``ZooError/underlyingError`` is a `CancellationError`.
    public static let cancelled = Code("cancelled", .cancelled)
    /// The system has no memory left.
    public static let outOfMemory = Code("out-of-memory")
    /// What should not happen.
    public static let unexpected = Code("unexpected", .unexpected)
  }
}

/// The kinds of failure, after `sysexits.h`.
public enum ErrorCategory: Sendable {
  /// The input is malformed, not supported, or does not fit.
  case badInput
  /// The input can't be opened.
  case cannotOpen
  /// The output can't be made.
  case cannotCreate
  /// Reading or writing failed midway.
  case inputOutput
  /// The request itself makes no sense.
  case usage
  /// A verification said no.
  case verificationFailed
  /// Nobody wants the result any more.
  case cancelled
  /// What should not happen.
  case unexpected
}

extension String {
  /// The text, or where it is very long its start and its end.
  fileprivate var shortened: String {
    let limit = 4096
    return utf8.count <= limit ? self : "\(prefix(limit / 8)) … \(suffix(limit / 8))"
  }

  /// The text with blanks for control characters: names from files must not forge further lines or drive
  /// a terminal.
  package var onOneLine: String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.isControl ? " " : $0 }))
  }
}

extension Unicode.Scalar {
  fileprivate var isControl: Bool {
    // C0, C1, and the separators of lines and paragraphs.
    value < 0x20 || (0x7f...0x9f).contains(value) || (0x2028...0x2029).contains(value)
  }
}
