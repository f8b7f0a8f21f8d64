/// How one number of a tensor is stored; always little-endian.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
  case float16 = "f16"
  case bfloat16 = "bf16"
  case float32 = "f32"
  case float64 = "f64"
  case int8 = "i8"
  case int16 = "i16"
  case int32 = "i32"
  case int64 = "i64"
  case uint8 = "u8"
  case uint16 = "u16"
  case uint32 = "u32"
  case uint64 = "u64"
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

  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}
