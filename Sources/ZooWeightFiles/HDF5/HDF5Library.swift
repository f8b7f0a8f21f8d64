import CHDF5
import Synchronization

/// The door to libhdf5: it is rarely built for several threads, so all calls go through one lock.
enum HDF5Library {
  private static let lock = Mutex<Bool>(false)

  /// Runs `body`, the only place from where libhdf5 may be called; not to be nested.
  static func locked<Result: Sendable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try lock.withLock { started throws(Failure) in
      if !started {
        zoo_h5_start()
        started = true
      }
      zoo_h5_prepare_thread()
      return try body()
    }
  }

  /// What libhdf5 says about its last failure, from where it happened; only inside ``locked(_:)``.
  static func lastMessage() -> String { message(zoo_h5_error_message) }

  /// The message that `write` writes into the text of the given capacity.
  static func message(_ write: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
      guard let start = text.baseAddress else { return "" }
      start.pointee = 0
      write(start, text.count)
      let message = String(cString: start)
      return message.isEmpty ? "libhdf5 fails without a reason" : "libhdf5 says: \(message)"
    }
  }
}

/// An open HDF5 object of any kind, closed at the end of its life; only inside
/// ``HDF5Library/locked(_:)``.
struct HDF5Handle: ~Copyable {
  let id: hid_t

  /// Returns nil for the negative number by which libhdf5 says that it failed.
  init?(_ id: hid_t) {
    guard id >= 0 else { return nil }
    self.id = id
  }

  deinit { H5Idec_ref(id) }
}
