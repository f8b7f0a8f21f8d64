import ZooSystem

/// Attempts at one download, one after the other; each begins where the one before broke off.
struct Attempt {
  let download: Download
  let partial: PartialFile
  /// Whether the source has answered before.
  private var hasAnswered = false
  /// Whether a server was asked a second time not to compress.
  private var insists = false

  private var expectation: Expectation { download.expectation }

  init(download: Download, partial: PartialFile) {
    self.download = download
    self.partial = partial
  }

  /// Asks for the bytes that are missing and writes them. Returns when all are here, with where they came
  /// from.
  mutating func run() async throws(Setback) -> WebAddress {
    while true {
      if let source = try await once() { return source }
    }
  }

  /// Nil: at once again, with what has become known.
  private mutating func once() async throws(Setback) -> WebAddress? {
    if partial.bytes > 0, partial.etag == nil, !expectation.isHashKnown {
      try startOver("nothing tells whether the file has changed in the meantime")
    }
    let reply = try await download.exchange.send(
      .get, download.address, headers: headers, hasAnswered: hasAnswered)
    hasAnswered = true
    try checkTrust(of: reply)
    switch reply.head.status {
    case 200, 206:
      guard let coding = reply.head.encoding else { break }
      guard !insists else {
        throw .final(
          .unsupported, reply.address,
          "the server compresses the file (\(coding)), though it was asked not to")
      }
      insists = true
      return nil
    default: break
    }
    switch reply.head.status {
    case 200: return try await receiveAll(reply)
    case 206 where partial.bytes > 0: return try await receiveRest(reply)
    case 416 where partial.bytes > 0: return try finish(reply)
    default: throw Setback(reply.head, at: reply.address, now: download.configuration.now())
    }
  }

  private var headers: [String: String] {
    var headers = [
      "Accept-Encoding": insists ? "identity;q=1, *;q=0" : "identity", "User-Agent": Fetcher.userAgent,
    ]
    if partial.bytes > 0 {
      headers["Range"] = "bytes=\(partial.bytes)-"
      if let tag = partial.etag { headers["If-Range"] = tag }
    }
    return headers
  }

  /// Without a hash, only an encrypted connection says whose file it is.
  private func checkTrust(of reply: Exchange.Reply) throws(Setback) {
    guard !expectation.isHashKnown, reply.address.scheme == .http, !reply.address.isLoopback else { return }
    throw .final(
      .unsupported, reply.address, "no hash of the file is known, and the connection is not encrypted",
      remedy: "State the hash with --sha256.")
  }

  // MARK: The three answers

  /// The whole file, whether or not only the rest was wanted.
  private func receiveAll(_ reply: Exchange.Reply) async throws(Setback) -> WebAddress {
    let head = reply.head
    if partial.bytes > 0 { try startOver("the server sends the whole file again") }
    let length = head.contentLength
    if length == nil, !head.isChunked, !expectation.isHashKnown, expectation.bytes == nil {
      throw .final(
        .unsupported, reply.address, "the server doesn't state its length, and no hash of the file is known",
        remedy: "State the hash with --sha256.")
    }
    try await receive(reply, total: length)
    return reply.address
  }

  /// The rest, if it is that.
  private func receiveRest(_ reply: Exchange.Reply) async throws(Setback) -> WebAddress? {
    guard let part = reply.head.part, part.start == partial.bytes else {
      try startOver("the server sends a different part than requested")
      return nil
    }
    if let total = part.total, let known = partial.length, total != known {
      try startOver("the length of the file has changed")
      return nil
    }
    if let tag = partial.etag, let now = reply.head.strongTag, tag != now {
      try startOver("the file has changed")
      return nil
    }
    let end = part.start + part.count
    if let total = part.total, end != total {
      // A shorter part than was asked for is right, and asks for another request.
      try await receive(reply, total: total, upTo: end)
      throw .cut(reply.address, "the server sends the file in parts")
    }
    try await receive(reply, total: end)
    return reply.address
  }

  /// There is no rest: all is here, or nothing of it fits.
  private func finish(_ reply: Exchange.Reply) throws(Setback) -> WebAddress? {
    let total = reply.head.unsatisfiedTotal ?? expectation.bytes
    if let total, total == partial.bytes, expectation.isHashKnown || partial.length == total {
      return reply.address
    }
    try startOver("the server has no such part of the file")
    return nil
  }

  private func startOver(_ why: String) throws(Setback) {
    do throws(ZooError) {
      try partial.empty()
    } catch {
      throw .final(error)
    }
    download.progress(.startedOver(reason: why))
  }

  // MARK: The body

  /// Writes the body after what is here.
  ///
  /// - Parameters:
  ///   - total: the length of the whole file, where the server says it.
  ///   - end: where the body ends, if not there.
  private func receive(_ reply: Exchange.Reply, total: Int?, upTo end: Int? = nil) async throws(Setback) {
    try check(total: total, at: reply.address)
    // A part is of the file that was asked for, whether or not its answer says so again.
    let tag = reply.head.strongTag ?? (reply.head.status == 206 ? partial.etag : nil)
    partial.describe(address: download.address.text, etag: tag, length: total)
    let known = total ?? expectation.bytes
    let limit = end ?? known ?? download.configuration.byteLimit
    download.progress(.received(bytes: partial.bytes, total: known))
    while let bytes = try await reply.next() {
      guard bytes.count <= limit - partial.bytes else { throw tooMuch(total, at: reply.address) }
      do throws(ZooError) {
        try partial.append(bytes)
      } catch {
        throw .final(error)
      }
      download.progress(.received(bytes: partial.bytes, total: known))
    }
    if let end = end ?? known, partial.bytes < end {
      throw .cut(reply.address, "it ended after \(grouped(partial.bytes)) of \(grouped(end)) bytes")
    }
  }

  /// Before anything of the body is taken.
  private func check(total: Int?, at address: WebAddress) throws(Setback) {
    if let total, let bytes = expectation.bytes, total != bytes {
      throw .final(
        .damaged, address,
        "\(download.name) should have \(grouped(bytes)) bytes, but the server's file has \(grouped(total))",
        remedy: "It is another file, or a web page in its place.")
    }
    guard let known = total ?? expectation.bytes else { return }
    let limit = download.configuration.byteLimit
    guard known <= limit else {
      throw .final(
        .tooLarge, address, "it has \(grouped(known)) bytes, and the limit is \(grouped(limit))",
        remedy: "If you want it, raise the limit with --max-bytes.")
    }
    let folder = folder(of: download.place.path)
    let missing = known - partial.bytes
    if let free = download.configuration.freeBytes(folder), free < missing {
      throw .final(
        ZooError.file(
          .create, download.place.path,
          reason: "\(byteSize(missing)) are needed and \(byteSize(free)) are free",
          remedy: "Free some space, or choose a folder on another disk."))
    }
  }

  /// The body goes on after its end.
  ///
  /// - Parameter total: what the server has said.
  private func tooMuch(_ total: Int?, at address: WebAddress) -> Setback {
    // Nothing tells which of the bytes are the right ones.
    try? partial.empty()
    if total != nil { return .cut(address, "the server sends more bytes than it announced") }
    if let bytes = expectation.bytes {
      return .final(
        .damaged, address, "\(download.name) should have \(grouped(bytes)) bytes, but the server sends more",
        remedy: "It is another file, or a web page in its place.")
    }
    return .final(
      .tooLarge, address,
      "it has more bytes than the limit of \(grouped(download.configuration.byteLimit))",
      remedy: "If you want it, raise the limit with --max-bytes.")
  }
}
