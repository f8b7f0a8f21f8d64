import ZooSystem
import ZooTensor

/// Where two model files differ: what `zoo diff` tells, as its JSON has it.
public struct ModelDifference: Sendable, Encodable {
  /// A tensor that both have in one shape.
  public struct Row: Sendable, Encodable {
    /// By what both were matched: `layer/variable`, or a place.
    public let name: String
    /// What each file calls it.
    public let first: String
    /// What the second file calls it.
    public let second: String
    /// The shape that both have.
    public let shape: [Int]
    /// Its element type in the first file.
    public let firstType: String
    /// Its element type in the second file.
    public let secondType: String
    /// The largest absolute difference.
    public let largest: Double
    /// The mean absolute difference.
    public let mean: Double
    /// The cosine of the angle between both as vectors; 1 where they are equal.
    public let cosine: Double

    enum CodingKeys: String, CodingKey {
      case name, first, second, shape
      case firstType = "first_dtype"
      case secondType = "second_dtype"
      case largest, mean, cosine
    }
  }

  /// A tensor that the files have in different shapes.
  public struct ShapeRow: Sendable, Encodable {
    /// By what both were matched.
    public let name: String
    /// The shape in the first file.
    public let first: [Int]
    /// The shape in the second file.
    public let second: [Int]
  }

  /// The first file.
  public let first: String
  /// The second file.
  public let second: String
  /// What tensors were matched by.
  public let matching: Matching
  /// How far any value may differ.
  public let tolerance: Double
  /// Whether both hold the same tensors, no value farther apart than the tolerance.
  public let same: Bool
  /// The worst first.
  public let tensors: [Row]
  /// Tensors that the files have in different shapes; they are not compared.
  public let shapesDiffer: [ShapeRow]
  /// Names of tensors that only the first file has.
  public let onlyInFirst: [String]
  /// Names of tensors that only the second file has.
  public let onlyInSecond: [String]
  /// What could be each other and was not compared, in words.
  public let ambiguous: [String]
  /// What else the files hold, such as an optimizer's state, which is not compared; in words.
  public let notCompared: [String]

  /// Whether everything in both files has been compared.
  public var isComplete: Bool {
    shapesDiffer.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty && ambiguous.isEmpty
      && notCompared.isEmpty
  }

  enum CodingKeys: String, CodingKey {
    case first, second, matching, tolerance, same, tensors
    case shapesDiffer = "shapes_differ"
    case onlyInFirst = "only_in_first"
    case onlyInSecond = "only_in_second"
    case ambiguous
    case notCompared = "not_compared"
  }

  /// What says that two tensors are the same one.
  public enum Matching: String, Sendable, Encodable {
    /// The names in both files.
    case names
    /// The slots of the network that both were found to be.
    case slots = "slots of the network"
    /// The order of the weights in it, where the files name its layers differently.
    case order = "order in the network"
    /// The names of layers, and the order of weights in each.
    case layers = "layers and the order of their weights"
    /// The order of layers with weights of the same shapes, where the files share no name.
    case layerOrder = "order of layers of the same shapes"
  }

  /// Compares the models at two paths, files of any kind that is read.
  ///
  /// Tensors are matched by the files' names for them; where these do not agree for all, by the slots of
  /// the networks that the files, or one of them, are recognised as, or by their layers, if that matches more.
  ///
  /// - Parameters:
  ///   - first: a file.
  ///   - second: the other one.
  ///   - tolerance: how far any value may differ.
  ///   - progress: gets the number of tensors compared so far and in all.
  /// - Throws: `ZooError` where a file can't be read, with the code `ZooError.Code.missing` where nothing matches.
  public init(
    _ first: String, _ second: String, tolerance: Double, progress: (Int, Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    self = try ZooError.wrap {
      try ModelDifference(comparing: first, with: second, tolerance: tolerance, progress: progress)
    }
  }

  private init(
    comparing first: String, with second: String, tolerance: Double, progress: (Int, Int) -> Void
  ) throws {
    let models = (try ComparedModel(path: first), try ComparedModel(path: second))
    let pairing = try Pairing(models.0, models.1)
    var rows: [Row] = []
    var shapesDiffer: [ShapeRow] = []
    for (done, pair) in pairing.pairs.enumerated() {
      progress(done, pairing.pairs.count)
      guard pair.isComparable else {
        shapesDiffer.append(
          ShapeRow(
            name: pair.name, first: pair.first.shape.dimensions, second: pair.second.shape.dimensions))
        continue
      }
      let difference = TensorDifference(try pair.first.read(), try pair.second.read())
      rows.append(
        Row(
          name: pair.name, first: pair.first.name, second: pair.second.name,
          shape: pair.first.shape.dimensions, firstType: pair.first.elementType.rawValue,
          secondType: pair.second.elementType.rawValue, largest: difference.largest, mean: difference.mean,
          cosine: difference.cosine))
    }
    self.first = first
    self.second = second
    self.tolerance = tolerance
    matching = pairing.matching
    // Rows of equal difference stay in the order of their names.
    tensors = rows.sorted { a, b in (b.largest, a.name) < (a.largest, b.name) }
    self.shapesDiffer = shapesDiffer
    onlyInFirst = pairing.onlyInFirst
    onlyInSecond = pairing.onlyInSecond
    ambiguous = pairing.ambiguous
    notCompared = [models.0, models.1].flatMap { model in
      model.file.ignored.map { "'\($0.name)' in \(model.file.path) (\($0.reason))" }
    }
    same =
      shapesDiffer.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty
      && ambiguous.isEmpty && rows.allSatisfy { $0.largest <= tolerance }
  }
}

/// Which tensor of one model belongs to which of another.
private struct Pairing {
  struct Pair {
    let name: String
    let first: ComparedModel.Tensor
    let second: ComparedModel.Tensor
    var isComparable: Bool { first.shape == second.shape }
  }

  let matching: ModelDifference.Matching
  /// By name.
  let pairs: [Pair]
  /// The files' own names of what the other lacks.
  let onlyInFirst: [String]
  let onlyInSecond: [String]
  /// What could be each other, in words.
  var ambiguous: [String] = []

  init(_ first: ComparedModel, _ second: ComparedModel) throws {
    var best = Pairing(.names, first.byName, second.byName)
    if !best.isComplete {
      var obstacle: (any Error)?
      do {
        best.take(try Pairing(networksOf: first, second))
      } catch {
        obstacle = error
      }
      if !best.isComplete { best.take(Pairing(layersOf: first, second)) }
      guard !best.pairs.isEmpty || !best.ambiguous.isEmpty else {
        throw ZooError(
          .missing, what: "nothing to compare", at: "\(first.file.path) and \(second.file.path)",
          "they have no tensor names in common"
            + (obstacle.map { ", and they are not both a known network: \($0)" }
              ?? ", and their networks differ")
        )
      }
    }
    self = best
  }

  /// By the slots of the networks that both are, or that one is and the other fills.
  ///
  /// - Returns: nil where they are different networks.
  /// - Throws: where neither is a network that is known.
  private init?(networksOf first: ComparedModel, _ second: ComparedModel) throws {
    let (one, other) = (Result { try first.bound() }, Result { try second.bound() })
    let (a, b) = (try? one.get(), try? other.get())
    guard a != nil || b != nil else {
      _ = try one.get()
      return nil
    }
    var best: Pairing?
    func take(_ pairing: Pairing) {
      if pairing.comparableCount > best?.comparableCount ?? 0 { best = pairing }
    }
    if let a, let b {
      if a.isPart(of: b) || b.isPart(of: a) {
        take(Pairing(.slots, a.bySlot, b.bySlot))
      } else if a.isSameNetwork(as: b) {
        take(Pairing(.order, a.byPlace, b.byPlace))
      }
    }
    if best?.isComplete != true, let a, let b = second.bound(like: a) {
      take(Pairing(.slots, a.bySlot, b.bySlot))
    }
    if best?.isComplete != true, let b, let a = first.bound(like: b) {
      take(Pairing(.slots, a.bySlot, b.bySlot))
    }
    guard let best else { return nil }
    self = best
  }

  /// By the layers' names, or, where none is in both files, by their order.
  private init?(layersOf first: ComparedModel, _ second: ComparedModel) {
    guard let one = first.layers, let other = second.layers else { return nil }
    var matching = LayerMatching(byName: one, other)
    let byName = !matching.pairs.isEmpty
    if !byName {
      guard let byOrder = LayerMatching(byOrder: one, other) else { return nil }
      matching = byOrder
    }
    var (left, right): ([String: ComparedModel.Tensor], [String: ComparedModel.Tensor]) = ([:], [:])
    var paired: (Set<String>, Set<String>) = ([], [])
    for (a, b) in matching.pairs {
      paired.0.insert(a.name)
      paired.1.insert(b.name)
      for (index, tensor) in a.tensors.enumerated() { left["\(a.name)/\(index)"] = tensor }
      for (index, tensor) in b.tensors.enumerated() { right["\(a.name)/\(index)"] = tensor }
    }
    // What is in no pair must not meet one of the other file's by its name.
    for layer in one where !paired.0.contains(layer.name) && matching.ambiguous.isEmpty {
      for tensor in layer.tensors { left["1 \(tensor.name)"] = tensor }
    }
    for layer in other where !paired.1.contains(layer.name) && matching.ambiguous.isEmpty {
      for tensor in layer.tensors { right["2 \(tensor.name)"] = tensor }
    }
    self.init(byName ? .layers : .layerOrder, left, right)
    ambiguous = matching.ambiguous
  }

  /// Takes the place of `self` where it compares more.
  private mutating func take(_ other: Pairing?) {
    guard let other else { return }
    if other.comparableCount > comparableCount || pairs.isEmpty && !other.ambiguous.isEmpty { self = other }
  }

  private init(
    _ matching: ModelDifference.Matching, _ first: [String: ComparedModel.Tensor],
    _ second: [String: ComparedModel.Tensor]
  ) {
    self.matching = matching
    pairs = first.sorted { $0.key < $1.key }.compactMap { name, tensor in
      second[name].map { Pair(name: name, first: tensor, second: $0) }
    }
    onlyInFirst = first.filter { second[$0.key] == nil }.map(\.value.name).sorted()
    onlyInSecond = second.filter { first[$0.key] == nil }.map(\.value.name).sorted()
  }

  private var isComplete: Bool {
    onlyInFirst.isEmpty && onlyInSecond.isEmpty && comparableCount == pairs.count
  }

  private var comparableCount: Int { pairs.count(where: \.isComparable) }
}
