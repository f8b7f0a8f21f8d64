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

/// A network of keras.applications as genuine Keras describes it, and what the zoo should find it to be.
struct FamilyMember: Sendable, CustomStringConvertible {
  /// The function, the input, options, and the number of classes or the pooling:
  /// `mobilenetv2-96x96-alpha0.35-7`.
  let name: String
  /// Keras' `count_params()`.
  let parameters: Int
  /// What of it training changes.
  let trainable: Int
  let variant: Variant

  var description: String { name }

  /// All of `Fixtures/architectures/families.txt`.
  static let all: [FamilyMember] = {
    let text = try? String(
      contentsOfFile: fixture("architectures/families.txt"), encoding: .utf8)
    return (text ?? "").split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count == 3, let parameters = Int(fields[1]), let trainable = Int(fields[2]) else {
        return nil
      }
      return variant(named: String(fields[0])).map {
        FamilyMember(name: String(fields[0]), parameters: parameters, trainable: trainable, variant: $0)
      }
    }
  }()

  private static func variant(named name: String) -> Variant? {
    let parts = name.split(separator: "-").map(String.init)
    guard parts.count >= 3, let architecture = Catalog.architecture(named: parts[0]) else { return nil }
    let extents = parts[1].split(separator: "x").compactMap { Int($0) }
    let options = Set(parts[2..<(parts.count - 1)])
    let alpha = options.first { $0.hasPrefix("alpha") }.flatMap { Double($0.dropFirst(5)) } ?? 1
    var definition = architecture.definition
    switch definition {
    case is MobileNet: definition = MobileNet(alpha: alpha)
    case is MobileNetV2: definition = MobileNetV2(alpha: alpha)
    case let network as MobileNetV3:
      var member = MobileNetV3(
        network.size, alpha: alpha, isMinimalistic: options.contains("minimalistic"))
      member.scalesPixels = !options.contains("bare")
      definition = member
    case var network as EfficientNet:
      network.dividesTwice = options.contains("published")
      definition = network
    case var network as EfficientNetV2:
      network.scalesPixels = !options.contains("bare")
      definition = network
    case var network as ConvNeXt:
      network.scalesPixels = !options.contains("bare")
      definition = network
    default: break
    }
    let end = parts[parts.count - 1]
    let head: Head
    if let classes = Int(end) {
      head = .classifier(classes: classes, activation: .softmax)
    } else if let pooling = GlobalPooling(rawValue: end) {
      head = .features(pooling)
    } else {
      return nil
    }
    return Variant(
      architecture: architecture.name, definition: definition,
      input: InputShape(extents[0], extents[1], channels: extents.count > 2 ? extents[2] : 3), head: head)
  }

  private static let archive = Result {
    try WeightFiles.open(path: fixture("architectures/families.npz"))
  }

  /// What `to_json()` returns.
  func configuration() throws -> JSONValue {
    let file = try Self.archive.get()
    let entry = try #require(file.tensors.first { $0.name == name || $0.name == "\(name).npy" })
    return try JSONValue(parsing: try file.read(entry).bytes, location: name)
  }

  /// The network as it is imported from its configuration.
  func imported() throws -> KerasNetwork {
    try kerasGraph(configuration: configuration(), inputSize: nil)
  }
}

@Suite("all networks of keras.applications")
struct FamilyTests {
  @Test func everyNetworkOfKerasIsThere() {
    #expect(FamilyMember.all.count == 75)
    let described = Set(FamilyMember.all.map(\.variant.architecture))
    // Keras 3 has no ResNeXt, whose files Keras 2 published.
    #expect(described == Set(Catalog.architectures.map(\.name)).subtracting(["resnext50", "resnext101"]))
  }

  @Test("a network is what Keras' configuration describes, and is found", arguments: FamilyMember.all)
  func network(member: FamilyMember) throws {
    let network = try member.imported()
    try isDefined(member, network)
    try isRecognised(member, network)
    try isFoundFromTensors(member, network)
  }

  private func isDefined(_ member: FamilyMember, _ network: KerasNetwork) throws {
    let graph = try member.variant.graph()
    #expect(graph.canonicalForm == network.graph.canonicalForm)
    #expect(graph.macs == network.graph.macs)
    // A Normalization that learns has a counter, which is no weight.
    let counters = graph.nodes.count { if case .normalization = $0.operation { true } else { false } }
    #expect(graph.parameterCount + counters == member.parameters)
    #expect(graph.trainableParameterCount == member.trainable)

    // Layers with weights have Keras' names, in the order of `model.layers` and in its store's places.
    let weighted = network.layerOrder.filter { !network.graph.nodes[$0.node].weights.isEmpty }
    let places = member.variant.definition.places(in: graph).filter { !graph.nodes[$0.node].weights.isEmpty }
    #expect(places.map(\.layer) == weighted.map(\.layer))
    #expect(places.map(\.storePath) == weighted.map(\.storePath))
    #expect(
      places.map { graph.nodes[$0.node].weights.map(\.shape) }
        == weighted.map { network.graph.nodes[$0.node].weights.map(\.shape) })
  }

  private func isRecognised(_ member: FamilyMember, _ network: KerasNetwork) throws {
    let found = try #require(Catalog.recognise(network.graph), "\(member)")
    #expect(found.variant.architecture == member.variant.architecture)
    #expect(AnyHashable(found.variant.definition) == AnyHashable(member.variant.definition))
    #expect(found.variant.head == member.variant.head && found.variant.input == member.variant.input)
  }

  /// By names as a later session gives them, and by shapes alone.
  private func isFoundFromTensors(_ member: FamilyMember, _ network: KerasNetwork) throws {
    let hints = network.layerOrder.flatMap { place in
      network.graph.nodes[place.node].weights.map {
        TensorHint(layer: later(place.layer), variable: $0.role.rawValue, shape: $0.shape)
      }
    }
    let input = (member.variant.input.height, member.variant.input.width)
    let layers = Set(network.layerOrder.map { later($0.layer) })
    let named = try #require(
      Catalog.candidates(for: hints, MatchContext(inputSize: input, layers: layers)).first)
    #expect(named.isExact && named.nameAgreement == 1, "\(named.explanation)")
    #expect(named.variant.architecture == member.variant.architecture)
    #expect(AnyHashable(named.variant.definition) == AnyHashable(member.variant.definition))
    #expect(named.variant.input == member.variant.input)

    let shapes = hints.map { TensorHint(layer: nil, variable: nil, shape: $0.shape) }
    let found = try #require(Catalog.candidates(for: shapes, MatchContext(inputSize: input)).first)
    #expect(found.isExact && found.variant.architecture == member.variant.architecture)
    switch member.variant.head {
    case .classifier:
      #expect(named.variant.head == member.variant.head && found.variant.head == member.variant.head)
    case .features:
      #expect(named.variant.head == .features(.none) && found.variant.head == .features(.none))
    }
  }

  /// What a layer with an automatic name is called in a session that has made another model before.
  private func later(_ name: String) -> String {
    for className in ["conv2d", "batch_normalization"] {
      if name == className { return "\(className)_7" }
      if name.hasPrefix("\(className)_"), let number = Int(name.dropFirst(className.count + 1)) {
        return "\(className)_\(number + 7)"
      }
    }
    return name
  }
}
