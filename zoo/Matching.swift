import ZooGraph
import ZooTensor

/// What a weight file says about one of its tensors.
package struct TensorHint: Hashable, Sendable {
  /// The layer's name, where the file has names.
  package let layer: String?
  /// `kernel`, `gamma`, …, where the file says so.
  package let variable: String?
  package let shape: Shape
  /// The tensor's own name in the file.
  package let name: String?

  package init(layer: String?, variable: String?, shape: Shape, name: String? = nil) {
    self.name = name
    self.layer = layer
    self.variable = variable
    self.shape = shape
  }
}

/// A member of a family that a file's tensors may belong to, before it has been checked.
package struct Guess {
  package let definition: any NetworkDefinition
  package let head: Head
  package let channels: Int
  /// Height times width of the last feature map, where the weights tell.
  package var lastPixels: Int?
  package var conventions = WriterConventions()
  /// How the parameters were found, for people.
  package let reason: String
}

/// What is known of a weight file besides its tensors.
package struct MatchContext: Sendable {
  /// Height and width in pixels; without them the size that the weights imply, else the architecture's
  /// default.
  package var inputSize: (Int, Int)?
  /// Every layer that the file lists, those without weights too, where it lists them.
  package var layers: Set<String> = []
  /// One of ``Architecture/writers``, where a person states it.
  package var writer: String?
  /// Whether a graph will decide what tensors leave open, so that all of it is to be guessed.
  package var isDescribed: Bool

  package init(
    inputSize: (Int, Int)? = nil, layers: Set<String> = [], writer: String? = nil, isDescribed: Bool = false
  ) {
    self.inputSize = inputSize
    self.layers = layers
    self.writer = writer
    self.isDescribed = isDescribed
  }
}

/// A file's tensors, sorted for guessing.
package struct TensorInventory {
  package let hints: [TensorHint]
  package let layerNames: Set<String>
  /// The automatic ones among them.
  package let numbering: AutomaticNames
  package let counts: [Shape: Int]
  /// (height, width, in, out) in the file's order.
  package let kernels: [Shape]
  /// (in, out) in the file's order.
  package let matrices: [Shape]
  /// Of the batch normalizations, where it is known.
  package let epsilon: Double?
  package let context: MatchContext

  package init(_ hints: [TensorHint], epsilon: Double? = nil, _ context: MatchContext = MatchContext()) {
    self.context = context
    self.hints = hints
    layerNames = Set(hints.compactMap(\.layer))
    numbering = AutomaticNames(of: layerNames)
    counts = hints.reduce(into: [:]) { $0[$1.shape, default: 0] += 1 }
    kernels = hints.map(\.shape).filter { $0.rank == 4 && $0.elementCount > 0 }
    matrices = hints.map(\.shape).filter { $0.rank == 2 && $0.elementCount > 0 }
    self.epsilon = epsilon
  }

  /// How many tops to try for one network; a file has one.
  package static let headLimit = 8

  package var hasNames: Bool { !layerNames.isEmpty }

  /// How many tensors have this shape.
  package func count(_ shape: Shape) -> Int { counts[shape, default: 0] }

  /// The heads of a network that ends in one dense layer of `rows` inputs; without a top last.
  package func denseHeads(rows: Int) -> [Head] {
    var classes: [Int] = []
    for matrix in matrices where matrix[0] == rows && !classes.contains(matrix[1]) {
      classes.append(matrix[1])
    }
    return classes.prefix(TensorInventory.headLimit).map { .classifier(classes: $0, activation: .softmax) }
      + [
        .features(.none)
      ]
  }
  /// The 7x7 kernel that a residual network begins with, and the number of 3x3 kernels of each of its stacks,
  /// whose filters double.
  func residualStacks() -> (stem: Shape, depths: [Int])? {
    guard let stem = kernels.first(where: { $0[0] == 7 && $0[1] == 7 && $0[3] > 1 }), stem[3] <= 1 << 20
    else { return nil }
    var depths: [Int] = []
    while depths.count < 8 {
      let filters = stem[3] << depths.count
      let count = count([3, 3, filters, filters])
      if count == 0 { break }
      depths.append(count)
    }
    return depths.isEmpty ? nil : (stem, depths)
  }

  /// The channels that the first convolution reads, where it is one of this window and so many filters.
  func imageChannels(window: Int, filters: Int) -> Int? {
    kernels.filter { $0[0] == window && $0[1] == window && $0[3] == filters }.map { $0[2] }.min()
  }

  /// A network that ends in one dense layer of `rows` inputs, with each head that it may have.
  func guesses(
    _ definition: any NetworkDefinition, rows: Int, channels: Int,
    conventions: WriterConventions = WriterConventions(), reason: String
  ) -> [Guess] {
    denseHeads(rows: rows).map {
      Guess(
        definition: definition, head: $0, channels: channels, conventions: conventions, reason: reason)
    }
  }

  /// What the layers that a file lists say of those without weights; nil where it lists layers with weights
  /// alone.
  func lists(_ isMeant: (String) -> Bool) -> Bool? {
    guard context.layers.contains(where: { !layerNames.contains($0) }) else { return nil }
    return context.layers.contains(where: isMeant)
  }
}

extension Architecture {
  /// The layers of `graph` that a file's layers mean.
  package func layers(of inventory: TensorInventory, in graph: Graph) -> [String] {
    inventory.layerNames.compactMap { layer(named: $0, in: graph, numbering: inventory.numbering) }
  }
}
