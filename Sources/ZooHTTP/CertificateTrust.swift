#if Pull
  import NIOSSL
  import ZooFetch
  import ZooSystem

  #if canImport(FoundationEssentials)
    import FoundationEssentials
  #else
    import Foundation
  #endif

  /// Whose certificates are trusted: the system's authorities, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
  struct CertificateTrust: Sendable {
    let configuration: TLSConfiguration
    /// The variable that names the authorities; nil for the system's.
    private let variable: String?

    /// - Throws: `ZooError` where a variable names what holds no certificate.
    init(environment: [String: String]) throws(ZooError) {
      func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
      var configuration = TLSConfiguration.makeClientConfiguration()
      var authorities: [NIOSSLCertificate] = []
      variable =
        value("SSL_CERT_FILE").map { _ in "SSL_CERT_FILE" }
        ?? value("SSL_CERT_DIR").map { _ in "SSL_CERT_DIR" }
      if let path = value("SSL_CERT_FILE") {
        authorities += try Self.certificates(in: path, variable: "SSL_CERT_FILE")
      }
      // Folders as OpenSSL takes them: with colons between them.
      for folder in value("SSL_CERT_DIR")?.split(separator: ":").map(String.init) ?? [] {
        let names = try ZooError.wrap { try FileManager.default.contentsOfDirectory(atPath: folder) }
        // What is no certificate in a folder is passed over.
        authorities += names.sorted().flatMap {
          (try? NIOSSLCertificate.fromPEMFile("\(folder)/\($0)")) ?? []
        }
      }
      if variable != nil { configuration.trustRoots = .certificates(authorities) }
      self.configuration = configuration
    }

    private static func certificates(
      in path: String, variable: String
    ) throws(ZooError) -> [NIOSSLCertificate] {
      do {
        return try NIOSSLCertificate.fromPEMFile(path)
      } catch {
        throw ZooError.file(
          .open, path,
          reason: exists(path) ? "it holds no certificates in PEM form" : "there is no such file",
          remedy: "The variable \(variable) names it.")
      }
    }

    /// Trusts everybody: only to look at a certificate that is not trusted.
    static let blind: TLSConfiguration = {
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.certificateVerification = .none
      return configuration
    }()

    /// Whether a connection failed because its certificate is not trusted.
    static func isRefusal(_ error: any Error) -> Bool {
      if error as? NIOSSLExtraError == .failedToValidateHostname { return true }
      switch error as? NIOSSLError {
      case .handshakeFailed(let cause)?: return "\(cause)".contains("CERTIFICATE_VERIFY_FAILED")
      case .unableToValidateCertificate?, .noCertificateToValidate?: return true
      default: return false
      }
    }

    /// Why a host's certificate is not trusted, and what helps.
    func refusal(of certificate: NIOSSLCertificate?, host: String, _ error: any Error) -> TransportFailure {
      let names = CertificateNames(der: (try? certificate?.toDERBytes()) ?? [])
      if error as? NIOSSLExtraError == .failedToValidateHostname {
        let hosts = names.hosts.isEmpty ? "another host" : names.hosts.prefix(3).joined(separator: ", ")
        return .untrusted("it is for \(hosts), not for \(host)")
      }
      if let certificate {
        let now = time(nil)
        if certificate.notValidAfter < now {
          return .untrusted(
            "it expired on \(Self.day(certificate.notValidAfter))",
            remedy: "Is the date of this computer right?")
        }
        if certificate.notValidBefore > now {
          return .untrusted(
            "it is valid only from \(Self.day(certificate.notValidBefore))",
            remedy: "Is the date of this computer right?")
        }
      }
      let issuer = names.issuer.map { "'\($0)'" } ?? "an authority"
      if let variable {
        return .untrusted("it is by \(issuer), which is not among the authorities of \(variable)")
      }
      guard Self.systemHasAuthorities else {
        return .untrusted(
          "this system knows no authorities",
          remedy: "Install ca-certificates, or name a PEM file of authorities in SSL_CERT_FILE.")
      }
      return .untrusted(
        "it is by \(issuer), which this system does not trust",
        remedy: "If that is your company's proxy, name a PEM file of its certificate in SSL_CERT_FILE.")
    }

    private static var systemHasAuthorities: Bool {
      #if os(Linux)
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"].contains(where: exists)
      #else
        true
      #endif
    }

    private static func day(_ seconds: time_t) -> String {
      Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601.year().month().day())
    }
  }
#endif
