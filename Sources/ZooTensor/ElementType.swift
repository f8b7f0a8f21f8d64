/// How one number of a tensor is stored; always little-endian.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
  /// IEEE 754 half precision, 16 bits.
  case float16 = "f16"
  /// The upper 16 bits of a 32-bit float.
  case bfloat16 = "bf16"
  /// IEEE 754 single precision, 32 bits.
  case float32 = "f32"
  /// IEEE 754 double precision, 64 bits.
  case float64 = "f64"
  /// Whole numbers of 8 bits, in two's complement as all with a sign.
  case int8 = "i8"
  /// Whole numbers of 16 bits.
  case int16 = "i16"
  /// Whole numbers of 32 bits.
  case int32 = "i32"
  /// Whole numbers of 64 bits.
  case int64 = "i64"
  /// Whole numbers of 8 bits without a sign.
  case uint8 = "u8"
  /// Whole numbers of 16 bits without a sign.
  case uint16 = "u16"
  /// Whole numbers of 32 bits without a sign.
  case uint32 = "u32"
  /// Whole numbers of 64 bits without a sign.
  case uint64 = "u64"
  /// One byte: 0 is false.
  case bool = "bool"

  /// The size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Whether the numbers are floating-point numbers, of any size.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}
