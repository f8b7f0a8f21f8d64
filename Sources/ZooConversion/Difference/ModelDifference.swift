import ZooTensor

/// Where two model files differ: what `zoo diff` tells, as its JSON has it.
package struct ModelDifference: Sendable, Encodable {
  /// A tensor that both have in one shape.
  package struct Row: Sendable, Encodable {
    /// By what both were matched: `layer/variable`, or a place.
    package let name: String
    /// What each file calls it.
    package let first: String
    package let second: String
    package let shape: [Int]
    package let firstType: String
    package let secondType: String
    /// The largest absolute difference.
    package let largest: Double
    /// The mean absolute difference.
    package let mean: Double
    package let cosine: Double

    enum CodingKeys: String, CodingKey {
      case name, first, second, shape
      case firstType = "first_dtype"
      case secondType = "second_dtype"
      case largest, mean, cosine
    }
  }

  /// A tensor that the files have in different shapes.
  package struct ShapeRow: Sendable, Encodable {
    package let name: String
    package let first: [Int]
    package let second: [Int]
  }

  package let first: String
  package let second: String
  /// What tensors were matched by.
  package let matching: Matching
  package let tolerance: Double
  /// Whether both hold the same tensors, no value farther apart than the tolerance.
  package let same: Bool
  /// The worst first.
  package let tensors: [Row]
  package let shapesDiffer: [ShapeRow]
  package let onlyInFirst: [String]
  package let onlyInSecond: [String]

  enum CodingKeys: String, CodingKey {
    case first, second, matching, tolerance, same, tensors
    case shapesDiffer = "shapes_differ"
    case onlyInFirst = "only_in_first"
    case onlyInSecond = "only_in_second"
  }

  /// What says that two tensors are the same one.
  package enum Matching: String, Sendable, Encodable {
    case names
    /// The slots of the network that both were found to be.
    case slots = "slots of the network"
    /// The order of the weights in it, where the files name its layers differently.
    case order = "order in the network"
  }

  /// Compares the models at two paths, files of any kind that is read.
  ///
  /// Tensors are matched by the files' names for them; where these do not agree for all, by the slots of
  /// the networks that the files are recognised as, if that matches more.
  ///
  /// - Parameter progress: gets the number of tensors compared so far and in all.
  /// - Throws: as opening and reading; ``ConversionError`` where nothing matches.
  package init(
    _ first: String, _ second: String, tolerance: Double, progress: (Int, Int) -> Void = { _, _ in }
  ) throws {
    let pairing = try Pairing(ComparedModel(path: first), ComparedModel(path: second))
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
    same =
      shapesDiffer.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty
      && rows.allSatisfy { $0.largest <= tolerance }
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

  init(_ first: ComparedModel, _ second: ComparedModel) throws {
    var best = Pairing(.names, first.byName, second.byName)
    if !best.isComplete {
      var obstacle: (any Error)?
      do {
        let (a, b) = (try first.bound(), try second.bound())
        let bound: Pairing? =
          if a.isPart(of: b) || b.isPart(of: a) {
            Pairing(.slots, a.bySlot, b.bySlot)
          } else if a.isSameNetwork(as: b) {
            Pairing(.order, a.byPlace, b.byPlace)
          } else {
            nil
          }
        if let bound, bound.comparableCount > best.comparableCount { best = bound }
      } catch {
        obstacle = error
      }
      guard !best.pairs.isEmpty else {
        throw ConversionError(
          "nothing to compare", at: "\(first.file.path) and \(second.file.path)",
          "no tensor of one has the name of one of the other"
            + (obstacle.map { ", nor are both a network that is known: \($0)" } ?? ", and the networks differ")
        )
      }
    }
    self = best
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
