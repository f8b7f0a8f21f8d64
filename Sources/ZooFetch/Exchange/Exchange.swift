import ZooSystem

/// Asks a source for something, through the redirects that it may be answered with.
struct Exchange: Sendable {
  let transport: any Transport
  let rules: HostRules
  /// Sent to ``WebAddress/origin`` of the first address alone.
  var authorization: String?
  var now: @Sendable () -> Double

  private static let redirectLimit = 5

  /// An answer that is none to be followed, and where it came from.
  struct Reply {
    let address: WebAddress
    let head: AnswerHead
    let body: any TransportBody
    /// Where it leads, if that was not to be followed.
    var target: WebAddress?
    /// Those of the redirects on the way.
    var hops: [AnswerHead] = []
  }

  /// - Parameters:
  ///   - address: where to begin; its host is asked first.
  ///   - headers: sent to every host on the way.
  ///   - follows: whether a redirect from its first argument to its second is followed; where it isn't, it is the
  ///     reply.
  ///   - hasAnswered: whether the host has answered before.
  func send(
    _ method: TransportRequest.Method, _ address: WebAddress, headers: [String: String], hasAnswered: Bool,
    follows: (WebAddress, WebAddress) -> Bool = { _, _ in true }
  ) async throws(Setback) -> Reply {
    var current = address
    var hops: [AnswerHead] = []
    while true {
      if Cancellation.isRequested { throw .final(ZooError.cancelled) }
      var request = TransportRequest(method: method, address: current, headers: headers)
      if let authorization, current.origin == rules.start.origin {
        request.headers["Authorization"] = authorization
      }
      let answer: TransportAnswer
      do throws(TransportFailure) {
        answer = try await transport.send(request)
      } catch {
        if Cancellation.isRequested { throw .final(ZooError.cancelled) }
        throw Setback(error, at: current, hasAnswered: hasAnswered || !hops.isEmpty)
      }
      let head = AnswerHead(answer)
      guard [301, 302, 303, 307, 308].contains(head.status) else {
        return Reply(address: current, head: head, body: answer.body, hops: hops)
      }
      let target = try target(of: head, at: current)
      guard follows(current, target) else {
        return Reply(address: current, head: head, body: answer.body, target: target, hops: hops)
      }
      do throws(HostRules.Refusal) {
        try rules.check(target, from: current)
      } catch {
        throw .final(.cannotOpen, address, error.why, remedy: error.remedy)
      }
      hops.append(head)
      guard hops.count <= Self.redirectLimit else {
        let why =
          target == current
          ? "it is redirected to itself" : "it is redirected more than \(Self.redirectLimit) times"
        throw .final(.cannotOpen, address, why)
      }
      current = target
    }
  }

  private func target(of head: AnswerHead, at address: WebAddress) throws(Setback) -> WebAddress {
    guard let location = head["location"] else {
      throw .final(.unreadable, address, "the server redirects (\(head.status)) without an address")
    }
    do throws(ZooError) {
      return try address.resolving(location)
    } catch {
      throw .final(error)
    }
  }
}
