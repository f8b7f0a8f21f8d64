/// Who issued a certificate, and for which hosts, as far as a message needs it: nothing is trusted for what it says.
package struct CertificateNames: Equatable {
  /// The common name of the issuer, else its organisation.
  package var issuer: String?
  package var hosts: [String] = []

  /// - Parameter der: a certificate of X.509. What it does not have, or has in another form, stays empty.
  package init(der: [UInt8]) {
    // Certificate → TBSCertificate → [0] version, serial number, algorithm, issuer, validity, subject, …
    guard let certificate = DERElement.all(in: der[...]).first,
      var fields = DERElement.all(in: certificate.content).first.map({ DERElement.all(in: $0.content) })
    else { return }
    if fields.first?.tag == 0xa0 { fields.removeFirst() }
    guard fields.count > 3 else { return }
    let names = DERElement.all(in: fields[2].content).flatMap { DERElement.all(in: $0.content) }
    issuer = Self.value(of: [0x55, 4, 3], in: names) ?? Self.value(of: [0x55, 4, 10], in: names)
    guard
      let extensions = fields.first(where: { $0.tag == 0xa3 })
        .flatMap({ DERElement.all(in: $0.content).first })
    else { return }
    for element in DERElement.all(in: extensions.content) {
      let parts = DERElement.all(in: element.content)
      // subjectAltName, in which [2] are names of hosts.
      guard parts.first?.content.elementsEqual([0x55, 0x1d, 0x11]) == true, let last = parts.last,
        let list = DERElement.all(in: last.content).first
      else { continue }
      hosts += DERElement.all(in: list.content).filter { $0.tag == 0x82 }.map(\.text)
    }
  }

  /// The value of an attribute in a sequence of (identifier, value).
  private static func value(of identifier: [UInt8], in attributes: [DERElement]) -> String? {
    for attribute in attributes {
      let parts = DERElement.all(in: attribute.content)
      if parts.count == 2, parts[0].content.elementsEqual(identifier) { return parts[1].text }
    }
    return nil
  }
}

/// An element of ASN.1 in its distinguished encoding: a tag and bytes.
private struct DERElement {
  let tag: UInt8
  let content: ArraySlice<UInt8>

  /// For a message: of readable length.
  var text: String { String(decoding: content.prefix(100), as: UTF8.self) }

  /// The elements that `bytes` are, up to the first that does not fit.
  static func all(in bytes: ArraySlice<UInt8>) -> [DERElement] {
    var rest = bytes
    var elements: [DERElement] = []
    while let tag = rest.popFirst(), var length = rest.popFirst().map(Int.init) {
      if length >= 0x80 {
        let count = length - 0x80
        guard (1...3).contains(count), rest.count >= count else { break }
        length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(count)
      }
      guard length <= rest.count else { break }
      elements.append(DERElement(tag: tag, content: rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return elements
  }
}
