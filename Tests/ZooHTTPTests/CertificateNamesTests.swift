import Foundation
import Testing
import ZooHTTP

@Suite("names in a certificate")
struct CertificateNamesTests {
  /// A certificate of `Fixtures/certificates` as bytes.
  private func certificate(_ name: String) throws -> [UInt8] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(
      contentsOf: root.appending(path: "Fixtures/certificates/\(name).pem"), encoding: .utf8)
    let lines = text.components(separatedBy: "-----BEGIN CERTIFICATE-----\n")[1]
      .components(separatedBy: "-----END")[0]
    return [UInt8](try #require(Data(base64Encoded: lines, options: .ignoreUnknownCharacters)))
  }

  @Test func areThoseOfTheIssuerAndTheHosts() throws {
    let names = CertificateNames(der: try certificate("elsewhere"))
    #expect(names.issuer == "Authority of the Tests")
    #expect(names.hosts == ["models.example", "www.models.example"])
    let authority = CertificateNames(der: try certificate("authority"))
    #expect(authority.issuer == "Authority of the Tests" && authority.hosts.isEmpty)
  }

  /// A server may send anything.
  @Test func damagedBytesGiveFewerNames() throws {
    let bytes = try certificate("localhost")
    for length in bytes.indices { _ = CertificateNames(der: Array(bytes[..<length])) }
    for index in bytes.indices {
      for value: UInt8 in [0, 0x7f, 0x80, 0x84, 0xff] {
        var changed = bytes
        changed[index] = value
        let names = CertificateNames(der: changed)
        #expect(names.hosts.count <= bytes.count && (names.issuer?.count ?? 0) <= 100)
      }
    }
    #expect(CertificateNames(der: []) == CertificateNames(der: [0x30, 0x80]))
  }
}
