import CZooSystem
import Synchronization

/// The mapped files of this process, where a signal handler finds them.
package enum MappingRegister {
  /// One mapping, which a signal handler may read at any moment; only ``lock``'s holder changes it.
  private struct Entry {
    var start: UnsafeRawPointer?
    var count = 0
    var path: UnsafeMutablePointer<CChar>?
  }

  private nonisolated(unsafe) static let entries = {
    let entries = UnsafeMutableBufferPointer<Entry>.allocate(capacity: 64)
    entries.initialize(repeating: Entry())
    return entries
  }()
  private static let lock = Mutex<Bool>(false)

  /// The place of a mapping in the register.
  struct Registration: Sendable {
    fileprivate let index: Int

    func remove() {
      MappingRegister.lock.withLock { _ in
        entries[index].start = nil
        // No handler reports a mapping that is gone, and this one is about to go.
        free(entries[index].path)
        entries[index].path = nil
      }
    }
  }

  /// Enters a mapping; nil where the register is not used, or full: then a loss goes without its name.
  static func add(_ bytes: UnsafeRawBufferPointer, path: String) -> Registration? {
    lock.withLock { isUsed in
      guard isUsed, let start = bytes.baseAddress, let index = entries.firstIndex(where: { $0.start == nil })
      else { return nil }
      entries[index].path = strdup(path)
      entries[index].count = bytes.count
      entries[index].start = start
      return Registration(index: index)
    }
  }

  /// From now on, where a mapped file becomes shorter or its disk fails, this process removes its hidden
  /// files, says so in one line on standard error and ends with exit code 74. For programs, not for
  /// libraries.
  package static func reportLossesAndExit() {
    lock.withLock { $0 = true }
    _ = entries
    zoo_process_on_bus_error { address in
      // Only calls that are safe in a signal handler.
      guard let address, let entry = MappingRegister.entry(of: address) else { return }
      TemporaryName.removeAll()
      MappingRegister.say("zoo: error: cannot read ")
      if let path = entry.path { _ = write(STDERR_FILENO, path, strlen(path)) }
      MappingRegister.say(": it was truncated while it was read, or its disk failed\n")
      _exit(74)
    }
  }

  private static func entry(of address: UnsafeRawPointer) -> Entry? {
    for entry in entries {
      guard let start = entry.start else { continue }
      // The file's last page belongs to its mapping.
      if address >= start, address < start + entry.count { return entry }
    }
    return nil
  }

  private static func say(_ text: StaticString) {
    _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }
}
