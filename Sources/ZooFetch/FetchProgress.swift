/// What is being done for a file.
package enum FetchProgress: Sendable, Hashable {
  /// The file of this name is next: looked for in caches, then asked for.
  case began(name: String)
  /// Another process fetches the same file; this one waits for it.
  case waiting(name: String)
  /// Bytes that are here already are hashed.
  case hashing(done: Int, total: Int)
  /// A part from before is kept, of this many bytes.
  case resumed(from: Int)
  /// The part until now is of no use; why not.
  case startedOver(reason: String)
  /// This many bytes are here; of so many, where that is known.
  case received(bytes: Int, total: Int?)
  /// The next attempt comes after so many seconds; why.
  case retrying(attempt: Int, seconds: Double, reason: String)
}
