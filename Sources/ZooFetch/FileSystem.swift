import ZooSystem

/// What downloads ask of the file system.
package enum FileSystem {
  /// The bytes that this user can still write to `folder`; nil where the system doesn't say.
  package static func freeBytes(folder: String) -> Int? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return nil }
    let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    return overflow ? .max : bytes
  }
}
