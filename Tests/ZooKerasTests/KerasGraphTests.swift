import Foundation
import Testing
import ZooGraph
import ZooKeras
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

func jsonValue(_ text: String) throws -> JSONValue {
  try JSONValue(parsing: Array(text.utf8), location: "the test")
}

private let architectures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures/architectures")

private func configuration(_ name: String) throws -> JSONValue {
  try jsonValue(
    String(contentsOf: architectures.appending(path: "\(name).config.json"), encoding: .utf8))
}

@Suite struct KerasGraphTests {
  @Test(
    "genuine configurations are the definitions",
    arguments: ["vgg16", "resnet50", "resnet50.k2", "mobilenet", "nasnet-narrow-skipping"])
  func genuineConfigurations(name: String) throws {
    let network = try kerasGraph(configuration: configuration(name), inputSize: nil)
    let known = try #require(KnownNetwork.described(as: name.replacing(".k2", with: ""))).graph()
    #expect(network.graph.canonicalForm == known.canonicalForm)
    #expect(network.layerOrder.map(\.node) == Array(known.nodes.indices))
    if !name.hasSuffix("k2") {
      #expect(network.graph == known)
      let weighted = Set(known.nodes.indices.filter { !known.nodes[$0].weights.isEmpty })
      let layers = network.layerOrder.filter { weighted.contains($0.node) }
      let places = known.kerasLayerPlaces.filter { weighted.contains($0.node) }
      #expect(layers.map(\.node) == places.map(\.node) && layers.map(\.storePath) == places.map(\.storePath))
    }
  }

  // MARK: Small configurations

  private func conv(_ name: String, _ extra: String = "", inbound: String? = nil) -> String {
    let inbound = inbound.map { #","inbound_nodes":[[["\#($0)",0,0,{}]]]"# } ?? ""
    return """
      {"class_name":"Conv2D","name":"\(name)","config":{"name":"\(name)","dtype":"float32","filters":4,
      "kernel_size":[3,3],"strides":[1,1],"padding":"same","data_format":"channels_last",
      "dilation_rate":[1,1],"activation":"relu","use_bias":true\(extra)}\(inbound)}
      """
  }

  private func sequential(_ layers: String..., name: String = "s", input: String = "[null,8,8,3]") -> String {
    let input = #"{"class_name":"InputLayer","config":{"name":"\#(name)_in","batch_input_shape":\#(input)}}"#
    return """
      {"class_name":"Sequential","config":{"name":"\(name)","layers":[\(([input] + layers).joined(separator: ","))]}}
      """
  }

  private func layer(_ className: String, _ attributes: String) -> String {
    #"{"class_name":"\#(className)","config":{"name":"it",\#(attributes)}}"#
  }

  @Test func sequentialOfOldKerasIsABareList() throws {
    let first =
      #"{"class_name":"Dense","config":{"name":"d","units":2,"use_bias":true,"activation":"linear","batch_input_shape":[null,5]}}"#
    let network = try kerasGraph(
      configuration: jsonValue(#"{"class_name":"Sequential","config":[\#(first)]}"#), inputSize: nil)
    #expect(network.graph.nodes.map(\.shape) == [[5], [2]])
    #expect(network.layerOrder.map(\.layer) == ["d"])
  }

  @Test func nestedModelsAreFlattened() throws {
    let inner = sequential(conv("a"), conv("b"), name: "inner")
    let again = sequential(conv("a"), name: "again", input: "[null,8,8,4]")
    let network = try kerasGraph(
      configuration: jsonValue(sequential(inner, again, layer("Flatten", "\"trainable\":true"))),
      inputSize: nil)
    #expect(network.graph.nodes.map(\.name) == ["s_in", "a", "b", "again/a", "it"])
    #expect(
      network.layerOrder.map(\.container) == [
        "", "layers/sequential", "layers/sequential", "layers/sequential_1", "",
      ])
    #expect(
      network.layerOrder.map { $0.steps.last?.group } == [
        "input_layer", "conv2d", "conv2d_1", "conv2d", "flatten",
      ])
  }

  @Test func functionalInAnyOrderAndNestedInFunctional() throws {
    let inner = """
      {"class_name":"Functional","name":"f","config":{"name":"f","layers":[
      \(conv("b", inbound: "a")),\(conv("a", inbound: "i")),
      {"class_name":"InputLayer","name":"i","config":{"name":"i","batch_input_shape":[null,8,8,3]},"inbound_nodes":[]}],
      "input_layers":[["i",0,0]],"output_layers":[["b",0,0],["a",0,0]]},"inbound_nodes":[[["x",1,0,{}]]]}
      """
    let add =
      #"{"class_name":"Add","name":"sum","config":{"name":"sum"},"inbound_nodes":[[["f",1,1,{}],["f",1,0,{}]]]}"#
    let outer = """
      {"class_name":"Model","config":{"name":"m","layers":[
      {"class_name":"InputLayer","name":"x","config":{"name":"x","batch_shape":[null,null,null,3]},"inbound_nodes":[]},
      \(inner),\(add)],"input_layers":["x",0,0],"output_layers":["sum",0,0]}}
      """
    let network = try kerasGraph(configuration: jsonValue(outer), inputSize: (16, 24))
    #expect(network.graph.nodes.map(\.name) == ["x", "a", "b", "sum"])
    #expect(network.graph.nodes[3].inputs.map(\.index) == [1, 2])
    #expect(network.graph.nodes[3].shape == [16, 24, 4])
    let open = #expect(throws: ZooError.self) {
      try kerasGraph(configuration: jsonValue(outer), inputSize: nil)
    }
    #expect(open?.code == .openInputSize)
    #expect(open?.description.contains("height and width") == true)
    let missing = #expect(throws: ZooError.self) {
      try kerasGraph(
        configuration: jsonValue(outer.replacing("\"i\",0,0,{}", with: "\"q\",0,0,{}")), inputSize: (16, 24))
    }
    #expect(missing?.code == .malformed)
    #expect(missing?.why.contains("'q'") == true)
  }

  static let refused: [(String, String, String, ZooError.Code)] = [
    ("Lambda", #""function":["4wEA",null,null]"#, "holds Python code", .unsupported),
    ("LSTM", #""units":4"#, "sequences are not supported yet", .unsupported),
    ("Conv1D", #""filters":4"#, "sequences are not supported yet", .unsupported),
    ("GlobalAveragePooling1D", "", "sequences are not supported yet", .unsupported),
    ("Conv3D", #""filters":4"#, "volumes are not supported yet", .unsupported),
    ("Custom", #""units":4"#, "layers of this class are not supported", .unsupported),
    ("Activation", #""activation":"maxout""#, "its activation is 'maxout'", .unsupported),
    ("Activation", #""activation":"threshold""#, "it has no threshold and value", .malformed),
    (
      "EinsumDense",
      #""equation":"abcd,de->abce","output_shape":[8,8,2],"bias_axes":"be","activation":"linear""#,
      "its bias has the axes 'be'", .unsupported
    ),
    (
      "EinsumDense",
      #""equation":"abcd,de->abe","output_shape":[8,2],"bias_axes":null,"activation":"linear""#,
      "sums over an axis of one operand", .unsupported
    ),
    ("EinsumDense", #""equation":"abc,cd->abd","output_shape":[8,2]"#, "'equation' is not", .malformed),
    (
      "IntegerLookup", #""vocabulary":[3,5],"num_oov_indices":2"#,
      "2 numbers for what is not in the vocabulary",
      .unsupported
    ),
    ("IntegerLookup", #""vocabulary":null"#, "its vocabulary is not in the configuration", .unsupported),
    ("Discretization", #""bin_boundaries":null"#, "it has no boundaries", .unsupported),
    ("CategoryEncoding", #""num_tokens":4,"output_mode":"count""#, "one vector of 3 axes", .unsupported),
    ("AdaptiveMaxPooling2D", #""output_size":[2]"#, "'output_size' is not", .malformed),
    ("BatchNormalization", #""axis":[3],"scale":true,"center":true"#, "it has no 'epsilon'", .malformed),
    ("Softmax", #""axis":0"#, "its axis is 0", .unsupported),
    (
      "LayerNormalization", #""axis":[3,1],"epsilon":0.001,"scale":true,"center":true"#, "do not ascend",
      .unsupported
    ),
    ("RMSNormalization", #""axis":1,"epsilon":0.001"#, "its axes are not the last ones", .unsupported),
    (
      "GroupNormalization", #""groups":2,"axis":-1,"epsilon":0.001,"scale":true,"center":true"#,
      "'groups' is not a divisor of 3 channels", .malformed
    ),
    (
      "UpSampling2D", #""size":[2,2],"data_format":"channels_last","interpolation":"sinc""#,
      "interpolation is 'sinc'", .unsupported
    ),
    (
      "UpSampling2D", #""size":[4611686018427387904,2],"data_format":"channels_last""#,
      "a size of 4611686018427387904", .unsupported
    ),
    (
      "Resizing", #""height":4,"width":4,"pad_to_aspect_ratio":true,"fill_mode":"edge""#, "fill_mode",
      .unsupported
    ),
    ("Permute", #""dims":[1,1,2]"#, "'dims' is not", .malformed),
    ("Merge", #""mode":"dot""#, "its mode is 'dot'", .unsupported),
    ("TFOpLambda", #""function":"math.cumsum""#, "the function 'cumsum' is not supported", .unsupported),
    (
      "MaxPooling2D", #""pool_size":[2,2],"strides":[2,2],"padding":"causal","data_format":"channels_last""#,
      "padding is 'causal'", .unsupported
    ),
    ("ZeroPadding2D", #""padding":[[1,1]],"data_format":"channels_last""#, "'padding' is not", .malformed),
    ("Dense", #""units":2,"use_bias":true"#, "it has no 'activation'", .malformed),
    (
      "Dense", #""units":2.5,"use_bias":true,"activation":"linear""#, "'units' is not a whole number",
      .malformed
    ),
    (
      "Dense",
      #""units":2,"use_bias":true,"activation":"linear","dtype":{"class_name":"QuantizedDTypePolicy","config":{"mode":"int4"}}"#,
      "quantized (int4)", .unsupported
    ),
    (
      "Dense",
      #""units":2,"use_bias":true,"activation":"linear","dtype":{"class_name":"QuantizedDTypePolicy"}"#,
      "quantized", .unsupported
    ),
    ("Reshape", #""target_shape":[-1,-1]"#, "target_shape", .malformed),
    ("Reshape", #""target_shape":[7]"#, "can't be reshaped", .invalidNetwork),
    (
      "Cropping2D", #""cropping":[[4,4],[0,0]],"data_format":"channels_last""#,
      "its output would have the shape", .invalidNetwork
    ),
  ]

  @Test func openChannelsSayWhatToGive() throws {
    let text = """
      {"class_name":"Sequential","config":{"name":"s","layers":[{"class_name":"InputLayer","config":{"name":"x",
      "batch_shape":[null,null,null,null]}},{"class_name":"ReLU","config":{"name":"r","max_value":null}}]}}
      """
    let error = #expect(throws: ZooError.self) {
      try kerasGraph(configuration: jsonValue(text), inputSize: nil)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.why.contains("channels") == true, "\(error?.description ?? "")")
    #expect(error?.remedy?.contains("keras.Input") == true)
  }

  @Test("what would change the result is refused, naming the layer", arguments: refused.indices)
  func refusals(index: Int) throws {
    let (className, attributes, reason, code) = Self.refused[index]
    let error = #expect(throws: ZooError.self) {
      try kerasGraph(configuration: jsonValue(sequential(layer(className, attributes))), inputSize: nil)
    }
    #expect(error?.code == code, "\(error?.description ?? "")")
    #expect(error?.location.contains("'it'") == true)
    #expect(error?.why.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test func malformedConfigurations() throws {
    for (text, reason) in [
      ("[]", "no class_name"),
      (#"{"class_name":"MyModel","config":{}}"#, "only Sequential and Functional"),
      (#"{"class_name":"Sequential","config":{"layers":[]}}"#, "no layers"),
      (#"{"class_name":"Sequential","config":{"layers":[{}]}}"#, "no class_name"),
      (#"{"class_name":"Functional","config":{"layers":[]}}"#, "inputs and outputs"),
      (sequential(conv("a"), conv("a")), "two layers have this name"),
      (sequential(conv("a", #","groups":3"#)), "groups"),
    ] {
      let error = #expect(throws: ZooError.self) {
        try kerasGraph(configuration: jsonValue(text), inputSize: nil)
      }
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? text)")
    }
  }

  private func functional(_ layers: String..., inputs: String = "[[\"i\",0,0]]", outputs: String) -> String {
    let input =
      #"{"class_name":"InputLayer","name":"i","config":{"name":"i","batch_shape":[null,8,8,3]},"inbound_nodes":[]}"#
    return """
      {"class_name":"Functional","config":{"name":"f","layers":[
      \(([input] + layers).joined(separator: ","))],"input_layers":\(inputs),"output_layers":\(outputs)}}
      """
  }

  @Test func aSharedLayerHasOneSetOfWeights() throws {
    let first = conv("c", inbound: "i").replacing("\"filters\":4", with: "\"filters\":3").dropLast(2)
    let shared = first + #",[["c",0,0,{}]]]}"#
    let network = try kerasGraph(
      configuration: jsonValue(functional(String(shared), outputs: #"[["c",1,0],["c",0,0]]"#)), inputSize: nil
    )
    let graph = network.graph
    #expect(graph.nodes.map(\.name) == ["i", "c", "c:2"])
    #expect(graph.nodes[2].sharing == Value(index: 1))
    #expect(graph.nodes[2].weights == graph.nodes[1].weights)
    #expect(graph.weightSlots.map(\.name) == ["c/kernel", "c/bias"])
    #expect(graph.outputs.map(\.index) == [2, 1])
    #expect(network.layerOrder.map(\.node) == [0, 1])
    // A network of two layers with weights of their own computes something else.
    let apart = try kerasGraph(
      configuration: jsonValue(
        functional(
          String(first) + "]}",
          conv("d", inbound: "c").replacing("\"filters\":4", with: "\"filters\":3"),
          outputs: #"[["d",0,0],["c",0,0]]"#)), inputSize: nil)
    #expect(apart.graph.canonicalForm != graph.canonicalForm)

    // A second call on an image of other channels can't use the same kernel.
    let misfit = conv("c", inbound: "i").dropLast(2) + #",[["c",0,0,{}]]]}"#
    let error = #expect(throws: ZooError.self) {
      try kerasGraph(
        configuration: jsonValue(functional(String(misfit), outputs: #"["c",1,0]"#)), inputSize: nil)
    }
    #expect(error?.code == .invalidNetwork)
    #expect(error?.description.contains("do not fit") == true, "\(error?.description ?? "")")
    let none = #expect(throws: ZooError.self) {
      try kerasGraph(
        configuration: jsonValue(functional(String(shared), outputs: #"["c",2,0]"#)), inputSize: nil)
    }
    #expect(none?.code == .malformed)
    #expect(none?.why.contains("called 2 times") == true)
  }

  @Test func layersOfOneClassAreOneLine() throws {
    func lstm(_ name: String) -> String {
      layer("LSTM", #""units":4"#).replacing("\"it\"", with: "\"\(name)\"")
    }
    let error = #expect(throws: ZooError.self) {
      try kerasGraph(
        configuration: jsonValue(sequential(lstm("a"), lstm("b"), conv("c"), lstm("d"), lstm("e"))),
        inputSize: nil)
    }
    #expect(
      error?.description.hasPrefix(
        "unsupported layer in 4 layers (LSTM: 'a', 'b', 'd', …): sequences are not supported yet")
        == true, "\(error?.description ?? "")")
  }

  @Test("flags may be numbers, as Python takes them", arguments: [("1", true), ("0", false), ("2.0", true)])
  func flagsAreNumbers(text: String, isTrue: Bool) throws {
    let norm = layer("BatchNormalization", #""axis":[3],"epsilon":0.001,"center":\#(text),"scale":\#(text)"#)
    let dense = layer("Dense", #""units":2,"use_bias":\#(text),"activation":"linear","trainable":\#(text)"#)
    let nodes = try kerasGraph(
      configuration: jsonValue(sequential(norm, dense.replacing("\"it\"", with: "\"dense\""))), inputSize: nil
    )
    #expect(
      nodes.graph.nodes.last?.operation == .dense(Dense(units: 2, useBias: isTrue, activation: .linear)))
    #expect(
      nodes.graph.nodes[1].operation
        == .batchNormalization(BatchNormalization(epsilon: 0.001, scale: isTrue, center: isTrue)))
    #expect(nodes.layerOrder.last?.isTrainable == isTrue)
  }

  @Test(
    "open axes are called what they are",
    arguments: [
      ("null,null,2", "a sequence of open length"), ("null,20,null", "an open number of features"),
      ("null,null", "a sequence of open length"), ("null,8,0,3", "number of channels"),
      ("null,8,8,null,1", "a volume of open size"), ("null,8,-1,3", "number of channels"),
    ])
  func openAxes(shape: String, why: String) throws {
    let text = sequential(layer("Flatten", #""trainable":true"#), input: "[\(shape)]")
    let error = #expect(throws: ZooError.self) {
      try kerasGraph(configuration: jsonValue(text), inputSize: nil)
    }
    #expect(error?.code == .unsupported && error?.why.contains(why) == true, "\(error as Any)")
  }

  @Test func oneErrorNamesAllThatIsNotSupported() throws {
    let text = sequential(
      layer("LSTM", #""units":4"#).replacing("\"it\"", with: "\"one\""),
      layer("Lambda", #""function":1"#).replacing("\"it\"", with: "\"two\""), conv("a"))
    let error = #expect(throws: ZooError.self) {
      try kerasGraph(configuration: jsonValue(text), inputSize: nil)
    }
    #expect(error?.code == .unsupported)
    #expect(
      error?.description.hasPrefix(
        "unsupported layer in layer 'one' (LSTM): sequences are not supported yet; also layer 'two' "
          + "(Lambda): it holds Python code, which is never run") == true, "\(error?.description ?? "")")
  }

  @Test func hugeSizesOverflowNothing() throws {
    let wide = conv("a", #","groups":1"#).replacing(#""filters":4"#, with: #""filters":1073741824"#)
    for kernel in ["[1048576,1048576]", "[1152921504606846976,1]", "[0,1]", "[-1,1]"] {
      #expect(
        errorCode {
          try kerasGraph(
            configuration: jsonValue(
              sequential(wide.replacing("[3,3]", with: kernel), input: "[null,1,1,1073741824]")),
            inputSize: nil)
        } == .invalidNetwork)
    }
    let dense =
      #"{"class_name":"Dense","config":{"name":"d","units":1048576,"use_bias":true,"activation":"linear"}}"#
    let network = try kerasGraph(
      configuration: jsonValue(sequential(dense, input: "[null,1024,1024,1048576]")), inputSize: nil)
    #expect(network.graph.macs == 1 << 60)
  }

  @Test func deepNestingIsRefused() throws {
    var text = sequential(conv("a"))
    for depth in 0..<20 { text = sequential(text, name: "d\(depth)") }
    let error = #expect(throws: ZooError.self) {
      try kerasGraph(configuration: jsonValue(text), inputSize: nil)
    }
    #expect(error?.code == .malformed && error?.why.contains("nested") == true)
  }
}
