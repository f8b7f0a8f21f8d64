import ZooGraph
import ZooSystem

extension CBORWriter {
  /// What training needs to know of layers, by the index of their nodes.
  mutating func layerTraining(_ layers: [(node: Int, training: LayerTraining)]) {
    array(layers) { writer, layer in
      writer.array(count: 2)
      writer.unsigned(layer.node)
      writer.layerTraining(layer.training)
    }
  }

  private mutating func layerTraining(_ training: LayerTraining) {
    var entries: [(String, (inout CBORWriter) -> Void)] = []
    if training.isFrozen { entries.append(("frozen", { $0.bool(true) })) }
    if let noise = training.noise {
      entries.append(
        (
          "noise",
          {
            $0.array(count: 2)
            $0.text(noise.kind.rawValue)
            $0.float(noise.amount)
          }
        ))
    }
    if let momentum = training.momentum { entries.append(("momentum", { $0.float(momentum) })) }
    if training.hasOldStatistics { entries.append(("old_statistics", { $0.bool(true) })) }
    let regularizers = training.regularizers.sorted { $0.key.number < $1.key.number }
    if !regularizers.isEmpty {
      entries.append(
        (
          "regularizers",
          {
            $0.array(regularizers) { writer, own in
              writer.array(count: 3)
              writer.unsigned(own.key.number)
              writer.float(own.value.l1)
              writer.float(own.value.l2)
            }
          }
        ))
    }
    let initializers = training.initializers.sorted { $0.key.number < $1.key.number }
    if !initializers.isEmpty {
      entries.append(
        (
          "initializers",
          {
            $0.array(initializers) { writer, own in
              let (kind, numbers, words) = own.value.parts
              writer.array(count: 3 + words.count)
              writer.unsigned(own.key.number)
              writer.text(kind)
              writer.array(numbers) { $0.float($1) }
              for word in words { writer.text(word) }
            }
          }
        ))
    }
    map(entries)
  }
}

extension Initializer {
  /// Its kind, numbers and further words, as files have them.
  fileprivate var parts: (kind: String, numbers: [Double], words: [String]) {
    switch self {
    case .constant(let value): ("constant", [value], [])
    case .uniform(let low, let high): ("uniform", [low, high], [])
    case .normal(let mean, let deviation): ("normal", [mean, deviation], [])
    case .truncatedNormal(let mean, let deviation): ("truncated_normal", [mean, deviation], [])
    case .varianceScaling(let own):
      ("variance_scaling", [own.scale], [own.mode.rawValue, own.distribution.rawValue])
    case .orthogonal(let gain): ("orthogonal", [gain], [])
    }
  }

  fileprivate init?(kind: String, numbers: [Double], words: [String]) {
    switch (kind, numbers.count, words.count) {
    case ("constant", 1, 0): self = .constant(numbers[0])
    case ("uniform", 2, 0): self = .uniform(low: numbers[0], high: numbers[1])
    case ("normal", 2, 0): self = .normal(mean: numbers[0], deviation: numbers[1])
    case ("truncated_normal", 2, 0): self = .truncatedNormal(mean: numbers[0], deviation: numbers[1])
    case ("variance_scaling", 1, 2):
      guard let mode = VarianceScaling.Mode(rawValue: words[0]),
        let distribution = VarianceScaling.Distribution(rawValue: words[1])
      else { return nil }
      self = .varianceScaling(VarianceScaling(numbers[0], mode, distribution))
    case ("orthogonal", 1, 0): self = .orthogonal(gain: numbers[0])
    default: return nil
    }
  }
}

extension LayerTraining {
  init(_ reader: inout CBORReader) throws(CBORReader.Failure) {
    self.init()
    let start = reader.position
    var own = self
    try reader.map { (reader, key) throws(CBORReader.Failure) in
      switch key {
      case "frozen":
        own.isFrozen = try reader.bool()
        guard own.isFrozen else { throw reader.failure("a layer that is not frozen says so") }
      case "noise": own.noise = try Self.noise(&reader)
      case "momentum": own.momentum = try reader.float()
      case "old_statistics":
        own.hasOldStatistics = try reader.bool()
        guard own.hasOldStatistics else { throw reader.failure("a layer without old statistics says so") }
      case "regularizers":
        let position = reader.position
        let list = try reader.array(limit: WeightRole.numbered.count) { (reader) throws(CBORReader.Failure) in
          _ = try reader.arrayHead(3...3)
          return (try reader.role(), Regularizer(l1: try reader.float(), l2: try reader.float()))
        }
        own.regularizers = try Self.table(list, at: position)
      case "initializers":
        let position = reader.position
        own.initializers = try Self.table(
          try reader.array(limit: WeightRole.numbered.count, Self.initializer), at: position)
      default: throw reader.unknown(key)
      }
    }
    guard !own.isUsual else {
      throw CBORReader.Failure(position: start, why: "a layer of which nothing is said for training")
    }
    self = own
  }

  /// A list by roles, which must ascend, as a table that is not empty.
  private static func table<Element>(
    _ list: [(WeightRole, Element)], at position: Int
  ) throws(CBORReader.Failure) -> [WeightRole: Element] {
    guard !list.isEmpty, zip(list, list.dropFirst()).allSatisfy({ $0.0.number < $1.0.number }) else {
      throw CBORReader.Failure(position: position, why: "roles that are not in order, or none")
    }
    return Dictionary(list) { first, _ in first }
  }

  private static func noise(_ reader: inout CBORReader) throws(CBORReader.Failure) -> TrainingNoise {
    _ = try reader.arrayHead(2...2)
    let position = reader.position
    let name = try reader.text()
    guard let kind = TrainingNoise.Kind(rawValue: name) else {
      throw CBORReader.Failure(position: position, code: .unsupported, why: "noise '\(name)' is unknown")
    }
    return TrainingNoise(kind, try reader.float())
  }

  private static func initializer(
    _ reader: inout CBORReader
  ) throws(CBORReader.Failure) -> (WeightRole, Initializer) {
    let count = try reader.arrayHead(3...5)
    let role = try reader.role()
    let position = reader.position
    let kind = try reader.text()
    let numbers = try reader.array(limit: 2) { (reader) throws(CBORReader.Failure) in try reader.float() }
    var words: [String] = []
    for _ in 3..<count { words.append(try reader.text()) }
    guard let initializer = Initializer(kind: kind, numbers: numbers, words: words) else {
      throw CBORReader.Failure(
        position: position, code: .unsupported, why: "initializer '\(kind)' is unknown")
    }
    return (role, initializer)
  }
}

extension CBORReader {
  /// What a weight is to its layer, by its number.
  mutating func role() throws(Failure) -> WeightRole {
    let start = position
    let number = try int()
    guard WeightRole.numbered.indices.contains(number) else {
      throw Failure(position: start, code: .unsupported, why: "role \(number) is unknown")
    }
    return WeightRole.numbered[number]
  }
}
