/// What the head of an answer says, as far as it says it properly.
struct AnswerHead: Sendable {
  let status: Int
  private let headers: [String: String]

  init(_ answer: TransportAnswer) {
    status = answer.status
    headers = answer.headers
  }

  /// The value of a header by its name in lower case, without blanks around it; nil where it is empty.
  subscript(name: String) -> String? {
    guard let value = headers[name], let end = value.lastIndex(where: { !Self.isBlank($0) }) else {
      return nil
    }
    return String(value[...end].drop(while: Self.isBlank))
  }

  private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

  /// The bytes of the body.
  var contentLength: Int? { self["content-length"].flatMap(Self.number) }

  /// Whether the body says itself where it ends.
  var isChunked: Bool { self["transfer-encoding"]?.lowercased().hasSuffix("chunked") == true }

  /// How the body is coded, where it is.
  var encoding: String? {
    guard let encoding = self["content-encoding"]?.lowercased(), encoding != "identity" else { return nil }
    return encoding
  }

  /// The entity tag, where equal tags mean equal bytes.
  var strongTag: String? { self["etag"].flatMap { Self.isStrongTag($0) ? $0 : nil } }

  /// Whether `text` is an entity tag that stands for bytes, and can be sent in a header.
  static func isStrongTag(_ text: String) -> Bool {
    text.utf8.count >= 3 && text.utf8.count <= 1024 && text.hasPrefix("\"") && text.hasSuffix("\"")
      && text.utf8.dropFirst().dropLast().allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") }
  }

  /// The part of the file that the body is.
  struct Part: Sendable, Hashable {
    /// The index of its first byte.
    let start: Int
    /// The number of its bytes.
    let count: Int
    /// Of the whole file, where it is stated.
    let total: Int?
  }

  /// What `Content-Range` says of the body: `bytes 5-9/10`.
  var part: Part? {
    guard let (range, total) = contentRange else { return nil }
    let ends = range.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last,
      total.map({ last < $0 }) ?? true
    else { return nil }
    return Part(start: first, count: last - first + 1, total: total)
  }

  /// The length of the file of which no such part was there: `bytes */10`.
  var unsatisfiedTotal: Int? {
    guard let (range, total) = contentRange, range == "*" else { return nil }
    return total
  }

  private var contentRange: (range: Substring, total: Int?)? {
    guard let value = self["content-range"]?.lowercased(), value.hasPrefix("bytes ") else { return nil }
    let parts = value.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    guard parts[1] == "*" || Self.number(parts[1]) != nil else { return nil }
    return (parts[0], Self.number(parts[1]))
  }

  /// The seconds after which the server wants to be asked again.
  ///
  /// - Parameter now: seconds since 1970.
  func retryAfter(now: Double) -> Double? {
    guard let value = self["retry-after"] else { return nil }
    if let seconds = Self.number(value) { return Double(seconds) }
    return WebDate.seconds(value).map { max(0, $0 - now) }
  }

  /// Digits alone, of a number that fits.
  private static func number(_ text: some StringProtocol) -> Int? {
    let isNumber =
      !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return isNumber ? Int(text) : nil
  }
}
