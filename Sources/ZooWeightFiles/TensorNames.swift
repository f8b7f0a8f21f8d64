/// What the names of tensors say: those that Keras gives, in the dialects of all its versions, and those of
/// other programs.
enum TensorNames {
  /// A weight's name, taken apart.
  struct Parts: Hashable {
    /// The layer named inside the weight's own name, if any.
    let layer: String?
    /// The variable in current terms.
    let variable: String
  }

  /// Keras 1 names a weight `<layer>_<suffix>`. Its `running_std` holds the variance.
  private static let keras1: [(suffix: String, variable: String)] = [
    ("_depthwise_kernel", "depthwise_kernel"), ("_pointwise_kernel", "pointwise_kernel"),
    ("_running_mean", "moving_mean"), ("_running_std", "moving_variance"),
    ("_gamma", "gamma"), ("_beta", "beta"), ("_W", "kernel"), ("_b", "bias"),
  ]

  /// Takes apart `conv1/kernel:0` (Keras 2), `conv1/kernel` and `kernel` (Keras 3), or
  /// `conv1_W_1:0` (Keras 1).
  static func parts(of name: String) -> Parts {
    let path = withoutOutputIndex(name)
    if let slash = path.lastIndex(of: "/") {
      let variable = String(path[path.index(after: slash)...])
      let scope = path[..<slash]
      let layer = scope.lastIndex(of: "/").map { scope[scope.index(after: $0)...] } ?? scope
      return Parts(layer: layer.isEmpty ? nil : String(layer), variable: variable)
    }
    // TensorFlow makes names unique by `_1`, `_2`, …, after the suffix.
    for candidate in [path, withoutNumber(path)] {
      for (suffix, variable) in keras1 where candidate.hasSuffix(suffix) && candidate.count > suffix.count {
        return Parts(layer: String(candidate.dropLast(suffix.count)), variable: variable)
      }
    }
    return Parts(layer: nil, variable: path)
  }

  /// What other programs call a layer's variables.
  private static let otherNames = [
    "W": "kernel", "weights": "kernel", "b": "bias", "biases": "bias", "mean": "moving_mean",
    "variance": "moving_variance", "moving_var": "moving_variance", "running_mean": "moving_mean",
    "running_var": "moving_variance",
  ]

  /// What PyTorch calls counts of training steps.
  private static let counters: Set<String> = ["num_batches_tracked", "n_averaged"]

  /// Whether a tensor of a dictionary counts steps of training, as PyTorch's batch normalizations do.
  static func isCounter(_ entry: TensorEntry) -> Bool {
    !entry.elementType.isFloatingPoint && entry.shape.elementCount == 1
      && counters.contains(entry.name.split(separator: ".").last.map(String.init) ?? "")
  }

  /// Takes apart the name of a tensor in a dictionary, of whatever container, where the layer may have a
  /// path: Keras' `model/conv1/kernel`, with dots, tensorpack's `group0/block0/conv1/bn/mean/EMA`, Frossard's
  /// `conv1_1_W`.
  static func parts(ofArray name: String) -> Parts {
    var path = withoutOutputIndex(name)
    if path.hasSuffix("/EMA") { path.removeLast(4) }
    guard let cut = path.lastIndex(of: "/") ?? path.lastIndex(of: ".") else { return parts(of: path) }
    let variable = String(path[path.index(after: cut)...])
    let layer = String(path[..<cut])
    return Parts(layer: layer.isEmpty ? nil : layer, variable: otherNames[variable] ?? variable)
  }

  /// Everything of `name` before its variable: equal for all weights of one plain layer.
  static func scope(of name: String) -> String {
    let path = withoutOutputIndex(name)
    if let slash = path.lastIndex(of: "/") { return String(path[..<slash]) }
    return parts(of: name).layer ?? ""
  }

  /// `name` without TensorFlow's `:0`.
  private static func withoutOutputIndex(_ name: String) -> String {
    guard let colon = name.lastIndex(of: ":") else { return name }
    let index = name[name.index(after: colon)...]
    return !index.isEmpty && index.allSatisfy(\.isNumber) ? String(name[..<colon]) : name
  }

  /// `name` without a final `_` and digits.
  static func withoutNumber(_ name: String) -> String { numbered(name).base }

  /// `conv2d_3` is number 3 of `conv2d`, and `conv2d` number 0.
  static func numbered(_ name: String) -> (base: String, number: Int) {
    guard let mark = name.lastIndex(of: "_"), mark > name.startIndex,
      name[name.index(after: mark)...].utf8.allSatisfy({
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      }),
      let number = Int(name[name.index(after: mark)...])
    else { return (name, 0) }
    return (String(name[..<mark]), number)
  }
}
