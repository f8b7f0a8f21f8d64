import Synchronization
import ZooFetch

/// A transport without a network: a closure answers, and what was asked is kept.
final class ScriptedWeb: Transport {
  /// What a server does for one request.
  struct Answer: Sendable {
    var status = 200
    var headers: [String: String] = [:]
    var bytes: [UInt8] = []
    /// The body breaks off after so many bytes.
    var cut: Int?
    /// Instead of an answer.
    var failure: TransportFailure?
    /// Called before the bytes from this index on are handed out.
    var hook: (@Sendable (Int) async -> Void)?
    /// Bytes that are handed out at a time.
    var step = 1000

    static func failing(_ failure: TransportFailure) -> Answer { Answer(failure: failure) }
    static func redirect(to location: String, status: Int = 302, headers: [String: String] = [:]) -> Answer {
      Answer(status: status, headers: headers.merging(["location": location]) { $1 })
    }
  }

  private struct State {
    var requests: [TransportRequest] = []
    var bytesRead = 0
  }

  private let state = Mutex(State())
  private let respond: @Sendable (TransportRequest, Int) async -> Answer

  /// - Parameter respond: gets each request with its index.
  init(_ respond: @escaping @Sendable (TransportRequest, Int) async -> Answer) { self.respond = respond }

  var requests: [TransportRequest] { state.withLock { $0.requests } }
  /// Bytes of bodies that were asked for.
  var bytesRead: Int { state.withLock { $0.bytesRead } }

  func send(_ request: TransportRequest) async throws(TransportFailure) -> TransportAnswer {
    let index = state.withLock { state in
      state.requests.append(request)
      return state.requests.count - 1
    }
    let answer = await respond(request, index)
    if let failure = answer.failure { throw failure }
    return TransportAnswer(
      status: answer.status, headers: answer.headers,
      body: Body(request.method == .head ? Answer() : answer) { count in
        self.state.withLock { $0.bytesRead += count }
      })
  }

  private final class Body: TransportBody {
    private let answer: Answer
    private let position = Mutex(0)
    private let read: @Sendable (Int) -> Void

    init(_ answer: Answer, read: @escaping @Sendable (Int) -> Void) {
      self.answer = answer
      self.read = read
    }

    func next() async throws(TransportFailure) -> [UInt8]? {
      let start = position.withLock { $0 }
      await answer.hook?(start)
      let end = min(answer.bytes.count, answer.cut ?? .max, start + answer.step)
      guard start < end else {
        if answer.cut == start { throw .cut("the script says so") }
        // As a transport sees to it.
        if let length = answer.headers["content-length"].flatMap(Int.init), length > start {
          throw .cut("\(start) of \(length) bytes")
        }
        return nil
      }
      position.withLock { $0 = end }
      read(end - start)
      return Array(answer.bytes[start..<end])
    }
  }
}

/// A file as a sound server has it, which knows ranges and entity tags.
struct ServedFile: Sendable {
  var bytes: [UInt8]
  var tag: String? = "\"tag-1\""
  var knowsRanges = true

  func answer(_ request: TransportRequest) -> ScriptedWeb.Answer {
    var headers: [String: String] = [:]
    if let tag { headers["etag"] = tag }
    let isCurrent = request.headers["If-Range"].map { $0 == tag } ?? true
    if knowsRanges, isCurrent, let range = request.headers["Range"],
      let start = Int(range.dropFirst("bytes=".count).dropLast())
    {
      guard start < bytes.count else {
        headers["content-range"] = "bytes */\(bytes.count)"
        return ScriptedWeb.Answer(status: 416, headers: headers)
      }
      headers["content-range"] = "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"
      headers["content-length"] = "\(bytes.count - start)"
      return ScriptedWeb.Answer(status: 206, headers: headers, bytes: Array(bytes[start...]))
    }
    headers["content-length"] = "\(bytes.count)"
    return ScriptedWeb.Answer(headers: headers, bytes: bytes)
  }
}
