import ModelZooTools

extension ZooError {
  /// What a person can type: the remedies of the library speak to a program.
  var commandRemedy: String? {
    switch code {
    case .unknownLayer: return "See `zoo inspect --layers`."
    case .unknownArchitecture: return "See `zoo list`. " + (remedy ?? "")
    default: break
    }
    // "…raise ReadingLimits.current.NAME."
    guard let remedy, let limit = remedy.firstRange(of: ReadingLimits.place) else { return remedy }
    let name = remedy[limit.upperBound...].prefix { $0.isLetter }
    return "If you trust the file, raise the limit: ZOO_LIMITS=\(name)=NUMBER."
  }
}
