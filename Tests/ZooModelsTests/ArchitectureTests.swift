import Foundation
import Testing
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooTestSupport

/// A layer as genuine Keras describes it.
struct KerasLayer: Equatable, CustomStringConvertible {
  let name: String
  let shape: String
  let parameters: Int
  /// `conv2d_3`: its place in Keras 3's store, for layers with weights.
  let storePlace: String?

  var description: String { "\(name) \(shape) \(parameters) \(storePlace ?? "")" }
}

/// The lines of `Fixtures/architectures/NAME.txt`.
func kerasLayers(_ name: String) throws -> [KerasLayer] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/architectures")
  let text = try String(contentsOf: folder.appending(path: "\(name).txt"), encoding: .utf8)
  return try text.split(separator: "\n").map { line in
    let fields = line.split(separator: " ").map(String.init)
    return KerasLayer(
      name: fields[0], shape: fields[1], parameters: try #require(Int(fields[2])),
      storePlace: fields.count > 3 ? fields[3] : nil)
  }
}

/// The same description of one of our graphs.
func describedLayers(_ graph: Graph) -> [KerasLayer] {
  graph.kerasLayerPlaces.map { place in
    let node = graph.nodes[place.node]
    // Keras' own names leave out the number of the first layer of a class.
    let group = place.steps[0].group
    let numbered = group == node.operation.kerasClassName ? "\(group)_0" : group
    return KerasLayer(
      name: node.name, shape: node.shape.description,
      parameters: node.weights.reduce(0) { $0 + $1.shape.elementCount },
      storePlace: node.weights.isEmpty ? nil : numbered)
  }
}

@Suite struct ArchitectureTests {
  @Test(
    "names, order, shapes, parameters and store places are genuine Keras'", arguments: KnownNetwork.described)
  func agreesWithKeras(network: KnownNetwork) throws {
    let name = try #require(network.fixture)
    let graph = try network.graph()
    let ours = describedLayers(graph)
    let theirs = try kerasLayers(name)
    #expect(ours.count == theirs.count)
    for (a, b) in zip(ours, theirs) { try #require(a == b, "\(name)") }
    #expect(graph.kerasOrder == Array(graph.nodes.indices))
  }

  struct Count {
    let definition: any NetworkDefinition
    let parameters: Int
    let withoutTop: Int
    let nonTrainable: Int?
    let macs: Int?
    let layers: Int
    let weightLayers: Int
    let tensors: Int
  }

  static let counts = [
    Count(
      definition: VGG.vgg16, parameters: 138_357_544, withoutTop: 14_714_688, nonTrainable: 0,
      macs: 15_470_264_320, layers: 23, weightLayers: 16, tensors: 32),
    Count(
      definition: VGG.vgg19, parameters: 143_667_240, withoutTop: 20_024_384, nonTrainable: 0,
      macs: 19_632_062_464, layers: 26, weightLayers: 19, tensors: 38),
    Count(
      definition: ResNet.resNet50, parameters: 25_636_712, withoutTop: 23_587_712, nonTrainable: 53_120,
      macs: 3_857_973_248, layers: 177, weightLayers: 107, tensors: 320),
    Count(
      definition: MobileNet(), parameters: 4_253_864, withoutTop: 3_228_864, nonTrainable: 21_888,
      macs: 568_740_352, layers: 91, weightLayers: 55, tensors: 137),
    Count(
      definition: NASNet.mobile, parameters: 5_326_716, withoutTop: 4_269_716, nonTrainable: 36_738,
      macs: 563_638_816, layers: 771, weightLayers: 389, tensors: 1126),
    Count(
      definition: MobileNet(alpha: 0.75), parameters: 2_601_976, withoutTop: 1_832_976, nonTrainable: nil,
      macs: nil, layers: 91, weightLayers: 55, tensors: 137),
    Count(
      definition: MobileNet(alpha: 0.5), parameters: 1_342_536, withoutTop: 829_536, nonTrainable: nil,
      macs: nil, layers: 91, weightLayers: 55, tensors: 137),
    Count(
      definition: MobileNet(alpha: 0.25), parameters: 475_544, withoutTop: 218_544, nonTrainable: nil,
      macs: nil, layers: 91, weightLayers: 55, tensors: 137),
  ]

  @Test("published counts hold", arguments: counts.indices)
  func publishedCounts(index: Int) throws {
    let count = Self.counts[index]
    let graph = try count.definition.graph(input: InputShape(224, 224), head: .imageNet)
    #expect(graph.parameterCount == count.parameters)
    if let nonTrainable = count.nonTrainable {
      #expect(graph.parameterCount - graph.trainableParameterCount == nonTrainable)
    }
    if let macs = count.macs { #expect(graph.macs == macs) }
    #expect(graph.nodes.count == count.layers)
    #expect(graph.nodes.count { !$0.weights.isEmpty } == count.weightLayers)
    #expect(graph.weightSlots.count == count.tensors)
    for pooling in GlobalPooling.allCases {
      let backbone = try count.definition.graph(input: InputShape(224, 224), head: .features(pooling))
      #expect(backbone.parameterCount == count.withoutTop)
    }
  }

  @Test(
    "multiplications of MobileNet by alpha and size, in units of 100,000",
    arguments: [
      (0.75, 224, 3254), (0.5, 224, 1495), (0.25, 224, 410), (1, 192, 4181), (1, 160, 2907), (1, 128, 1864),
    ])
  func mobileNetMultiplications(alpha: Double, size: Int, expected: Int) throws {
    let graph = try MobileNet(alpha: alpha).graph(input: InputShape(size, size), head: .imageNet)
    #expect((graph.macs + 50_000) / 100_000 == expected)
  }

  @Test func nasNetHas163NeighboursThatNoShapeTellsApart() throws {
    let graph = try NASNet.mobile.graph(input: InputShape(224, 224), head: .imageNet)
    let layers = graph.nodes.filter { !$0.weights.isEmpty }.map {
      ($0.operation.kerasClassName, $0.weights.map(\.shape))
    }
    #expect(zip(layers, layers.dropFirst()).count { $0.0 == $1.0 && $0.1 == $1.1 } == 163)
  }

  @Test func impossibleNetworksAreErrors() {
    #expect(
      errorCode {
        try VGG.vgg16.graph(input: InputShape(31, 224), head: .imageNet)
      } == .invalidNetwork)
    #expect(
      errorCode {
        try NASNet(penultimateFilters: 100).graph(input: InputShape(224, 224), head: .imageNet)
      } == .invalidNetwork)
    #expect(
      errorCode {
        try NASNet.mobile.graph(input: InputShape(2, 2), head: .imageNet)
      } == .invalidNetwork)
    #expect(
      errorCode {
        try MobileNet(alpha: 0).graph(input: InputShape(224, 224), head: .imageNet)
      } == .invalidNetwork)
    #expect(
      errorCode {
        try MobileNet().graph(
          input: InputShape(224, 224), head: .classifier(classes: 0, activation: .softmax))
      } == .invalidNetwork)
  }
}
