import ZooFormat
import ZooGraph
import ZooTensor
import ZooWeightFiles

/// One of two models that are compared: its tensors under names that the other may have too.
struct ComparedModel {
  /// A tensor that can be read.
  struct Tensor {
    /// What the file itself calls it.
    let name: String
    let shape: Shape
    let elementType: ElementType
    let read: () throws -> StoredTensor
  }

  let file: any WeightFile

  init(path: String) throws { file = try ModelFile.open(path: path).weightFile }

  /// The tensors by layer and variable as the file names them, or by the file's own names for them where
  /// it does not say so or says it twice.
  var byName: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for entry in file.tensors { tensors[Self.key(of: entry)] = tensor(entry) }
    guard tensors.count < file.tensors.count else { return tensors }
    return Dictionary(file.tensors.map { ($0.name, tensor($0)) }, uniquingKeysWith: { first, _ in first })
  }

  private static func key(of entry: TensorEntry) -> String {
    guard let layer = entry.layer else { return entry.name }
    if let variable = entry.variable { return "\(layer)/\(variable)" }
    return entry.storeKey.map { "\(layer)/#\($0.variable)" } ?? entry.name
  }

  func tensor(_ entry: TensorEntry) -> Tensor {
    Tensor(name: entry.name, shape: entry.shape, elementType: entry.elementType) { try file.read(entry) }
  }

  /// The same in the network that they turn out to belong to.
  func bound() throws -> Bound {
    let recipe =
      if let zoo = (file as? ZooWeightFile)?.zoo {
        try Recipe(zoo: zoo, options: RecipeOptions())
      } else {
        try Recipe(file: file)
      }
    return bound(recipe.binding, in: recipe.graph, places: recipe.kerasPlaces)
  }

  /// The same in the network of `other`; nil where the file does not fill it, or only by the order of arrays
  /// whose names say nothing.
  func bound(like other: Bound) -> Bound? {
    do {
      let binding = try Binder(graph: other.graph, places: other.places)
        .bind(file.tensors, layout: file.layout)
      return binding.isAmbiguous ? nil : bound(binding, in: other.graph, places: other.places)
    } catch {
      return nil
    }
  }

  private func bound(_ binding: Binding, in graph: Graph, places: [KerasPlace]) -> Bound {
    Bound(
      graph: graph, places: places, binding: binding, weights: BoundWeights(file: file, binding: binding),
      unused: binding.unused.map { ($0.name, tensor($0)) })
  }

  /// A model whose tensors are in the slots of a network.
  struct Bound {
    let graph: Graph
    /// Where the Keras model keeps its weights; empty where the graph tells.
    let places: [KerasPlace]
    let binding: Binding
    let weights: BoundWeights
    /// What no slot takes.
    let unused: [(String, Tensor)]

    var bySlot: [String: Tensor] { tensors { _, slot in slot.name } }

    /// By place in the order of Keras' `model.layers`.
    var byPlace: [String: Tensor] {
      let order = slotsInOrder
      let places = Dictionary(
        order.enumerated().map { ($1, "weight \($0)") }, uniquingKeysWith: { first, _ in first })
      return tensors { name, slot in places[slot] ?? name }
    }

    /// Whether `other` has all slots of this network, as a network has those of its backbone.
    func isPart(of other: Bound) -> Bool {
      Set(graph.weightSlots.map(\.name)).isSubset(of: other.graph.weightSlots.map(\.name))
    }

    /// Whether both are the same network, whose weights come in the same order.
    func isSameNetwork(as other: Bound) -> Bool {
      let kinds = { (slots: [WeightSlot]) in slots.map { [$0.role.rawValue, $0.shape.description] } }
      return kinds(slotsInOrder) == kinds(other.slotsInOrder)
        && graph.canonicalForm == other.graph.canonicalForm
    }

    private var slotsInOrder: [WeightSlot] {
      graph.kerasOrder.flatMap { graph.nodes[$0].weights }
    }

    private func tensors(key: (String, WeightSlot) -> String) -> [String: Tensor] {
      var tensors = Dictionary(unused, uniquingKeysWith: { first, _ in first })
      for assignment in binding.assignments {
        tensors[key(assignment.entry.name, assignment.slot)] = Tensor(
          name: assignment.entry.name, shape: assignment.slot.shape,
          elementType: assignment.entry.elementType
        ) { try weights.tensor(for: assignment.slot) }
      }
      return tensors
    }
  }
}
