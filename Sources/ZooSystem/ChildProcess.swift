import CZooSystem

// The calls whose names members of types below take.
private let systemRead = read
private let systemWrite = write

/// A child process that is asked one question and does not outlive its answer.
package enum ChildProcess {
  package enum Failure: Error {
    case notStarted(String)
    /// It was ended by a signal, here by its name.
    case crashed(String)
    /// It had no answer in time, by the clock or by the processor.
    case timeout
    /// It says more than is allowed.
    case tooLong
    /// It ended with this exit code.
    case failed(code: Int)
  }

  /// Runs `executable` with the open file `input` as its standard input; returns what it writes to its
  /// standard output. It is killed after `seconds`, and when it writes more than `limit` bytes.
  package static func answer(
    of executable: String, arguments: [String], input: CInt, atMost limit: Int, seconds: Int
  ) throws(Failure) -> [UInt8] {
    let (reader, child) = try start(executable, arguments, input: input)
    defer { close(reader) }
    let output = Result { () throws(Failure) in try read(reader, atMost: limit, seconds: seconds) }
    if case .failure = output { kill(child, SIGKILL) }
    var (code, signal): (CInt, CInt) = (0, 0)
    let error = zoo_process_wait(child, &code, &signal)
    let answer = try output.get()
    // A program that does not wait for its children can't know how this one ended: its answer must do.
    guard error == 0 else { return answer }
    if signal == SIGXCPU || signal == SIGKILL { throw .timeout }
    guard signal == 0 else { throw .crashed(String(cString: strsignal(signal))) }
    guard code == 0 else { throw .failed(code: Int(code)) }
    return answer
  }

  /// Writes all of `bytes`; false where that fails.
  package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> Bool {
    var done = 0
    while done < bytes.count, let start = bytes.baseAddress {
      let count = systemWrite(descriptor, start + done, bytes.count - done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  /// Starts the child; returns the end of a pipe from which its output comes.
  private static func start(
    _ executable: String, _ arguments: [String], input: CInt
  ) throws(Failure) -> (reader: CInt, child: pid_t) {
    func failure(_ code: CInt) -> Failure { .notStarted(String(cString: strerror(code))) }
    var ends: [CInt] = [-1, -1]
    let error = zoo_process_pipe(&ends)
    guard error == 0 else { throw failure(error) }
    let (reader, writer) = (ends[0], ends[1])
    // Not one of the standard streams, over which the child's would be laid.
    let source = fcntl(input, F_DUPFD_CLOEXEC, 3)
    let sourceError = errno
    defer {
      close(writer)
      if source >= 0 { close(source) }
    }
    guard source >= 0 else {
      close(reader)
      throw failure(sourceError)
    }
    var child: pid_t = 0
    var pointers: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    let spawnError = zoo_process_spawn(executable, pointers, source, writer, &child)
    guard spawnError == 0 else {
      close(reader)
      throw failure(spawnError)
    }
    return (reader, child)
  }

  private static func read(
    _ descriptor: CInt, atMost limit: Int, seconds: Int
  ) throws(Failure) -> [UInt8] {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let left = clock.now.duration(to: end)
      guard left > .zero else { throw .timeout }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, CInt(clamping: min(left.components.seconds, 1_000_000) * 1000 + 100))
      if ready < 0, errno != EINTR { throw .failed(code: Int(errno)) }
      guard ready > 0 else { continue }
      let count = systemRead(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .failed(code: Int(errno)) }
      if count == 0 { return output }
      guard output.count + count <= limit else { throw .tooLong }
      output += buffer[..<count]
    }
  }
}

/// An open file to give to a child process: the one in which bytes lie, or a copy of them.
package struct InputFile: ~Copyable {
  package let descriptor: CInt
  /// Where in it the bytes start.
  package let start: Int
  /// What closes it, where that is not this.
  private let owner: MappedFile?

  package init(_ bytes: ByteSlice) throws(ChildProcess.Failure) {
    owner = bytes.owner as? MappedFile
    if let owner {
      descriptor = owner.descriptor
      start = bytes.range.lowerBound
    } else {
      descriptor = try Self.copy(bytes)
      start = 0
    }
  }

  deinit { if owner == nil { close(descriptor) } }

  /// A file without a name that holds `bytes`.
  private static func copy(_ bytes: ByteSlice) throws(ChildProcess.Failure) -> CInt {
    let folder = TemporaryFile.systemFolder
    var template = Array("\(folder)/zoo-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    func failure() -> ChildProcess.Failure { .notStarted("\(folder): \(String(cString: strerror(errno)))") }
    guard descriptor >= 0 else { throw failure() }
    unlink(template)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    guard bytes.withUnsafeBytes({ ChildProcess.write($0, to: descriptor) }) else {
      let failure = failure()
      close(descriptor)
      throw failure
    }
    return descriptor
  }
}
