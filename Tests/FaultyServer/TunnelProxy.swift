#if Pull
  import Foundation
  import NIOConcurrencyHelpers
  import NIOCore
  import NIOPosix

  /// A proxy on loopback that knows `CONNECT` alone, and keeps a record of what it was asked. It serves until the process ends.
  package final class TunnelProxy: Sendable {
    package let port: Int
    private let seen: NIOLockedValueBox<[RequestHead]>

    /// - Parameters:
    ///   - credentials: `NAME:PASSWORD` that it asks for.
    ///   - destination: the port on loopback that all tunnels lead to; nil: none, and it refuses.
    package init(credentials: String? = nil, destination: Int?) throws {
      let seen = NIOLockedValueBox<[RequestHead]>([])
      let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              ConnectHandler { head in
                seen.withLockedValue { $0.append(head) }
                let wanted = credentials.map { "Basic " + Data($0.utf8).base64EncodedString() }
                guard wanted == nil || head.headers["proxy-authorization"] == wanted else {
                  return .failure(407)
                }
                return head.method == "CONNECT"
                  ? destination.map { .success($0) } ?? .failure(403) : .failure(405)
              })
          }
        }
        .bind(host: "127.0.0.1", port: 0).wait()
      port = channel.localAddress?.port ?? 0
      self.seen = seen
    }

    /// The hosts and ports that tunnels were asked to, in this order.
    package var targets: [String] { seen.withLockedValue { $0.map(\.target) } }
  }

  /// What a proxy answers: the port that it connects to, or a status.
  private enum Decision {
    case success(Int)
    case failure(Int)
  }

  private final class ConnectHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let decide: (RequestHead) -> Decision
    private var bytes: [UInt8] = []
    private var isConnecting = false

    init(decide: @escaping (RequestHead) -> Decision) { self.decide = decide }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      bytes += unwrapInboundIn(data).readableBytesView
      guard !isConnecting, let head = RequestHead(bytes) else { return }
      isConnecting = true
      let client = context.channel
      switch decide(head) {
      case .failure(let status):
        let text = "HTTP/1.1 \(status) No\r\nContent-Length: 0\r\n\r\n"
        client.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in client.close(promise: nil) }
      case .success(let port):
        // On the same loop, so that the two ends may hold each other.
        ClientBootstrap(group: context.eventLoop).connect(host: "127.0.0.1", port: port).whenComplete {
          result in
          guard case .success(let server) = result else { return client.close(promise: nil) }
          do {
            try server.pipeline.syncOperations.addHandler(PassingHandler(to: client))
            try client.pipeline.syncOperations.addHandler(PassingHandler(to: server))
            _ = client.pipeline.syncOperations.removeHandler(
              context: try client.pipeline.syncOperations.context(handlerType: ConnectHandler.self))
          } catch {
            client.close(promise: nil)
          }
          client.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 Connected\r\n\r\n"), promise: nil)
        }
      }
    }
  }

  extension ConnectHandler: RemovableChannelHandler {}

  /// Passes on what comes, and the end of it.
  private final class PassingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
  }
#endif
