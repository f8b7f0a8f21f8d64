/// A function that may stand in what is stated of a Lambda layer.
struct LambdaFunction {
  /// How many arguments it takes.
  let arguments: ClosedRange<Int>
  /// The names that further arguments may have, each a number.
  let keywords: Set<String>

  /// Functions that are no activation, or that take more than their input.
  private static let special: [String: LambdaFunction] = [
    "relu": LambdaFunction(keywords: ["max_value", "negative_slope", "alpha", "threshold"]),
    "leaky_relu": LambdaFunction(keywords: ["negative_slope", "alpha"]),
    "elu": LambdaFunction(keywords: ["alpha"]),
    "celu": LambdaFunction(keywords: ["alpha"]),
    "gelu": LambdaFunction(keywords: ["approximate"]),
    "softmax": LambdaFunction(keywords: ["axis"]),
    "log_softmax": LambdaFunction(keywords: ["axis"]),
    "glu": LambdaFunction(keywords: ["axis"]),
    "hard_shrink": LambdaFunction(keywords: ["threshold"]),
    "soft_shrink": LambdaFunction(keywords: ["threshold"]),
    "threshold": LambdaFunction(keywords: ["threshold", "default_value"]),
    "squareplus": LambdaFunction(keywords: ["b"]),
    "abs": LambdaFunction(), "absolute": LambdaFunction(), "negative": LambdaFunction(),
    "square": LambdaFunction(), "rsqrt": LambdaFunction(), "log1p": LambdaFunction(),
    "expm1": LambdaFunction(), "clip": LambdaFunction(3...3), "maximum": LambdaFunction(2...2),
    "minimum": LambdaFunction(2...2),
    "l2_normalize": LambdaFunction(keywords: ["axis", "epsilon"]),
    "mean": LambdaFunction(keywords: ["axis", "keepdims"]),
    "max": LambdaFunction(keywords: ["axis", "keepdims"]),
    "min": LambdaFunction(keywords: ["axis", "keepdims"]),
    "sum": LambdaFunction(keywords: ["axis", "keepdims"]),
  ]

  private init(_ arguments: ClosedRange<Int> = 1...1, keywords: Set<String> = []) {
    self.arguments = arguments
    self.keywords = keywords
  }

  /// The function of this name; nil where there is none.
  init?(named name: String) {
    if let known = LambdaFunction.special[name] {
      self = known
    } else if KerasLayer.activationNames.contains(name) {
      self.init()
    } else {
      return nil
    }
  }

  /// All names, ascending.
  static var names: [String] { KerasLayer.activationNames.union(special.keys).sorted() }

  /// What is wrong with a call; nil where nothing is.
  func fault(_ count: Int, _ names: Set<String>) -> String? {
    if !arguments.contains(count) { return "takes \(arguments.upperBound) arguments, not \(count)" }
    guard let unknown = names.subtracting(keywords).sorted().first else { return nil }
    return "has no argument '\(unknown)'"
      + (keywords.isEmpty ? "" : "; it has \(keywords.sorted().joined(separator: ", "))")
  }
}
