import ZooGraph
import ZooSystem
import ZooTensor

/// A tensor of a `.zoo` file: where it is and how it is stored.
package struct TensorRecord: Sendable, Hashable {
  /// The weight that it is for.
  package let slot: WeightSlot
  package let form: TensorForm
  /// How each byte plane is coded; empty where the tensor is not coded.
  package let planes: [PlaneCoding]
  /// Where it starts, in bytes from the file's start.
  package internal(set) var offset: Int
  /// The bytes in the file.
  package let byteCount: Int
  /// Of the bytes in the file.
  package internal(set) var checksum: TensorChecksum
  /// Of the bytes that these are when they are decoded; nil where the tensor is not coded.
  package internal(set) var plainChecksum: TensorChecksum?
  /// What storing changed; `nil` where it changed nothing.
  package internal(set) var storageError: StorageError?

  /// `layer/role`.
  package var name: String { slot.name }
  /// The axes are those of the slot.
  package var shape: Shape { slot.shape }
  /// The bytes that it takes once it is decoded.
  package var plainByteCount: Int { form.byteCount(elements: shape.elementCount) }
  /// What ``ZooFile/tensor(for:)`` gives its values as.
  package var elementType: ElementType {
    switch form {
    case .values(let type): type
    case .codes: .float32
    }
  }
}

/// How far the stored values of a tensor are from its source's.
package struct StorageError: Sendable, Hashable {
  /// The largest absolute difference.
  package let largestError: Double
  /// The largest absolute value of the source.
  package let largestValue: Double
  /// The root of the mean square of the differences; nil in files of versions before 3.
  package let rootMeanSquare: Double?

  package init(largestError: Double, largestValue: Double, rootMeanSquare: Double? = nil) {
    self.largestError = largestError
    self.largestValue = largestValue
    self.rootMeanSquare = rootMeanSquare
  }

  /// The largest error as a part of the largest value.
  package var relative: Double { largestValue > 0 ? largestError / largestValue : 0 }
}
