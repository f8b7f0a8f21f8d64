import CZooPlanes
import ZooSystem

/// How each plane of a tensor is best stored, and the bytes that all of it takes.
struct PlaneSurvey: Sendable {
  /// One for each byte of a value.
  let planes: [PlaneCoding]
  /// What stands in front of the blocks.
  let tables: [UInt8]
  /// Of the tables and all blocks.
  let byteCount: Int

  /// A block as it is stored.
  func coded(_ block: SplitBlock, by frames: any FrameCoder) throws(ZooError) -> [UInt8] {
    var bytes: [UInt8] = []
    for (plane, coding) in planes.enumerated() {
      switch coding {
      case .raw: block.withPlane(plane) { bytes += $0 }
      case .frames:
        bytes += try block.withPlane(plane) { (bytes) throws(ZooError) in try frames.frame(of: bytes) }
      case .constant: break
      }
    }
    return bytes
  }
}

/// A block of values, cut into planes.
struct SplitBlock {
  private let bytes: [UInt8]
  private let count: Int

  /// - Parameter values: at most ``CodedPlanes/blockLength`` of `width` bytes.
  init(_ values: UnsafeRawBufferPointer, width: Int) {
    count = values.count / width
    bytes = [UInt8](unsafeUninitializedCapacity: values.count) { target, filled in
      zoo_split_planes(values.baseAddress, values.count / width, width, target.baseAddress)
      filled = values.count
    }
  }

  func withPlane<Value, Failure: Error>(
    _ plane: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let range = plane * count..<(plane + 1) * count
    return try bytes.withUnsafeBytes { bytes in
      Result { () throws(Failure) in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }.get()
  }
}

/// Looks at all blocks of a tensor, in order.
struct PlaneSurveyor {
  private let width: Int
  private let frames: any FrameCoder
  private var values = 0
  /// Of each plane, the length of each block's frame.
  private var lengths: [[UInt32]]
  /// Of each plane, the byte that it consists of so far; nil where there are several.
  private var constants: [UInt8?]

  init(width: Int, frames: any FrameCoder) {
    self.width = width
    self.frames = frames
    lengths = Array(repeating: [], count: width)
    constants = Array(repeating: nil, count: width)
  }

  /// Takes the next block, which all but the last are ``CodedPlanes/blockLength`` values.
  mutating func add(_ block: UnsafeRawBufferPointer) throws(ZooError) {
    let split = SplitBlock(block, width: width)
    for plane in 0..<width {
      try split.withPlane(plane) { (bytes) throws(ZooError) in
        let first = bytes.first
        let isConstant = bytes.allSatisfy { $0 == first }
        if values == 0 {
          constants[plane] = isConstant ? first : nil
        } else if constants[plane] != first || !isConstant {
          constants[plane] = nil
        }
        lengths[plane].append(UInt32(truncatingIfNeeded: try frames.frame(of: bytes).count))
      }
    }
    values += block.count / width
  }

  /// A plane is worth coding where that saves a fiftieth of it.
  private func isWorthCoding(_ plane: Int) -> Bool {
    let coded = lengths[plane].reduce(4 * lengths[plane].count) { $0 + Int($1) }
    return coded * 50 <= values * 49
  }

  /// Nil where no plane is worth it.
  func finish() -> PlaneSurvey? {
    let planes = (0..<width).map { plane -> PlaneCoding in
      constants[plane] != nil ? .constant : isWorthCoding(plane) ? .frames : .raw
    }
    guard planes.contains(where: { $0 != .raw }) else { return nil }
    var tables: [UInt8] = []
    var byteCount = 0
    for (plane, coding) in planes.enumerated() {
      switch coding {
      case .raw: byteCount += values
      case .frames:
        for length in lengths[plane] {
          withUnsafeBytes(of: length.littleEndian) { tables.append(contentsOf: $0) }
          byteCount += Int(length)
        }
      case .constant: break
      }
    }
    tables += planes.indices.compactMap { planes[$0] == .constant ? constants[$0] : nil }
    return PlaneSurvey(planes: planes, tables: tables, byteCount: byteCount + tables.count)
  }
}
