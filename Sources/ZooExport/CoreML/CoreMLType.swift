/// An element type of Core ML's programs.
package enum CoreMLType: Sendable {
  case float16, float32, int32, bool, string, float64

  /// Its number in `MIL.proto`'s DataType.
  var number: Int {
    switch self {
    case .bool: 1
    case .string: 2
    case .float16: 10
    case .float32: 11
    case .float64: 12
    case .int32: 23
    }
  }

  /// Its number in the header of a block of weights.
  var blobNumber: UInt32 { self == .float16 ? 1 : 2 }

  /// What `cast` calls it.
  var name: String { self == .float16 ? "fp16" : "fp32" }

  /// Of one number in a block of weights.
  var byteCount: Int { self == .float16 ? 2 : 4 }
}
