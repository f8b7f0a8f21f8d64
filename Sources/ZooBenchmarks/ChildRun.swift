#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One run of another program: how long it took and the most memory that it had.
struct ChildRun {
  let milliseconds: Double
  let peakBytes: Int
  let succeeded: Bool

  /// Runs `arguments`, the first of which is searched in PATH, with its output thrown away.
  init(_ arguments: [String]) {
    var actions = Self.emptyActions
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
    }
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let clock = ContinuousClock()
    let start = clock.now
    var child: pid_t = 0
    guard let program = words[0], posix_spawnp(&child, program, &actions, nil, &words, environ) == 0 else {
      (milliseconds, peakBytes, succeeded) = (0, 0, false)
      return
    }
    var status: CInt = 0
    var usage = rusage()
    while wait4(child, &status, 0, &usage) < 0 && errno == EINTR {}
    milliseconds = (clock.now - start).milliseconds
    #if canImport(Darwin)
      peakBytes = Int(usage.ru_maxrss)
    #else
      peakBytes = Int(usage.ru_maxrss) * 1024
    #endif
    succeeded = status == 0
  }

  #if canImport(Darwin)
    private static var emptyActions: posix_spawn_file_actions_t? { nil }
  #else
    private static var emptyActions: posix_spawn_file_actions_t { posix_spawn_file_actions_t() }
  #endif
}
