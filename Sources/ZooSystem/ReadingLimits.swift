import Synchronization

/// How much a file may ask for before it is refused, all in one place.
///
/// The limits are far above every real network and far below what would exhaust a machine. They hold for
/// the whole process; a program may raise them for files that it trusts.
public struct ReadingLimits: Sendable, Hashable {
  /// Groups, datasets, links and attributes of an HDF5 file, or values of a JSON document or a pickle, together.
  public var objects = 1_000_000
  /// Tensors of one file.
  public var tensors = 100_000
  /// Members of a ZIP archive.
  public var members = 100_000
  /// Chunks of one HDF5 dataset.
  public var chunks = 65_536
  /// How deep the groups of an HDF5 file may nest.
  public var groups = 64
  /// How deep a JSON document may nest.
  public var nesting = 200
  /// How deep the values of a pickle may nest.
  public var depth = 1000
  /// Instructions of a pickle.
  public var instructions = 10_000_000
  /// Bytes of one JSON document or pickle, and of all names and attributes of an HDF5 file.
  public var text = 64 << 20
  /// Bytes of data that a file may declare without storing a fair part of them: beyond this, more than
  /// 1000 times the stored bytes of an HDF5 file, or 100 times those of an archive's member, are refused.
  public var expansion = 1 << 30
  /// Bytes that a network's values take while it runs.
  public var activations = 8 << 30
  /// Pixels of a picture, width times height.
  public var pixels = 1 << 27
  /// Bytes of an image file.
  public var image = 1 << 30
  /// Bytes of a weight file that comes on standard input.
  public var input = 64 << 30
  /// Bytes of memory of the process in which libhdf5 runs.
  public var memory = 1 << 30
  /// Seconds of that process for a large file; one below 76 MiB gets a part of them.
  public var seconds = 20

  /// The limits as they are at first.
  public init() {}

  // In a class: a mutex of this many bytes that is itself a global starts as zeros (Swift 6.3, -O).
  private final class Shared: Sendable {
    let limits = Mutex(ReadingLimits())
  }
  private static let shared = Shared()

  /// What holds instead in one task, for tests that run beside others.
  @TaskLocal package static var scoped: ReadingLimits?

  /// The limits that hold in this process.
  public static var current: ReadingLimits {
    get { scoped ?? shared.limits.withLock { $0 } }
    set { shared.limits.withLock { $0 = newValue } }
  }

  /// The seconds of processor time that libhdf5 gets for a file of `count` bytes: all of ``seconds`` from 80 MB
  /// on, a twentieth of them (one second at first) for up to 4 MB. Sound files take some milliseconds.
  package func seconds(forBytes count: Int) -> Int {
    let step = 4 << 20
    let share = min(20, 1 + max(0, count - 1) / step)
    let (product, overflow) = seconds.multipliedReportingOverflow(by: share)
    return overflow ? seconds : max(1, (product + 19) / 20)
  }

  /// The limits with those changed that `text` names: `tensors=200000,text=128M`. A number can end in K, M
  /// or G, for 2 to the power of 10, 20 or 30. Nil where it names no limit or no number above 0.
  public init?(changes text: String) {
    self.init()
    for change in text.split(separator: ",") {
      let parts = change.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let limit = Self.named.first(where: { $0.name == parts[0] })?.limit,
        let value = Self.number(parts[1])
      else { return nil }
      self[keyPath: limit] = value
    }
  }

  /// All limits by name, in the form that ``init(changes:)`` reads.
  package var changes: String {
    Self.named.map { "\($0.name)=\(self[keyPath: $0.limit])" }.joined(separator: ",")
  }

  private static func number(_ text: Substring) -> Int? {
    let shift: Int? =
      switch text.last {
      case "K": 10
      case "M": 20
      case "G": 30
      default: nil
      }
    guard let value = Int(shift == nil ? text : text.dropLast()), value > 0 else { return nil }
    let (scaled, overflow) = value.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    return overflow ? nil : scaled
  }

  private static var named: [(name: String, limit: WritableKeyPath<ReadingLimits, Int> & Sendable)] {
    [
      ("objects", \.objects), ("tensors", \.tensors), ("members", \.members), ("chunks", \.chunks),
      ("groups", \.groups), ("nesting", \.nesting), ("depth", \.depth), ("instructions", \.instructions),
      ("text", \.text), ("expansion", \.expansion),
      ("activations", \.activations), ("pixels", \.pixels), ("image", \.image), ("input", \.input),
      ("memory", \.memory), ("seconds", \.seconds),
    ]
  }

  /// Where a program sets a limit, in the texts of errors.
  package static let place = "ReadingLimits.current."

  /// What a program can do about a file that the limit `name` refuses.
  package static func remedy(_ name: String) -> String { "If you trust the file, raise \(place)\(name)." }
}
