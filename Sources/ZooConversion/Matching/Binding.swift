import ZooGraph
import ZooTensor
import ZooWeightFiles

/// Which tensor of a weight file fills which slot of a graph, and why.
package struct Binding: Sendable {
  /// One tensor in one slot.
  package struct Assignment: Sendable {
    package fileprivate(set) var slot: WeightSlot
    package let entry: TensorEntry
    package let transform: LayoutTransform
    /// What the match rests on.
    package let rule: MatchRule
    /// What else speaks for it.
    package internal(set) var witnesses: Set<Witness>
    /// How many other slots have this one's shape: where there are some, the shape does not settle the match.
    package let alike: Int
    /// Of a quantized kernel: by what each of its columns is divided.
    package internal(set) var scale: TensorEntry?
    /// Of a kernel that has learned by low-rank adaptation: what is to be added to it.
    package internal(set) var update: LowRankUpdate?

    /// What is done to the tensor, in words.
    var transformText: String { transform.text + (update == nil ? "" : ", plus its low-rank update (LoRA)") }
  }

  /// What says that a tensor belongs to a slot; the shape has to fit in any case.
  package enum MatchRule: String, Sendable {
    case name = "layer and weight name"
    case layerAndIndex = "layer name and position among its weights"
    case storeOrder = "position in the Keras 3 store, counted per class in the order of the layers"
    case position = "position in the order of get_weights()"
    case layerPosition = "position in the order of layers and of each layer's weights"
    case arrayOrder = "position in the archive, because its names are not those of layers"
  }

  /// One for every slot of the graph, in its order.
  package internal(set) var assignments: [Assignment]
  /// The file's tensors that no slot takes.
  package internal(set) var unused: [TensorEntry]
  /// How kernels are stored in the file.
  package var kernelLayout = KernelLayout.tensorFlow

  /// Whether nothing but an order that no format promises tells tensors of one shape apart.
  package var isAmbiguous: Bool { assignments.contains { $0.rule == .arrayOrder && $0.alike > 0 } }

  /// The same for a graph whose slots have other names and another order.
  func ordered(by slots: [WeightSlot], name: (WeightSlot) -> WeightSlot) -> Binding {
    var binding = self
    for index in assignments.indices { binding.assignments[index].slot = name(assignments[index].slot) }
    let places = Dictionary(slots.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    binding.assignments.sort { places[$0.slot] ?? 0 < places[$1.slot] ?? 0 }
    return binding
  }

  mutating func add(_ witness: Witness, where isConcerned: (Assignment) -> Bool = { _ in true }) {
    for index in assignments.indices where isConcerned(assignments[index]) {
      assignments[index].witnesses.insert(witness)
    }
  }
}

/// Why a file's tensors do not fill a graph.
package struct BindingFailure: Error {
  /// The slots without a tensor.
  package var missing: [WeightSlot] = []
  /// Tensors whose shape is not that of the slot that their name says.
  package var mismatches: [(entry: TensorEntry, slot: WeightSlot)] = []
  /// Slots that two tensors claim.
  package var conflicts: [(slot: WeightSlot, entries: [TensorEntry])] = []
  /// Where names and order disagree, in words.
  package var disagreement: String?
  /// How many slots were filled, to tell near misses from strangers.
  package var filled = 0

  /// The first problem in words.
  package var explanation: String {
    if let (entry, slot) = mismatches.first {
      return "tensor '\(entry.name)' has the shape \(entry.shape), '\(slot.name)' needs \(slot.shape)"
        + more(mismatches.count - 1, "more shapes differ")
    }
    if let (slot, entries) = conflicts.first {
      return "\(entries.count) tensors match '\(slot.name)': "
        + entries.map { "'\($0.name)'" }.joined(separator: ", ")
    }
    if let slot = missing.first {
      return "no tensor for '\(slot.name)' of shape \(slot.shape)"
        + more(missing.count - 1, "more are missing")
    }
    return disagreement ?? "nothing fits"
  }

  private func more(_ count: Int, _ words: String) -> String { count > 0 ? "; \(count) \(words)" : "" }
}
