import Testing
import ZooGraph
import ZooKeras
import ZooReference
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// What may be stated of a Lambda layer, and what becomes of it.
@Suite struct LambdaExpressionTests {
  private func graph(_ expression: String, shape: String = "2,2,3", members: String = "") throws -> Graph {
    let model = """
      {"class_name":"Sequential","config":{"name":"m","layers":[
      {"class_name":"InputLayer","config":{"name":"x","batch_shape":[null,\(shape)]}},
      {"class_name":"Lambda","config":{"name":"it","function":["4wEA",null,null]\(members)}}]}}
      """
    let configuration = try JSONValue(parsing: Array(model.utf8), location: "model")
    return try kerasGraph(configuration: configuration, inputSize: nil, lambdas: ["it": expression]).graph
  }

  private func refusal(_ expression: String, shape: String = "2,2,3", members: String = "") throws -> ZooError
  {
    try #require(throws: ZooError.self) { try graph(expression, shape: shape, members: members) }
  }

  private func values(_ expression: String, of input: [Double]) throws -> [Double] {
    let graph = try graph(expression, shape: "1,1,\(input.count)")
    let weights = ComputedWeights { slot in throw ZooError(.missing, what: "weight", at: slot.name, "none") }
    let shape = try #require(Shape(checking: [1, 1, input.count]))
    let results = try ReferenceEngine(graph: graph, weights: weights).run([
      ReferenceTensor(shape: shape, values: input)
    ])
    return try #require(results[graph.outputs[0]]?.values)
  }

  @Test(
    "expressions mean what they mean in Python",
    arguments: [
      ("x / 127.5 - 1", 255, 1), ("lambda t: t / 127.5 - 1.", 0, -1), ("-x ** 2", 3, -9), ("(-x) ** 2", 3, 9),
      ("2 ** -x", 2, 0.25), ("x ** 2 ** 0.5", 4, 7.102993301316016), ("1 - 2 - x", 1, -2),
      ("8 / 4 / x", 2, 1), ("2 * (x + 1) - x", 5, 7), ("x - x / 2", 6, 3), ("3 / x", 4, 0.75),
      ("x * x - x", 4, 12), ("+x - -x", 2, 4), ("relu6(x + 1)", 9, 6), ("tf.nn.relu(x, max_value=2)", 3, 2),
      ("relu(x, negative_slope=0.5)", -4, -2), ("keras.activations.relu6(x) / 6", 3, 0.5),
      ("maximum(x, 0.5)", -1, 0.5), ("minimum(3, x)", 7, 3), ("clip(x, -1, 1)", -5, -1), ("abs(x)", -2, 2),
      ("x / sqrt(4.)", 8, 4), ("1e-1 * x", 5, 0.5), ("x*.5", 3, 1.5), ("x", 7, 7), ("square(x) + 1", 3, 10),
      ("(x - 1) * (x + 1)", 3, 8), ("x * sigmoid(x)", 0, 0), ("leaky_relu(x, negative_slope=0.25)", -8, -2),
    ] as [(String, Double, Double)])
  func meaning(expression: String, input: Double, expected: Double) throws {
    let found = try values(expression, of: [input])
    #expect(found.count == 1 && abs(found[0] - expected) < 1e-9, "\(found)")
  }

  @Test func channelsHaveNumbersOfTheirOwn() throws {
    #expect(try values("x[..., ::-1] - [1, 2, 3]", of: [10, 20, 30]) == [29, 18, 7])
    #expect(try values("(x / 2 - [1, 2, 3]) / [1, 2, -4]", of: [4, 8, 22]) == [1, 1, -2])
    #expect(try values("[1, 2, 3] * x[:, :, :, ::-1] + 1", of: [1, 2, 3]) == [4, 5, 4])
    #expect(
      try values("softmax(x) * 0 + x - mean(x, axis=-1, keepdims=True)", of: [1, 2, 6]) == [-2, -1, 3])
  }

  @Test func numbersAreWorkedOutBeforehand() throws {
    #expect(
      try graph("2 * (x / 255 - 0.5) / (3 - 1)").nodes.map(\.operation) == [
        .input(shape: [2, 2, 3]), .rescaling(Rescaling(scale: [1.0 / 255], offset: [-0.5])),
      ])
    #expect(try graph("relu(x)").nodes.last?.operation == .activation(.relu))
    #expect(try graph("x").nodes.last?.operation == .identity(layer: "Identity"))
  }

  @Test(
    "errors point at the place",
    arguments: [
      ("x +", "at its end: x, a number"), ("", "at its end"), ("(x", "')' is expected"),
      ("x)", "character 2, ')'"),
      ("x / foo", "character 5, 'foo'"), ("x / y.z", "character 5, 'y.z'"),
      ("foo(x)", "there is no function 'foo'"),
      ("1 2", "character 3, '2'"), ("x // 2", "whole division"), ("x % 2", "character 3, '% 2'"),
      ("x[0]", "[..., ::-1]"), ("relu(x, y=3)", "has no argument 'y'"), ("relu(x, x)", "takes 1 arguments"),
      ("relu x", "'(' is expected"), ("3", "does not use the input"), ("x / 0", "divides by 0"),
      ("x / (1 - 1)", "divides by 0"), ("x * 1e999", "is not a number"),
      ("x * 1e300 * 1e300", "no finite number"),
      ("1.2.3 * x", "'1.2.3' is not a number"), ("x - [1, 2]", "2 numbers are not one for each of 3"),
      ("[1, 2] + [1, 2, 3] + x", "2 numbers do not go with 3"), ("x ** x", "exponent"),
      ("lambda a, b: a", "one input"),
      ("__import__('os')", "character 1"), ("x if x else x", "an operator is expected"),
      ("x; x", "character 2"),
      ("softmax(x, axis=0)", "axis"), ("x\u{0}", "an operator is expected"), ("é", "character 1"),
    ])
  func places(expression: String, text: String) throws {
    let error = try refusal(expression)
    #expect(error.code == .invalidArgument && error.description.contains(text), "\(error)")
    #expect(error.location == "--lambda it" && error.remedy != nil)
  }

  @Test func capsHold() throws {
    let long = String(repeating: "x+", count: 499) + "x"
    #expect(try values(long, of: [1]) == [500])
    #expect(try refusal(long + "+x").code == .tooLarge)
    for deep in ["(", "-", "x**", "relu("].map({ String(repeating: $0, count: 60) + "x" }) {
      #expect(try refusal(deep).description.contains("nested"), "\(deep)")
    }
  }

  @Test func theOutputsShapeIsTheFiles() throws {
    #expect(try graph("x / 2", members: #","output_shape":[2,2,3]"#).nodes.last?.shape == [2, 2, 3])
    let error = try refusal("x / 2", members: #","output_shape":[4]"#)
    #expect(error.code == .doesNotFit && error.description.contains("output is 4"), "\(error)")
  }

  @Test(
    "the function's name is read of its code",
    arguments: [
      (
        "4wEAAAAAAAAAAAAAAAIAAAADAAAA8wwAAACXAHwAZAF6CwAAUwCpAk7pAgAAAKkAqQHaAXhzAQAA\nACD6Di90bXAvY3ZfbGFtLnB52ght"
          + "eV9zY2FsZXIIAAAABAAAAHMKAAAAgACYAZghmQOQGvMAAAAA\n", "my_scale"
      ),
      ("4wEA", nil), ("", nil), ("????", nil), ("c2hvcnQ=", nil),
    ])
  func functionName(code: String, name: String?) {
    #expect(PythonCode.functionName(inBase64: code) == name)
  }

  @Test func damagedCodeIsNoName() {
    let code = "4wEAAAAAAAAAAAAAAAIAAAADAAAA8wwAAACXAHwAZAF6CwAAUwCpAk7pAgAAAKkAqQHaAXhzAQAA"
    for length in stride(from: 4, to: code.utf8.count, by: 4) {
      #expect(PythonCode.functionName(inBase64: String(code.prefix(length))) == nil)
    }
    // Lists in lists, and a list of more than there is.
    for bytes in ["KAEAAAA", "KP///38", "W////38"].map({ String(repeating: $0, count: 200) }) {
      #expect(PythonCode.functionName(inBase64: bytes) == nil)
    }
  }
}
