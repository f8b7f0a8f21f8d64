#if Pull
  import NIOConcurrencyHelpers
  import NIOCore
  import NIOPosix
  import NIOSSL

  /// A server on loopback that answers as a test scripts it, faults in the protocol included, and keeps a record of
  /// what it was asked. It serves until the process ends.
  package final class FaultyServer: Sendable {
    package struct Request: Sendable {
      package let method: String
      /// As the request line has it.
      package let target: String
      /// By name in lower case.
      package let headers: [String: String]
      /// How many requests of this method for this target came before.
      package let index: Int

      /// The first byte that is asked for.
      package var start: Int? {
        headers["range"].flatMap {
          $0.hasPrefix("bytes=") ? Int($0.dropFirst(6).prefix { $0.isNumber }) : nil
        }
      }
    }

    /// What is sent, byte for byte, and then the connection is closed.
    package struct Reply: Sendable {
      package var status = 200
      package var headers: [(name: String, value: String)] = []
      package var body: [UInt8] = []
      /// The length that is announced; nil: none is.
      package var length: Int?
      /// Whether the body goes in chunks, with their end.
      package var isChunked = false
      /// How much of the body is sent before the connection is closed.
      package var cut: Int?
      /// How much is sent at a time, and how long the pause after it is.
      package var pace: (bytes: Int, milliseconds: Int64)?

      package init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
        length = body.count
      }
    }

    private struct State {
      var requests: [Request] = []
      /// Bytes of bodies that were sent, by target.
      var sent: [String: Int] = [:]
    }

    package let port: Int
    private let state: NIOLockedValueBox<State>

    /// - Parameters:
    ///   - certificate: the path of a certificate and its key in PEM form; nil: no TLS.
    ///   - answer: called for each request, on one thread.
    package init(
      certificate: String? = nil, answer: @escaping @Sendable (Request) -> Reply
    ) throws {
      let state = NIOLockedValueBox(State())
      let context = try certificate.map { path in
        try NIOSSLContext(
          configuration: .makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: path, format: .pem))))
      }
      let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.backlog, value: 64)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            if let context {
              try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
            }
            try channel.pipeline.syncOperations.addHandler(
              RequestHandler(
                receive: { method, target, headers in
                  let request = state.withLockedValue { state in
                    let request = Request(
                      method: method, target: target, headers: headers,
                      index: state.requests.count { $0.method == method && $0.target == target })
                    state.requests.append(request)
                    return request
                  }
                  return answer(request)
                },
                count: { target, bytes in state.withLockedValue { $0.sent[target, default: 0] += bytes } }))
          }
        }
        .bind(host: "127.0.0.1", port: 0).wait()
      port = channel.localAddress?.port ?? 0
      self.state = state
    }

    /// What it was asked, in this order.
    package var requests: [Request] { state.withLockedValue { $0.requests } }

    /// The bytes of bodies that were sent for a target.
    package func sent(_ target: String) -> Int { state.withLockedValue { $0.sent[target] ?? 0 } }
  }

  /// Reads the head of one request and sends the reply.
  private final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let receive: (String, String, [String: String]) -> FaultyServer.Reply
    private let count: (String, Int) -> Void
    private var head: [UInt8] = []
    private var isAnswered = false

    init(
      receive: @escaping (String, String, [String: String]) -> FaultyServer.Reply,
      count: @escaping (String, Int) -> Void
    ) {
      self.receive = receive
      self.count = count
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard !isAnswered else { return }
      head += unwrapInboundIn(data).readableBytesView
      if let first = head.first, first < UInt8(ascii: "A") {
        // Not HTTP: TLS, perhaps. Any server says so.
        isAnswered = true
        let text = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).whenComplete { _ in
          channel.close(promise: nil)
        }
        return
      }
      guard let request = RequestHead(head) else { return }
      isAnswered = true
      let reply = receive(request.method, request.target, request.headers)
      var text = "HTTP/1.1 \(reply.status) Scripted\r\nConnection: close\r\n"
      if reply.isChunked {
        text += "Transfer-Encoding: chunked\r\n"
      } else if let length = reply.length {
        text += "Content-Length: \(length)\r\n"
      }
      for (name, value) in reply.headers { text += "\(name): \(value)\r\n" }
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
      let body = request.method == "HEAD" ? [] : reply.body.prefix(reply.cut ?? reply.body.count)
      send(body[...], of: request.target, reply, context: context)
    }

    private func send(
      _ rest: ArraySlice<UInt8>, of target: String, _ reply: FaultyServer.Reply,
      context: ChannelHandlerContext
    ) {
      let part = rest.prefix(reply.pace?.bytes ?? 1 << 20)
      let isLast = part.count == rest.count
      var buffer = ByteBuffer()
      if reply.isChunked, !part.isEmpty { buffer.writeString(String(part.count, radix: 16) + "\r\n") }
      buffer.writeBytes(part)
      if reply.isChunked, !part.isEmpty { buffer.writeString("\r\n") }
      if reply.isChunked, isLast, reply.cut == nil { buffer.writeString("0\r\n\r\n") }
      count(target, part.count)
      let loop = context.eventLoop
      let bound = NIOLoopBound((self, context), eventLoop: loop)
      context.writeAndFlush(wrapOutboundOut(buffer)).whenComplete { result in
        let (handler, context) = bound.value
        guard case .success = result, !isLast else {
          context.close(mode: .all, promise: nil)
          return
        }
        let remaining = rest.dropFirst(part.count)
        guard let pace = reply.pace else {
          return handler.send(remaining, of: target, reply, context: context)
        }
        loop.assumeIsolated().scheduleTask(in: .milliseconds(pace.milliseconds)) {
          handler.send(remaining, of: target, reply, context: context)
        }
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  /// The head of a request, once all of it is there.
  struct RequestHead {
    let method: String
    let target: String
    let headers: [String: String]

    init?(_ bytes: [UInt8]) {
      let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
      guard let end = lines.firstIndex(of: ""), end < lines.count - 1 else { return nil }
      let words = lines[0].split(separator: " ").map(String.init)
      guard words.count == 3 else { return nil }
      method = words[0]
      target = words[1]
      headers = Dictionary(
        lines[1..<end].compactMap { line in
          line.firstIndex(of: ":").map { colon in
            (line[..<colon].lowercased(), line[line.index(after: colon)...].drop { $0 == " " }.description)
          }
        }, uniquingKeysWith: { first, _ in first })
    }
  }
#endif
