#if Pull
  import ZooSystem

  #if canImport(CryptoKit)
    import CryptoKit
  #else
    import CSodium
  #endif

  #if canImport(FoundationEssentials)
    import FoundationEssentials
  #else
    import Foundation
  #endif

  /// The public key that the index of a registry is signed with: Ed25519 (RFC 8032).
  package struct RegistryKey: Sendable, Hashable {
    private let bytes: [UInt8]

    /// Bytes of a signature.
    static let signatureLength = 64
    private static let length = 32
    /// What comes before the key in its DER form, a SubjectPublicKeyInfo (RFC 8410).
    private static let prefix: [UInt8] = [
      0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    /// - Parameter text: PEM as OpenSSL writes it, or the key's 32 bytes in base64 or as hexadecimal digits.
    /// - Throws: `ZooError` of the code `invalidArgument` where it is none of these.
    package init(_ text: String) throws(ZooError) {
      let lines = text.split(whereSeparator: \.isNewline).map { $0.filter { !$0.isWhitespace } }
      let digits = lines.filter { !$0.hasPrefix("-----") }.joined()
      let isPrivate = text.contains("PRIVATE KEY")
      var decoded = Self.bytes(hexadecimal: digits) ?? Data(base64Encoded: digits).map { Array($0) } ?? []
      if decoded.starts(with: Self.prefix) { decoded.removeFirst(Self.prefix.count) }
      guard !isPrivate, decoded.count == Self.length else {
        throw ZooError(
          .invalidArgument, what: "invalid key", at: "--key",
          isPrivate
            ? "it is the private key, which only the publisher needs"
            : "it is no public key of Ed25519, neither in PEM nor as 32 bytes in base64 or hexadecimal digits",
          remedy: "`openssl pkey -in PRIVATE.pem -pubout` prints the public key.")
      }
      bytes = decoded
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
      guard FileHash.isHexadecimal(text, count: 2 * length) else { return nil }
      let digits = text.compactMap(\.hexDigitValue)
      return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Whether `signature` is this key's of `message`.
    package func hasSigned(_ message: [UInt8], signature: [UInt8]) -> Bool {
      guard signature.count == Self.signatureLength else { return false }
      #if canImport(CryptoKit)
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: message)
      #else
        return crypto_sign_verify_detached(signature, message, UInt64(message.count), bytes) == 0
      #endif
    }
  }
#endif
