#if Pull
  import AsyncHTTPClient
  import NIOCore
  import NIOHTTP1
  import NIOPosix
  import NIOSSL
  import ZooFetch
  import ZooSystem

  extension TransportFailure {
    /// What an error of the client means, in words for a person.
    init(_ error: any Error, of address: WebAddress, proxy: ProxySettings.Proxy?, timeout: Duration) {
      let host = address.host
      let limit = "\(decimal(timeout.seconds, timeout.seconds < 10 ? 1 : 0)) s"
      switch error {
      case let error as HTTPClientError:
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout:
          self =
            proxy.map { .proxy("\(Self.text(of: $0)) does not answer within \(limit)") }
            ?? .unreachable("\(host) does not answer within \(limit)")
        case .tlsHandshakeTimeout:
          self = .unreachable("\(host) begins no encrypted connection within \(limit)")
        case .readTimeout: self = .cut("\(host) sent nothing for \(limit)")
        case .proxyAuthenticationRequired:
          let name = Self.text(of: proxy)
          if let proxy, proxy.user == nil {
            self = .proxy(
              "\(name) asks for a name and a password: "
                + "\(proxy.variable)=http://NAME:PASSWORD@\(proxy.host):\(proxy.port)")
          } else {
            self = .proxy("\(name) does not accept this name and password")
          }
        case .invalidProxyResponse: self = .proxy("\(Self.text(of: proxy)) refuses a connection to \(host)")
        case .httpProxyHandshakeTimeout, .socksHandshakeTimeout:
          self = .proxy("\(Self.text(of: proxy)) does not answer within \(limit)")
        case .remoteConnectionClosed, .uncleanShutdown: self = .cut("the connection was closed early")
        default: self = .cut("\(error)")
        }
      case let error as HTTPParserError:
        self = error == .invalidEOFState ? .cut("the connection was closed early") : .malformed("\(error)")
      case let error as NIOConnectionError:
        let cause = error.connectionErrors.first?.error
        let why = cause.map(Self.text) ?? "there is no host of this name, or no network"
        if let proxy, error.host == proxy.host {
          self = .proxy("\(Self.text(of: proxy)) can't be reached: \(why)")
        } else {
          self = .unreachable(why)
        }
      case let error as IOError where Self.refusals.contains(error.errnoCode):
        let why = Self.text(of: error)
        self = proxy.map { .proxy("\(Self.text(of: $0)) can't be reached: \(why)") } ?? .unreachable(why)
      case let error as IOError: self = .cut(Self.text(of: error))
      case is NIOSSLError: self = .malformed(Self.textOfTLS(error, address))
      default: self = .cut("\(error)")
      }
    }

    /// Errors of connections that were never made.
    private static let refusals = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL]

    /// What BoringSSL found: it says so in the middle of its text.
    private static func textOfTLS(_ error: any Error, _ address: WebAddress) -> String {
      let place = "\(address.host):\(address.port)"
      let text = "\(error)"
      guard let mark = text.firstRange(of: "OPENSSL_internal:") else { return "\(place) breaks off TLS" }
      let reason = text[mark.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      return ["WRONG_VERSION_NUMBER", "HTTP_REQUEST"].contains(reason)
        ? "\(place) does not speak TLS"
        : "\(place) breaks off TLS: \(reason.lowercased().replacing("_", with: " "))"
    }

    private static func text(of proxy: ProxySettings.Proxy?) -> String {
      proxy.map { "\($0.host):\($0.port) (\($0.variable))" } ?? ""
    }

    private static func text(of error: any Error) -> String {
      guard let error = error as? IOError else {
        return error is ChannelError ? "it does not answer" : "\(error)"
      }
      return switch error.errnoCode {
      case ECONNREFUSED: "it refuses the connection"
      case ECONNRESET, EPIPE: "the connection was reset"
      case EHOSTUNREACH, ENETUNREACH: "there is no way to it; is there a network?"
      case ETIMEDOUT: "it does not answer"
      default: String(cString: strerror(error.errnoCode))
      }
    }
  }
#endif
