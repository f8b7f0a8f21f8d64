/// Sends requests for ``Fetcher``, which knows nothing of what carries them; tests script it.
///
/// A transport follows no redirect, keeps no cookies, decodes no content and tries nothing twice: all of that
/// is decided above it.
package protocol Transport: Sendable {
  /// Sends one request; returns when the head of the answer is there.
  func send(_ request: TransportRequest) async throws(TransportFailure) -> TransportAnswer
}

/// A request for one address.
package struct TransportRequest: Sendable {
  package enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
  }

  package var method: Method
  package var address: WebAddress
  /// Besides those that the transport itself must send.
  package var headers: [String: String]

  package init(method: Method, address: WebAddress, headers: [String: String]) {
    self.method = method
    self.address = address
    self.headers = headers
  }
}

/// The head of an answer, and the way to its body.
package struct TransportAnswer: Sendable {
  package var status: Int
  /// The first value of each header, by its name in lower case.
  package var headers: [String: String]
  package var body: any TransportBody

  package init(status: Int, headers: [String: String], body: any TransportBody) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// The bytes of an answer, in the order in which they arrive. Letting go of it before its end closes the
/// connection.
package protocol TransportBody: Sendable {
  /// The next bytes; nil after the last. Ended too early for its `Content-Length` or its last chunk, it
  /// throws ``TransportFailure/cut(_:)``.
  func next() async throws(TransportFailure) -> [UInt8]?
}

/// Why there is no answer, or no more of it.
package enum TransportFailure: Error, Sendable {
  /// Nobody answers there: no such host, no route, refused.
  case unreachable(String)
  /// The certificate of the host doesn't convince.
  case untrusted(String, remedy: String? = nil)
  /// The proxy refuses, or is none: a clause of which the proxy is the subject.
  case proxy(String)
  /// The connection broke, or nothing came for too long.
  case cut(String)
  /// What came is not HTTP.
  case malformed(String)
}
