/// Where a download lies, while it is made and after.
struct Place: Sendable, Hashable {
  /// The whole file.
  let path: String
  let partial: String
  /// What is known of the partial file.
  let record: String
  let lock: String

  /// In the folder of downloads.
  init(path: String) {
    self.path = path
    partial = path + ".partial"
    record = path + ".partial.json"
    lock = path + ".lock"
  }

  init(path: String, partial: String, record: String, lock: String) {
    self.path = path
    self.partial = partial
    self.record = record
    self.lock = lock
  }
}
