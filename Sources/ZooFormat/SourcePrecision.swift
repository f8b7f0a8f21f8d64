/// What a network is computed in where it comes from, if that is less than 32 bits; here it is 32 bits.
package enum SourcePrecision: String, Sendable, Hashable, CaseIterable {
  case float16
  case bfloat16
  /// Kernels of dense layers, and what these layers read, rounded to 8 bits.
  case int8

  /// What that means, in words.
  package var text: String {
    switch self {
    case .float16: "float16, which has 11 significant bits"
    case .bfloat16: "bfloat16, which has 8 significant bits"
    case .int8: "int8: it also rounds what its dense layers read to 8 bits, which is not done here"
    }
  }
}
