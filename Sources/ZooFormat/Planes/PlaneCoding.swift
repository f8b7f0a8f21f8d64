/// How one byte plane of a tensor is stored; raw values are the format's.
package enum PlaneCoding: Int, Sendable, Hashable {
  /// As it is.
  case raw = 0
  /// A frame for each block of values.
  case frames = 1
  /// One byte for all values.
  case constant = 2
}

/// The numbers that describe a tensor's coded bytes.
///
/// These are: for each plane of frames the frames' lengths (u32 each), one byte for each constant plane, then block by
/// block all planes that are not constant.
enum CodedPlanes {
  /// The values of a block; the last one may have fewer.
  static let blockLength = 65_536

  static func blockCount(_ values: Int) -> Int { (values + blockLength - 1) / blockLength }

  static func values(in block: Int, of values: Int) -> Int { min(blockLength, values - block * blockLength) }
}
