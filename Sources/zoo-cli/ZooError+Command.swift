import ModelZooTools
import ZooSystem

extension ZooError {
  /// The same error for a person at a terminal. The library's errors speak to a program: they name its types, where a
  /// person types options and commands.
  var asTyped: ZooError {
    ZooError(
      code, what: what, at: Self.typed(location), Self.typed(why), remedy: typedRemedy,
      underlyingError: underlyingError)
  }

  private var typedRemedy: String? {
    switch code {
    case .unknownLayer: return "See `zoo inspect --layers`."
    default: break
    }
    // "…raise ReadingLimits.current.NAME."
    guard let remedy, let limit = remedy.firstRange(of: ReadingLimits.place) else {
      return remedy.map(Self.typed)
    }
    let name = remedy[limit.upperBound...].prefix { $0.isLetter }
    return "If you trust the file, raise the limit: ZOO_LIMITS=\(name)=NUMBER."
  }

  /// What is typed in place of what a program sets, phrases before the names that are in them.
  private static let phrases = [
    ("set RecipeOptions.configuration to", "add --config"),
    ("set RecipeOptions.trustsNames", "use --trust-names"),
    ("set Converter.Options.verify to false", "use --no-verify"),
    ("(RecipeOptions.configuration)", "(--config MODEL.json)"), ("RecipeOptions.configuration", "--config"),
    ("RecipeOptions.architecture", "--architecture"), ("RecipeOptions.inputSize", "--input-size"),
    ("RecipeOptions.kernelLayout", "--kernel-order"), ("RecipeOptions.labels", "--labels"),
    ("RecipeOptions.preprocessing", "--preprocessing"), ("RecipeOptions.writer", "--writer"),
    ("Resume it, or replace it.", "--resume goes on with it, and --force begins anew."),
    ("other settings than when it was begun", "other options than when it was begun"),
    ("Try a lower rate, or clip the norm of gradients.", "Try a lower --rate, or --clip-norm 1."),
    ("Try a lower rate.", "Try a lower --rate."),
    ("Train fewer layers, or allow more.", "Train fewer layers, or raise --memory."),
    ("KnownArchitecture.all has", "`zoo list` shows"),
    ("an architecture of KnownArchitecture.all", "the architectures that `zoo list` shows"),
    ("A picture goes to a Classifier.", "A picture goes to `zoo predict MODEL.zoo PICTURE`."),
  ]

  /// A text of the library with what is typed in place of what a program sets.
  static func typed(_ text: String) -> String {
    phrases.reduce(text) { $0.replacing($1.0, with: $1.1) }
  }
}
