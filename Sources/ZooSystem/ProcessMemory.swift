/// The memory of this process.
package enum ProcessMemory {
  /// The most that was resident at once, in bytes; 0 where the system doesn't say.
  package static var peakBytes: Int {
    #if canImport(Darwin)
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      // Not `getrusage`, which begins with what the parent had when it started this process.
      guard let file = fopen("/proc/self/status", "r") else { return 0 }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 256)
      while fgets(&line, CInt(line.count), file) != nil {
        var kibibytes = 0
        let found = withUnsafeMutablePointer(to: &kibibytes) { pointer in
          withVaList([pointer]) { vsscanf(line, "VmHWM: %ld", $0) }
        }
        if found == 1 { return kibibytes * 1024 }
      }
      return 0
    #endif
  }
}
