import ZooSystem

/// What a person states of the layers of one model whose functions are Python code.
struct LambdaStatements {
  /// What can be stated, for whoever has to.
  static let help =
    "An expression has the input x, numbers, + - * / **, parentheses and Keras' activation functions: "
    + "x / 127.5 - 1, or x * sigmoid(x)."

  /// By the layer's name, with the models around it in front where it was stated so.
  private let expressions: [String: LambdaExpression]
  /// What each has been stated of, by the layer's path.
  private var uses: [String: Set<String>] = [:]
  /// The paths of all layers of which something can be stated.
  private var candidates: [String] = []

  /// - Throws: where an expression makes no sense.
  init(_ texts: [String: String]) throws(ZooError) {
    var expressions: [String: LambdaExpression] = [:]
    for (layer, text) in texts.sorted(by: { $0.key < $1.key }) {
      expressions[layer] = try LambdaExpression(text, for: layer)
    }
    self.expressions = expressions
  }

  /// What is stated of the layer at `path`, its name last; nil where nothing is.
  mutating func expression(at path: [String]) -> LambdaExpression? {
    let whole = path.joined(separator: "/")
    if !candidates.contains(whole) { candidates.append(whole) }
    for key in [whole, path.last ?? ""] {
      guard let expression = expressions[key] else { continue }
      uses[key, default: []].insert(whole)
      return expression
    }
    return nil
  }

  /// - Throws: where something is stated of several layers at once.
  func checkIsUnique() throws(ZooError) {
    for layer in expressions.keys.sorted() {
      let used = uses[layer, default: []].sorted()
      guard used.count > 1 else { continue }
      throw ZooError(
        .ambiguous, what: "ambiguous layer", at: "--lambda \(layer)",
        "\(used.count) layers have this name: \(Self.list(used))",
        remedy: "State each with the models around it: --lambda '\(used[0])=…'.")
    }
  }

  /// - Throws: also where something is stated of a layer that does not exist, or of which nothing can be.
  func checkIsUsed() throws(ZooError) {
    try checkIsUnique()
    guard let layer = expressions.keys.sorted().first(where: { uses[$0] == nil }) else { return }
    throw ZooError(
      .doesNotFit, what: "wrong layer", at: "--lambda \(layer)",
      candidates.isEmpty
        ? "the model has no layer with Python code" : "there is no such layer, but \(Self.list(candidates))",
      remedy: "--lambda takes the name of a layer with Python code.")
  }

  private static func list(_ layers: [String]) -> String {
    layers.prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (layers.count > 8 ? ", …" : "")
  }
}
