import ZooGraph
import ZooSystem
import ZooTensor

/// An architecture that the zoo knows.
package struct Architecture: Sendable {
  /// What `--architecture` takes and a `.zoo` file says: `resnet50`.
  package let name: String
  /// What it and its relatives are called together: `ResNet`.
  package let family: String
  /// Other names for it.
  package let aliases: [String]
  /// Preprocessing, licence, accuracy and citation of the published member.
  package let card: ModelCard
  package let defaultInput: InputShape
  /// The published member of the family.
  package let definition: any NetworkDefinition
  package let published: [PublishedFile]
  /// The current name of a layer that older files or other writers call differently.
  let currentLayerName: @Sendable (String) -> String?
  /// The writers whose files differ in what tensors don't tell; what `--writer` takes.
  package let writers: [String]
  /// The members that weights of these shapes could belong to.
  package let guesses: @Sendable (TensorInventory) -> [Guess]

  init(
    name: String, family: String, aliases: [String] = [], card: ModelCard, defaultInput: InputShape,
    definition: any NetworkDefinition, published: [PublishedFile],
    currentLayerName: @escaping @Sendable (String) -> String? = { _ in nil }, writers: [String] = [],
    guesses: @escaping @Sendable (TensorInventory) -> [Guess]
  ) {
    self.name = name
    self.family = family
    self.aliases = aliases
    self.card = card
    self.defaultInput = defaultInput
    self.definition = definition
    self.published = published
    self.currentLayerName = currentLayerName
    self.writers = writers
    self.guesses = guesses
  }

  /// Whether `text` is a name of this architecture, in any case and punctuation.
  package func isCalled(_ text: String) -> Bool {
    func plain(_ s: String) -> String { s.lowercased().filter { $0.isLetter || $0.isNumber } }
    return ([name] + aliases).contains { plain($0) == plain(text) }
  }

  /// The layer of `graph` that a weight file means by `fileName`: the same name, an older name, either
  /// behind a path (`model/conv1`) or before a number that a session adds (`conv1_1`). `numbering` is that
  /// of the file's automatic names.
  package func layer(
    named fileName: String, in graph: Graph, numbering: AutomaticNames = AutomaticNames()
  ) -> String? {
    func find(_ name: String) -> String? {
      if let current = numbering.current(name, in: graph) { return current }
      if graph.node(named: name) != nil { return name }
      return currentLayerName(name).flatMap { graph.node(named: $0) == nil ? nil : $0 }
    }
    // Every tail of a path, the longest first: `model/group0/block1/conv1` may mean `group0/block1/conv1`.
    var rest = Substring(fileName)
    while true {
      if let found = find(String(rest)) { return found }
      guard let cut = rest.firstIndex(where: { $0 == "/" || $0 == "." }) else { break }
      rest = rest[rest.index(after: cut)...]
    }
    guard let cut = rest.lastIndex(of: "_"), rest[cut...].count > 1,
      rest[cut...].dropFirst().allSatisfy(\.isNumber)
    else { return nil }
    return find(String(rest[..<cut]))
  }
}

/// What programs do in different ways with the same network.
package struct WriterConventions: Hashable, Sendable {
  /// Nil where it is the architecture's.
  package var preprocessing: Preprocessing?
  /// Whether a Flatten reads (channel, height, width), so that a dense kernel's rows are in this order.
  package var flattensChannelsFirst = false
  /// How pictures are brought to size, where they are not stretched.
  package var pixels: TrainingRecord.Pixels?
  /// The licence of the weights, where a file beside them says it.
  package var licence: String?

  package init(
    preprocessing: Preprocessing? = nil, flattensChannelsFirst: Bool = false,
    pixels: TrainingRecord.Pixels? = nil
  ) {
    self.pixels = pixels
    self.preprocessing = preprocessing
    self.flattensChannelsFirst = flattensChannelsFirst
  }
}

/// One network of the zoo with everything chosen.
package struct Variant: Sendable {
  /// The name of its ``Architecture``.
  package let architecture: String
  package let definition: any NetworkDefinition
  package let input: InputShape
  package let head: Head
  /// What else the writer of the weights did in another way.
  package let conventions: WriterConventions

  package init(
    architecture: String, definition: any NetworkDefinition, input: InputShape, head: Head,
    conventions: WriterConventions = WriterConventions()
  ) {
    self.architecture = architecture
    self.definition = definition
    self.input = input
    self.head = head
    self.conventions = conventions
  }

  /// What this member of the family is called: `resnet101`, of the architecture `resnet50`.
  package var name: String { definition.memberName ?? architecture }

  /// For people: `alpha 0.25, 224x224, with top, 1000 classes`.
  package var description: String {
    var parts = definition.summary.isEmpty ? [] : [definition.summary]
    parts.append("\(input.height)x\(input.width)" + (input.channels == 3 ? "" : "x\(input.channels)"))
    switch head {
    case .classifier(let classes, let activation):
      parts.append("with top, \(classes) classes" + (activation == .linear ? ", logits" : ""))
    case .features(let pooling):
      parts.append("without top" + (pooling == .none ? "" : ", pooling \(pooling.rawValue)"))
    }
    return parts.joined(separator: ", ")
  }

  package func graph() throws(ZooError) -> Graph { try definition.graph(input: input, head: head) }

  /// Its card. Training data, licence and accuracy are facts about published weights: they are left
  /// out unless `published`.
  package func card(published: Bool) -> ModelCard {
    let card = Catalog.architecture(named: architecture)?.card
    return ModelCard(
      architecture: name, variant: description,
      preprocessing: conventions.preprocessing ?? card?.preprocessing ?? .none,
      trainingData: published ? card?.trainingData : nil,
      licence: conventions.licence ?? (published ? card?.licence : nil),
      citation: card?.citation,
      accuracy: published
        && definition.summary == Catalog.architecture(named: architecture)?.definition.summary
        ? card?.accuracy : nil,
      pixels: conventions.pixels)
  }
}

/// Everything that the zoo knows.
package enum Catalog {
  package static let architectures: [Architecture] = [
    [.vgg16, .vgg19],
    [.resNet50, .resNet101, .resNet152], Architecture.resNeXts, Architecture.resNetV2s,
    Architecture.denseNets,
    [.mobileNet, .mobileNetV2], Architecture.mobileNetV3s,
    Architecture.efficientNets, Architecture.efficientNetV2s,
    [.xception, .inceptionV3, .inceptionResNetV2],
    [.nasNetMobile, .nasNetLarge],
    Architecture.convNeXts,
  ].flatMap { $0 }

  /// The architecture of this name or alias.
  package static func architecture(named name: String) -> Architecture? {
    architectures.first { $0.isCalled(name) }
  }

  /// The published file with this hash (lower-case hexadecimal).
  package static func published(hash: PublishedFile.Hash) -> PublishedFile? {
    for architecture in architectures {
      if let file = architecture.published.first(where: { $0.hashes.contains(hash) }) { return file }
    }
    return nil
  }
}

extension Variant {
  /// Whether the zoo knows published weights of this network; those were trained on ImageNet.
  package var isPublished: Bool {
    guard let architecture = Catalog.architecture(named: architecture) else { return false }
    let known = AnyHashable(hashing: definition.published)
    let isSameNetwork = architecture.published.contains {
      AnyHashable(hashing: $0.variant.definition) == known
    }
    return switch head {
    case .classifier: isSameNetwork && head == .imageNet && input.channels == 3
    case .features: isSameNetwork && input.channels == 3
    }
  }
}

extension AnyHashable {
  fileprivate init(hashing definition: any NetworkDefinition) { self.init(definition) }
}

/// For people: `74.9 % top-1, 92.1 % top-5 on ImageNet's validation images`.
func accuracyText(_ topOne: Double, _ topFive: Double? = nil) -> String {
  "\(topOne) % top-1\(topFive.map { ", \($0) % top-5" } ?? "") on ImageNet's validation images"
}

func accuracyText(_ shares: (Double, Double)) -> String { accuracyText(shares.0, shares.1) }
