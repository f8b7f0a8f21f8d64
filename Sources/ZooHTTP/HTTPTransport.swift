#if Pull
  import AsyncHTTPClient
  import NIOCore
  import NIOPosix
  import NIOSSL
  import Synchronization
  import ZooFetch
  import ZooSystem

  /// Carries the requests of downloads by HTTP/1.1, with TLS, directly or through a proxy.
  ///
  /// Bodies are read as fast as they are taken: a few megabytes are in memory at most.
  package final class HTTPTransport: Transport {
    private let proxies: ProxySettings
    private let trust: CertificateTrust
    private let timeout: Duration
    /// One for each proxy that was needed, and one without.
    private let clients = Mutex<[ProxySettings.Proxy?: HTTPClient]>([:])

    /// How long a host may be silent.
    package static let defaultTimeout = Duration.seconds(30)

    /// - Parameters:
    ///   - environment: has the variables of proxies and certificates.
    ///   - timeout: after so long without a connection, or without a byte on one, a host is given up.
    /// - Throws: `ZooError` where certificates that the environment names can't be read.
    package init(
      environment: [String: String], timeout: Duration = HTTPTransport.defaultTimeout
    ) throws(ZooError) {
      proxies = ProxySettings(environment: environment)
      trust = try CertificateTrust(environment: environment)
      self.timeout = timeout
    }

    deinit {
      // Connections that are still open are closed with the process.
      for client in clients.withLock({ $0.values.map(\.self) }) { client.shutdown { _ in } }
    }

    package func send(_ request: TransportRequest) async throws(TransportFailure) -> TransportAnswer {
      let address = request.address
      let proxy: ProxySettings.Proxy?
      do {
        proxy = try proxies.proxy(scheme: address.scheme.rawValue, host: address.host, port: address.port)
      } catch {
        throw .proxy("of \(error.variable) can't be used: \(error.why)")
      }
      var message = HTTPClientRequest(url: address.text)
      message.method = request.method == .head ? .HEAD : .GET
      message.headers.add(name: "User-Agent", value: "zoo/\(ZooVersion.current)")
      for (name, value) in request.headers { message.headers.replaceOrAdd(name: name, value: value) }
      do {
        let response = try await client(proxy: proxy).execute(message, deadline: .distantFuture)
        var headers: [String: String] = [:]
        for (name, value) in response.headers where headers[name.lowercased()] == nil {
          headers[name.lowercased()] = value
        }
        return TransportAnswer(
          status: Int(response.status.code), headers: headers,
          body: HTTPBody(response.body) { self.failure($0, of: address, proxy: proxy) })
      } catch {
        guard CertificateTrust.isRefusal(error) else { throw failure(error, of: address, proxy: proxy) }
        let certificate = await certificate(of: address, proxy: proxy)
        throw trust.refusal(of: certificate, host: address.host, error)
      }
    }

    private func client(proxy: ProxySettings.Proxy?) -> HTTPClient {
      clients.withLock { clients in
        if let client = clients[proxy] { return client }
        let client = HTTPClient(
          eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
          configuration: configuration(proxy: proxy, tls: trust.configuration))
        clients[proxy] = client
        return client
      }
    }

    private func configuration(
      proxy: ProxySettings.Proxy?, tls: TLSConfiguration
    ) -> HTTPClient.Configuration {
      let limit = TimeAmount(timeout)
      var configuration = HTTPClient.Configuration(
        tlsConfiguration: tls, redirectConfiguration: .disallow,
        timeout: .init(connect: limit, read: limit), proxy: proxy.map(HTTPClient.Configuration.Proxy.init),
        decompression: .disabled)
      configuration.httpVersion = .http1Only
      // Whether to try again is decided above.
      configuration.connectionPool.retryConnectionEstablishment = false
      return configuration
    }

    /// The certificate that a host shows, which is not trusted: to say what is wrong with it. Nothing is sent there.
    private func certificate(of address: WebAddress, proxy: ProxySettings.Proxy?) async -> NIOSSLCertificate?
    {
      let found = Mutex<NIOSSLCertificate?>(nil)
      var configuration = configuration(proxy: proxy, tls: CertificateTrust.blind)
      configuration.http1_1ConnectionDebugInitializer = { channel in
        channel.nioSSL_peerCertificate().flatMapThrowing { certificate in
          found.withLock { $0 = certificate }
          throw CancellationError()
        }
      }
      let client = HTTPClient(
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
      _ = try? await client.execute(
        HTTPClientRequest(
          url: "https://\(address.host.contains(":") ? "[\(address.host)]" : address.host):\(address.port)/"),
        timeout: TimeAmount(timeout))
      try? await client.shutdown()
      return found.withLock { $0 }
    }

    private func failure(
      _ error: any Error, of address: WebAddress, proxy: ProxySettings.Proxy?
    ) -> TransportFailure {
      TransportFailure(error, of: address, proxy: proxy, timeout: timeout)
    }
  }

  /// The bytes of an answer. One task reads them.
  private final class HTTPBody: TransportBody, @unchecked Sendable {
    private var chunks: HTTPClientResponse.Body.AsyncIterator
    private let failure: @Sendable (any Error) -> TransportFailure

    init(_ body: HTTPClientResponse.Body, failure: @escaping @Sendable (any Error) -> TransportFailure) {
      chunks = body.makeAsyncIterator()
      self.failure = failure
    }

    func next() async throws(TransportFailure) -> [UInt8]? {
      do {
        return try await chunks.next().map { Array($0.readableBytesView) }
      } catch {
        throw failure(error)
      }
    }
  }

  extension HTTPClient.Configuration.Proxy {
    fileprivate init(_ proxy: ProxySettings.Proxy) {
      switch proxy.kind {
      case .http:
        self = .server(
          host: proxy.host, port: proxy.port,
          authorization: proxy.user.map { .basic(username: $0, password: proxy.password ?? "") })
      case .socks: self = .socksServer(host: proxy.host, port: proxy.port)
      }
    }
  }
#endif
