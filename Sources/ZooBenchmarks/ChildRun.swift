import ZooSystem

/// One run of another program: how long it took, the most memory that it had, and what it printed.
struct ChildRun {
  let milliseconds: Double
  let peakBytes: Int
  let succeeded: Bool
  /// What it wrote to standard output, where that was wanted.
  let output: [UInt8]

  /// Runs `arguments`, the first of which is searched in PATH; its output is thrown away unless wanted.
  init(_ arguments: [String], capturing: Bool = false) {
    var actions = Self.emptyActions
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var pipe: [CInt] = [-1, -1]
    let hasPipe = capturing && Self.makePipe(&pipe)
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] where !hasPipe || descriptor == STDERR_FILENO {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
    }
    if hasPipe {
      posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO)
      for end in pipe { posix_spawn_file_actions_addclose(&actions, end) }
    }
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let clock = ContinuousClock()
    let start = clock.now
    var child: pid_t = 0
    guard let program = words[0], posix_spawnp(&child, program, &actions, nil, &words, environ) == 0 else {
      (milliseconds, peakBytes, succeeded, output) = (0, 0, false, [])
      if hasPipe { for end in pipe { close(end) } }
      return
    }
    output = hasPipe ? Self.readAll(pipe) : []
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

  private static func makePipe(_ ends: inout [CInt]) -> Bool { pipe(&ends) == 0 }

  /// What comes out of a pipe until nobody can write to it any more; closes it.
  private static func readAll(_ pipe: [CInt]) -> [UInt8] {
    close(pipe[1])
    defer { close(pipe[0]) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(pipe[0], &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return output }
      output += buffer[..<count]
    }
  }

  #if canImport(Darwin)
    private static var emptyActions: posix_spawn_file_actions_t? { nil }
  #else
    private static var emptyActions: posix_spawn_file_actions_t { posix_spawn_file_actions_t() }
  #endif
}
