import ZooGraph
import ZooTensor

/// How a file stores its tensors.
package struct StoragePlan: Sendable {
  /// Of the tensors that are not stored in 32-bit floats. One of 16 bits that a finite value does not fit is stored in
  /// 32 bits all the same.
  package var forms: [WeightSlot: TensorForm] = [:]
  /// What is stored in place of the source's values, such as a bias that makes up for errors of its kernel.
  package var replaced: [WeightSlot: StoredTensor] = [:]
  /// What codes bytes without loss; nil for none of that.
  package var frames: (any FrameCoder)?
  /// Tensors of fewer values are not coded: a table for each costs more time than it saves room.
  package var leastCodedValues = 8192
  /// Tensors that are not coded although ``frames`` could: whoever reads them uses them where they are.
  package var uncoded: Set<WeightSlot> = []

  /// All in 32-bit floats.
  package init() {}

  package init(forms: [WeightSlot: TensorForm], replaced: [WeightSlot: StoredTensor] = [:]) {
    self.forms = forms
    self.replaced = replaced
  }

  /// The floats of `storage`, but 32 bits for `single`.
  package init(_ storage: StorageType, for graph: Graph, single: Set<WeightSlot> = []) {
    guard storage.elementType != .float32 else { return }
    for slot in graph.weightSlots where !single.contains(slot) { forms[slot] = .values(storage.elementType) }
  }

  package func form(of slot: WeightSlot) -> TensorForm { forms[slot] ?? .values(.float32) }

  /// The least exact type that a tensor is stored in.
  package var storage: StorageType { StorageType(leastExactOf: forms.values) }
}

extension StorageType {
  /// The least exact of all types; `f32` where there are none.
  package init(leastExactOf forms: some Sequence<TensorForm>) {
    let names = Set(forms.map(\.name))
    let order: [(StorageType, [String])] = [
      (.int4, ["i4", "u4"]), (.int8, ["i8"]), (.bf16, ["bf16"]), (.f16, ["f16"]),
    ]
    self = order.first { !names.isDisjoint(with: $0.1) }?.0 ?? .f32
  }
}

extension ZooFile {
  /// The least exact type that a tensor is stored in.
  package var storage: StorageType { StorageType(leastExactOf: tensors.lazy.map(\.form)) }

  /// How a tensor is stored; nil where there is none.
  package func form(of slot: WeightSlot) -> TensorForm? { record(of: slot)?.form }

  /// The tensors as they are stored here, but for `changed` ones, which are stored in 32-bit floats.
  package func storagePlan(without changed: Set<WeightSlot> = []) -> StoragePlan {
    StoragePlan(
      forms: Dictionary(
        tensors.filter { !changed.contains($0.slot) }.map { ($0.slot, $0.form) },
        uniquingKeysWith: { first, _ in first }))
  }
}
