import ZooSystem
import ZooTensor

/// How weights are stored when a file is written.
public enum StorageType: String, Sendable, CaseIterable {
  /// 32-bit floats, bit for bit; wider sources are rounded.
  case f32
  /// 16-bit floats (IEEE 754 binary16), but 32-bit ones for a tensor that has a finite value beyond their range.
  case f16
  /// 16-bit floats with the exponent of 32-bit ones (bfloat16): six to eight times less exact than `f16`.
  case bf16
  /// Kernels as whole numbers of 8 bits, with a scale for each output channel.
  case int8
  /// Kernels of dense layers as whole numbers of 4 bits, with a scale for each 32 inputs; other kernels as `int8`.
  case int4

  /// The floats that it stores values as, where these are no whole numbers.
  package var elementType: ElementType {
    switch self {
    case .f32, .int8, .int4: .float32
    case .f16: .float16
    case .bf16: .bfloat16
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

  /// Rounds values to the floats of this type. What is verified and what is written both follow this rule.
  package func rounding(_ values: [Float]) -> Rounding {
    let rounded = elementType.rounded(values)
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
  /// The nearest numbers of 32, 16 or 16 bits that a `.zoo` file stores as this type.
  func rounded(_ values: [Float]) -> [Float] {
    switch self {
    case .float16: Float.roundedToFloat16(values)
    case .bfloat16: Float.roundedToBFloat16(values)
    default: values
    }
  }

  /// The bytes of these values as a `.zoo` file stores them.
  func bytes(of values: [Float]) -> HeapBytes {
    switch self {
    case .float16: HeapBytes(Float.float16Bits(of: values))
    case .bfloat16: HeapBytes(Float.bfloat16Bits(of: values))
    default: HeapBytes(values.map { $0.bitPattern.littleEndian })
    }
  }
}
