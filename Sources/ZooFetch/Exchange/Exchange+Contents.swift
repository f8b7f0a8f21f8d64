import ZooSystem

extension Exchange {
  /// All bytes of a small file, in memory.
  ///
  /// - Parameter limit: the most that it may have.
  func contents(of address: WebAddress, atMost limit: Int) async throws(Setback) -> [UInt8] {
    let reply = try await send(
      .get, address, headers: ["Accept-Encoding": "identity", "User-Agent": Fetcher.userAgent],
      hasAnswered: false)
    guard reply.head.status == 200 else { throw Setback(reply.head, at: reply.address, now: now()) }
    if let coding = reply.head.encoding {
      throw .final(
        .unsupported, reply.address, "the server compresses the file (\(coding)), though it was asked not to")
    }
    var bytes: [UInt8] = []
    while let more = try await reply.next() {
      guard more.count <= limit - bytes.count else {
        throw .final(.tooLarge, reply.address, "it has more than \(grouped(limit)) bytes")
      }
      bytes += more
    }
    return bytes
  }
}

extension Exchange.Reply {
  /// The next bytes of the body; nil after the last.
  func next() async throws(Setback) -> [UInt8]? {
    if Cancellation.isRequested { throw .final(ZooError.cancelled) }
    do throws(TransportFailure) {
      return try await body.next()
    } catch {
      if Cancellation.isRequested { throw .final(ZooError.cancelled) }
      throw Setback(error, at: address, hasAnswered: true)
    }
  }
}
