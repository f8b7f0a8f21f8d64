import Foundation
import Testing
import ZooConversion
import ZooGraph
import ZooKeras
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

/// Hints as a weight file gives them for `graph`.
func hints(_ graph: Graph, names: Bool = true, rename: (String) -> String = { $0 }) -> [TensorHint] {
  graph.weightSlots.map {
    TensorHint(
      layer: names ? rename($0.layer) : nil, variable: names ? $0.role.rawValue : nil, shape: $0.shape)
  }
}

/// What networks the catalogue finds for tensors, and for graphs.
@Suite struct CatalogSearchTests {
  @Test("the member is found from names, and from shapes alone in any order", arguments: KnownNetwork.evident)
  func findsTheMember(network: KnownNetwork) throws {
    let graph = try network.graph()
    for found in [
      Catalog.candidates(for: hints(graph)).first,
      Catalog.candidates(for: hints(graph, names: false)).first,
      Catalog.candidates(for: hints(graph, names: false).reversed()).first,
    ] {
      let best = try #require(found)
      #expect(best.isExact && best.unusedCount == 0)
      #expect(best.variant.architecture == network.architecture)
      #expect(best.variant.head == network.head)
      #expect(best.variant.input == network.input)
      #expect(try best.variant.graph() == graph, "\(best.explanation)")
    }
  }

  @Test func olderResNetNamesMeanTheOlderEpsilon() throws {
    let graph = try ResNet.resNet50.graph(input: InputShape(224, 224), head: .imageNet)
    let older = hints(graph) { name in
      switch name {
      case "conv1_conv": return "conv1"
      case "conv1_bn": return "bn_conv1"
      case "predictions": return "fc1000"
      default:
        let parts = name.split(separator: "_")
        let letter = Character(UnicodeScalar(UInt8(96 + (Int(parts[1].dropFirst(5)) ?? 0))))
        let branch = ["1", "2a", "2b", "2c"][Int(parts[2]) ?? 0]
        return "\(parts[3] == "conv" ? "res" : "bn")\(parts[0].dropFirst(4))\(letter)_branch\(branch)"
      }
    }
    let best = try #require(Catalog.candidates(for: older).first)
    #expect(best.nameAgreement == 1)
    #expect(best.variant.definition as? ResNet == ResNet(depths: [3, 4, 6, 3], convention: .keras2015))
  }

  @Test func aBackboneAmongForeignTensorsIsFoundByName() throws {
    let graph = try MobileNet(alpha: 0.25).graph(input: InputShape(224, 224), head: .features(.none))
    let foreign = [TensorHint(layer: "head", variable: "kernel", shape: [1, 1, 256, 8])]
    let best = try #require(Catalog.candidates(for: hints(graph) + foreign).first)
    #expect(!best.isExact && best.unusedCount == 1)
    #expect(best.variant.head == .features(.none))
    #expect(Catalog.candidates(for: hints(graph, names: false) + foreign).isEmpty)
  }

  @Test func inputSizeIsTheCallersElseTheWeightsElseTheDefault() throws {
    let vgg = VGG(depths: [2, 2, 3, 3, 3], width: 4, denseWidth: 16)
    let graph = try vgg.graph(input: InputShape(64, 96), head: .classifier(classes: 3, activation: .softmax))
    #expect(Catalog.candidates(for: hints(graph)).isEmpty)
    let best = try #require(Catalog.candidates(for: hints(graph), MatchContext(inputSize: (64, 96))).first)
    #expect(best.variant.input == InputShape(64, 96))
    #expect(Catalog.candidates(for: hints(graph), MatchContext(inputSize: (224, 224))).isEmpty)
  }

  @Test func whatDoesNotFitIsSaid() throws {
    let graph = try MobileNet().graph(input: InputShape(224, 224), head: .imageNet)
    var tensors = hints(graph)
    tensors.removeLast()
    #expect(Catalog.candidates(for: tensors).isEmpty)
    let short = #expect(throws: ZooError.self) {
      try Catalog.candidate(architecture: "mobilenet", for: tensors)
    }
    #expect(short?.code == .doesNotFit)
    #expect(short?.why.contains("1 of 137 weights") == true, "\(short?.why ?? "")")
    let wrong = #expect(throws: ZooError.self) {
      try Catalog.candidate(architecture: "vgg16", for: hints(graph))
    }
    #expect(wrong?.code == .doesNotFit)
    #expect(wrong?.location == "architecture 'vgg16'")
    #expect(wrong?.why.contains("block1_conv1/kernel (3x3x3x64)") == true, "\(wrong?.why ?? "")")
    let unknown = #expect(throws: ZooError.self) {
      try Catalog.candidate(architecture: "alexnet", for: [])
    }
    #expect(unknown?.code == .unknownArchitecture)
    #expect(unknown?.description.contains("mobilenet") == true)
    #expect(Catalog.candidates(for: []).isEmpty)
  }

  @Test func membersAreRecognisedWhateverTheirLayersAreCalled() throws {
    for network in KnownNetwork.evident {
      let graph = try network.graph()
      let renamed = try Graph(
        layers: graph.nodes.enumerated().map { index, node in
          Graph.Layer(name: "l\(index)", operation: node.operation, inputs: node.inputs.map(\.index))
        }, outputs: graph.outputs.map(\.index))
      let found = try #require(Catalog.recognise(renamed))
      #expect(found.variant.head == network.head && found.variant.input == network.input)
      #expect(try found.variant.graph() == graph)
    }
    let pooled = try NASNet.mobile.graph(input: InputShape(225, 225), head: .features(.max))
    #expect(Catalog.recognise(pooled)?.variant.head == .features(.max))
    let odd = try ResNet(depths: [3, 4, 6, 3], epsilon: 1e-3).graph(
      input: InputShape(64, 64), head: .imageNet)
    #expect(
      Catalog.recognise(odd)?.variant.definition as? ResNet == ResNet(depths: [3, 4, 6, 3], epsilon: 1e-3))
  }

  @Test(
    "genuine configurations are recognised",
    arguments: ["vgg16", "resnet50", "resnet50.k2", "mobilenet", "nasnet-narrow-skipping"])
  func genuineConfigurations(name: String) throws {
    let network = try #require(KnownNetwork.described(as: name.replacing(".k2", with: "")))
    let file = fixture("architectures/\(name).config.json")
    let graph = try kerasGraph(
      configuration: JSONValue(parsing: Array(Data(contentsOf: URL(filePath: file))), location: file),
      inputSize: nil
    ).graph
    #expect(Catalog.recognise(graph)?.variant.head == network.head)
  }
}
