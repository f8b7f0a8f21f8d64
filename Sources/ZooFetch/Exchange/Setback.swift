import ZooSystem

/// Why an attempt led to nothing.
enum Setback: Error {
  /// It may go better the next time.
  case passing(Passing)
  /// Nobody is there; it may be that nobody can be.
  case unreachable(ZooError)
  /// It will not go better.
  case final(ZooError)

  struct Passing {
    /// In a few words, for progress.
    let reason: String
    /// The seconds that the server asks for.
    var wish: Double?
    /// What is thrown where it was the last attempt.
    let error: ZooError
  }

  /// Where it is not tried again.
  var error: ZooError {
    switch self {
    case .passing(let passing): passing.error
    case .unreachable(let error), .final(let error): error
    }
  }

  /// Whether it will not go better.
  var isFinal: Bool { if case .final = self { true } else { false } }

  /// An error that does not name what was tried before.
  static func final(
    _ code: ZooError.Code, _ address: WebAddress, _ why: String, remedy: String? = nil
  ) -> Setback {
    // Where the file itself is at fault, the text goes on with "in".
    let what: [ZooError.Code: String] = [
      .damaged: "wrong file", .tooLarge: "too large a file", .unsupported: "unsupported download",
    ]
    return .final(
      ZooError(code, what: what[code] ?? "cannot download", at: address.shown, why, remedy: remedy))
  }

  /// The connection broke, or was not what it should be, and may be again what it was.
  static func cut(_ address: WebAddress, _ reason: String) -> Setback {
    .passing(
      Passing(
        reason: reason,
        error: ZooError(
          .unreadable, what: "cannot download", at: address.shown,
          "the connection broke too often: \(reason)",
          remedy: "Run the same command again: it resumes where this one stopped.")))
  }
}

extension Setback {
  /// What a failed transport means.
  ///
  /// - Parameter hasAnswered: whether the host has answered before: then it may be back soon.
  init(_ failure: TransportFailure, at address: WebAddress, hasAnswered: Bool) {
    switch failure {
    case .cut(let why):
      self = .cut(address, why)
    case .unreachable(let why) where hasAnswered:
      self = .cut(address, "\(address.host) can't be reached: \(why)")
    case .unreachable(let why):
      self = .unreachable(
        ZooError(
          .cannotOpen, what: "cannot download", at: address.shown,
          "\(address.host) can't be reached: \(why)",
          remedy: "Check the network; behind a proxy, set HTTPS_PROXY."))
    case .untrusted(let why, let remedy):
      self = .final(
        .cannotOpen, address, "the certificate of \(address.host) is not trusted: \(why)", remedy: remedy)
    case .proxy(let why):
      self = .final(
        .cannotOpen, address, "the proxy \(why)", remedy: "Check HTTPS_PROXY and NO_PROXY.")
    case .malformed(let why):
      self = .final(.unreadable, address, "the answer is not HTTP: \(why)")
    }
  }

  /// What an answer without the file means.
  init(_ head: AnswerHead, at address: WebAddress, now: Double) {
    let status = Self.text(head.status)
    switch head.status {
    case 408, 429, 500...599:
      let wish = head.retryAfter(now: now)
      let patience = wish.map { $0 > RetryBudget.longestWait } ?? false
      self = .passing(
        Passing(
          reason: "the server answers \(status)", wish: wish,
          error: ZooError(
            .unreadable, what: "cannot download", at: address.shown,
            "the server answers \(status)"
              + (patience ? " and asks to wait for \(grouped(Int(min(wish ?? 0, 1e9)))) seconds" : ""),
            remedy: "Run the same command again later: it resumes where this one stopped.")))
    case 401, 403:
      self = .final(
        .cannotOpen, address, "the server answers \(status)", remedy: "The file may be private, or gone.")
    case 404, 410:
      self = .final(.cannotOpen, address, "the server has no such file (\(head.status))")
    case 407:
      self = .final(
        .cannotOpen, address, "the proxy requires a name and a password (407)",
        remedy: "Set HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT.")
    default:
      self = .final(.cannotOpen, address, "the server answers \(status)")
    }
  }

  private static func text(_ status: Int) -> String {
    switch status {
    case 401: "401 (unauthorized)"
    case 403: "403 (forbidden)"
    case 408: "408 (request timed out)"
    case 429: "429 (too many requests)"
    case 500: "500 (internal error)"
    case 502: "502 (bad gateway)"
    case 503: "503 (unavailable)"
    case 504: "504 (gateway timed out)"
    default: "\(status)"
    }
  }
}
