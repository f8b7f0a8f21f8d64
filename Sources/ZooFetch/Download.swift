import ZooSystem

/// One file on its way from a server to its place: want, have, partial, verify, publish.
///
/// A later run goes on wherever this one is abandoned. The file gets its name last, after its hash was
/// checked.
struct Download: Sendable {
  /// What messages call the file.
  let name: String
  let address: WebAddress
  let expectation: Expectation
  let place: Place
  let exchange: Exchange
  let configuration: FetchConfiguration
  let progress: @Sendable (FetchProgress) -> Void
  /// Called once all is here and right, before the file gets its name.
  var willPublish: @Sendable (Received) throws(ZooError) -> Void = { _ in }

  /// What came.
  struct Received: Sendable {
    let digests: FileDigests
    /// Where the bytes came from, after redirects.
    let address: WebAddress
  }

  // MARK: The lock

  /// Runs `body` while no other process writes the file; waits for one that does, and says so.
  func withLock<Result: Sendable>(
    _ body: () async throws(ZooError) -> Result
  ) async throws(ZooError) -> Result {
    try FileSystem.make(folder: folder(of: place.path))
    try FileSystem.make(folder: folder(of: place.lock))
    var waits = 0
    while true {
      if let lock = try FileLock.attempt(place.lock) {
        defer { lock.release() }
        return try await body()
      }
      if waits == 0 { progress(.waiting(name: name)) }
      waits += 1
      try await configuration.pause(seconds: waits < 4 ? 0.25 : 1)
    }
  }

  // MARK: From partial to published

  /// Downloads the file and gives it its name. Only for the lock's holder.
  func run() async throws(ZooError) -> Received {
    let partial = try PartialFile(path: place.partial, recordPath: place.record)
    // Whatever happens, a later run goes on from here.
    defer { partial.leave() }
    var isResumed = try restore(partial)
    var isSecond = false
    while true {
      let source = try await complete(partial, isResumed: &isResumed)
      let received = Received(digests: partial.digests, address: source)
      guard let fault = try expectation.fault(of: received.digests, path: partial.path) else {
        try willPublish(received)
        try partial.publish(as: place.path)
        return received
      }
      try partial.empty()
      // What came in one piece would come again.
      guard isResumed, !isSecond else { throw damaged(fault, at: source) }
      isSecond = true
      progress(.startedOver(reason: "the joined parts have the wrong hash"))
    }
  }

  private func damaged(_ fault: Expectation.Fault, at source: WebAddress) -> ZooError {
    let why = "\(name) should have \(fault.expected), but the downloaded file has \(fault.found)"
    return ZooError(
      .damaged, what: "wrong file", at: source.shown, why,
      remedy: "Nothing was kept. Its publisher has replaced the file, or it was changed on the way.")
  }

  /// Takes up what an earlier run has left; returns whether there is something.
  private func restore(_ partial: PartialFile) throws(ZooError) -> Bool {
    let restored = try partial.restore(
      address: address.text, isHashKnown: expectation.isHashKnown
    ) { progress(.hashing(done: $0, total: $1)) }
    switch restored {
    case .nothing: return false
    case .useless(let why):
      progress(.startedOver(reason: "the bytes from an earlier run can't be used: \(why)"))
      return false
    case .kept(let bytes):
      progress(.resumed(from: bytes))
      return true
    }
  }

  /// Asks until all bytes are here; returns where they came from.
  ///
  /// - Parameter isResumed: set where they don't come in one piece.
  private func complete(
    _ partial: PartialFile, isResumed: inout Bool
  ) async throws(ZooError) -> WebAddress {
    // An earlier run may have been stopped right before the end.
    if expectation.isHashKnown, partial.bytes > 0, partial.bytes == expectation.bytes ?? partial.length {
      return address
    }
    var attempt = Attempt(download: self, partial: partial)
    do throws(Setback) {
      return try await configuration.retrying(partial, progress: progress) { () async throws(Setback) in
        isResumed = isResumed || partial.bytes > 0
        do throws(Setback) {
          return try await attempt.run()
        } catch {
          partial.checkpoint()
          throw error
        }
      }
    } catch {
      throw error.error
    }
  }
}
