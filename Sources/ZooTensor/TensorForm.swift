/// How a tensor of a model is stored.
package enum TensorForm: Sendable, Hashable {
  /// Each value by itself.
  case values(ElementType)
  /// As whole numbers with scales.
  case codes(QuantizedForm)

  /// The format's name for it: `f32`, `f16`, `bf16`, `i8`, `i4` or `u4`.
  package var name: String {
    switch self {
    case .values(let type): type.rawValue
    case .codes(let form): form.kind.rawValue
    }
  }

  /// The bytes that so many values take, uncoded.
  package func byteCount(elements: Int) -> Int {
    switch self {
    case .values(let type): elements * type.byteCount
    case .codes(let form): form.layout(elements: elements).byteCount
    }
  }
}
