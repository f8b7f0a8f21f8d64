import Testing
import ZooConversion
import ZooFormat
import ZooSystem
import ZooTestSupport
import ZooWeightFiles

/// Models with Python code in them: nothing of it is run; a person states what it computes.
@Suite struct LambdaTests {
  private static let stated: [(String, [String: String])] = [
    ("code.k2.h5", ["scale": "x / 127.5 - 1"]),
    ("code.keras", ["scale": "x / 127.5 - 1"]),
    ("preprocess.k2.h5", ["preprocess": "x[..., ::-1] - [103.939, 116.779, 123.68]"]),
    ("preprocess.keras", ["preprocess": "x / 127.5 - 1"]),
    (
      "several.keras",
      [
        "scale": "x / 255 - [0.5, 0.25, 0.125]", "inner/scale": "abs(x) ** 0.5",
        "twice": "relu6(1.5 * x + 1) - 2",
      ]
    ),
    ("activations.keras", ["conv": "x * sigmoid(x) / 2", "floor": "maximum(x, -0.1)"]),
    ("silu.keras", [:]),
    ("functions.k2.h5", [:]),
  ]

  private func path(_ name: String) -> String { fixture("lambdas/\(name)") }

  private func failure(_ name: String, _ lambdas: [String: String] = [:]) throws -> ZooError {
    try #require(throws: ZooError.self) {
      try Recipe(path: path(name), options: RecipeOptions(lambdas: lambdas))
    }
  }

  @Test("a stated function computes what Keras did", arguments: stated)
  func statedFunctions(name: String, lambdas: [String: String]) throws {
    try withFolder { folder in
      var options = Converter.Options()
      options.recipe = RecipeOptions(lambdas: lambdas)
      options.verifier.ioPath = path("\(name).io.npz")
      let output = folder.appending(path: "m.zoo").path
      let report = try Converter(options: options).convert(path(name), to: output)
      #expect(report.lambdas == lambdas)
      #expect(report.verification?.checks.contains { $0.status == .failed } == false)
      #expect(report.preprocessingIsInside == ["code", "prep", "seve"].contains(String(name.prefix(4))))
      // The file says what was stated, and one made from it does too.
      #expect(try ZooFile(path: output).document.source?.lambdas == lambdas)
      let again = folder.appending(path: "again.zoo").path
      _ = try Converter().convert(output, to: again)
      #expect(try ZooFile(path: again).document.source?.lambdas == lambdas)
    }
  }

  @Test func anUntrueStatementIsFound() throws {
    var options = Converter.Options()
    options.recipe = RecipeOptions(lambdas: ["scale": "x / 127.5 - 2"])
    options.verifier.ioPath = path("code.keras.io.npz")
    options.dryRun = true
    let converter = Converter(options: options)
    let error = #expect(throws: ZooError.self) {
      try converter.convert(path("code.keras"), to: "unused.zoo")
    }
    #expect(error?.code == .verificationFailed)
  }

  @Test(
    "what is not stated is named with the command to type",
    arguments: [
      ("code.k2.h5", "holds Python code, which is never run", "--lambda 'scale=x / 255'"),
      (
        "preprocess.k2.h5", "the function 'preprocess_input' of tf_keras.src.applications.vgg16",
        "--lambda 'preprocess=x[..., ::-1] - [103.939, 116.779, 123.68]'"
      ),
      (
        "preprocess.keras", "the function 'preprocess_input', which is not in the file",
        "--lambda 'preprocess="
      ),
      ("several.keras", "4 layers (Lambda: 'scale', 'twice'", "--lambda 'inner/scale=x / 255'"),
      (
        "activations.keras", "its activation is 'half_swish'",
        "--lambda 'conv=x * sigmoid(x)' --lambda 'floor="
      ),
      ("inputs.k2.h5", "computes with 2 inputs, which --lambda can't state", "merging layers"),
    ])
  func unstatedFunctions(name: String, why: String, remedy: String) throws {
    let error = try failure(name)
    #expect(error.code == .unsupported && error.description.contains(why), "\(error)")
    #expect(error.remedy?.contains(remedy) == true, "\(error.remedy ?? "")")
    #expect(error.remedy?.contains("zoo convert \(path(name))") == (name != "inputs.k2.h5"))
  }

  @Test func statementsHaveToMeanOneLayer() throws {
    let scale = "x / 255 - [0.5, 0.25, 0.125]"
    let both = try failure("several.keras", ["scale": scale, "twice": "x"])
    #expect(both.code == .ambiguous && both.why.contains("'inner/scale', 'scale'"), "\(both)")
    let absent = try failure("code.keras", ["scale": "x", "conv": "x"])
    #expect(absent.code == .doesNotFit && absent.location.hasSuffix("--lambda conv"), "\(absent)")
    let none = try #require(throws: ZooError.self) {
      try Recipe(path: fixture("models/vgg16.npz"), options: RecipeOptions(lambdas: ["a": "x"]))
    }
    #expect(none.code == .doesNotFit && none.location == "--lambda a")
    #expect(try failure("code.keras", ["scale": "x +"]).category == .usage)
  }

  @Test(arguments: ["lambda.h5", "lambda.keras"])
  func codeIsNeverRun(name: String) throws {
    let path = fixture("malformed/\(name)")
    #expect(try !WeightFiles.open(path: path).tensors.isEmpty)
    let error = #expect(throws: ZooError.self) { try Recipe(path: path) }
    #expect(error?.code == .unsupported && error?.why.contains("never run") == true, "\(error as Any)")
  }

  @Test func layersAreListedAllTheSame() throws {
    let layers = DescribedLayer.all(of: try WeightFiles.open(path: path("several.keras")))
    #expect(layers.map(\.name).contains("inner/scale") && layers.count == 8)
    #expect(layers.filter { $0.className == "Lambda" }.count == 3)
    #expect(layers.first { $0.name == "inner/second" }?.parameters == 148)
    let legacy = DescribedLayer.all(of: try WeightFiles.open(path: path("code.k2.h5")))
    #expect(legacy.map(\.parameters) == [0, 0, 112, 0, 10], "\(legacy)")
  }
}
