import ZooTensor

/// How weights are stored when a file is written.
public enum StorageType: String, Sendable, CaseIterable {
  /// 32-bit floats, bit for bit; wider sources are rounded.
  case f32
  /// 16-bit floats, but 32-bit ones for a tensor that has a finite value beyond their range.
  case f16

  /// The type of every tensor whose values are within its range.
  package var elementType: ElementType {
    switch self {
    case .f32: .float32
    case .f16: .float16
    }
  }

  /// Values as a file stores them, and what that changes.
  package struct Rounding {
    package let values: [Float]
    /// The largest absolute difference; infinite where a finite value becomes infinite.
    package let largestError: Float
    /// The largest absolute value that is finite.
    package let largestValue: Float

    /// Whether all finite values are within the type's range. A tensor with others is stored in 32-bit
    /// floats.
    package var isInRange: Bool { largestError.isFinite }
  }

  /// Rounds values to this type. What is verified and what is written both follow this rule.
  package func rounding(_ values: [Float]) -> Rounding {
    let rounded = self == .f16 ? Float.roundedToFloat16(values) : values
    var largestError: Float = 0
    var largestValue: Float = 0
    for (value, stored) in zip(values, rounded) where value.isFinite {
      // Exact: the error of rounding to fewer digits fits a single.
      largestError = max(largestError, abs(stored - value))
      largestValue = max(largestValue, abs(value))
    }
    return Rounding(values: rounded, largestError: largestError, largestValue: largestValue)
  }
}

extension ElementType {
  /// Whether a `.zoo` file may store a tensor in this type.
  package var isStorable: Bool { StorageType.allCases.contains { $0.elementType == self } }
}
