import CZooPlanes
import Synchronization
import ZooGraph
import ZooSystem

/// Decodes a tensor's planes, block by block in any order.
struct PlaneReader {
  struct Failure: Error {
    let why: String
    /// What has nothing to do with the bytes, such as a lack of memory.
    var cause: ZooError?
  }

  private let bytes: UnsafeRawBufferPointer
  private let planes: [PlaneCoding]
  private let values: Int
  private let frames: any FrameCoder
  /// Where each block's planes begin, and where the last one ends.
  private let starts: [Int]
  private let constants: [UInt8]

  private var blockCount: Int { starts.count - 1 }

  /// Checks the lengths of all parts against each other. `bytes` must outlive the reader.
  init(
    _ bytes: UnsafeRawBufferPointer, planes: [PlaneCoding], values: Int, frames: any FrameCoder
  ) throws(Failure) {
    let blocks = CodedPlanes.blockCount(values)
    let framed = planes.count { $0 == .frames }
    let constant = planes.count { $0 == .constant }
    let tables = framed * blocks * 4
    guard bytes.count >= tables + constant else {
      throw Failure(why: "its \(bytes.count) bytes have no room for the lengths of \(framed * blocks) frames")
    }
    var starts = [tables + constant]
    starts.reserveCapacity(blocks + 1)
    for block in 0..<blocks {
      let count = CodedPlanes.values(in: block, of: values)
      var length = count * (planes.count - framed - constant)
      for plane in 0..<framed { length += Self.length(bytes, plane * blocks + block) }
      // No overflow: 2^24 blocks of at most 4 frames of less than 2^32 bytes.
      starts.append(starts[block] + length)
    }
    guard starts[blocks] == bytes.count else {
      throw Failure(why: "its parts have \(starts[blocks]) bytes, but it has \(bytes.count)")
    }
    self.bytes = bytes
    self.planes = planes
    self.values = values
    self.frames = frames
    self.starts = starts
    constants = Array(bytes[tables..<tables + constant])
  }

  private static func length(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
    Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
  }

  /// The blocks that a thread decodes one after another.
  private static let runLength = 8

  /// Decodes all blocks into `target`, which has as many bytes as all values.
  func decode(into target: UnsafeMutableRawBufferPointer, sharing share: WorkSharing) throws(Failure) {
    let failure = Mutex<Failure?>(nil)
    share((blockCount + Self.runLength - 1) / Self.runLength) { run in
      let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: planes.count * CodedPlanes.blockLength, alignment: HeapBytes.alignment)
      defer { scratch.deallocate() }
      do throws(Failure) {
        for block in run * Self.runLength..<min(blockCount, (run + 1) * Self.runLength) {
          try decode(block: block, into: target, scratch: scratch)
        }
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let failure = failure.withLock(\.self) { throw failure }
  }

  /// Decodes a block into the memory of the whole tensor, with scratch memory of a block for each plane.
  private func decode(
    block: Int, into target: UnsafeMutableRawBufferPointer, scratch: UnsafeMutableRawBufferPointer
  ) throws(Failure) {
    let count = CodedPlanes.values(in: block, of: values)
    var offset = starts[block]
    var (framed, constant) = (0, 0)
    var pointers: [UnsafePointer<UInt8>?] = []
    for (plane, coding) in planes.enumerated() {
      let room = UnsafeMutableRawBufferPointer(
        rebasing: scratch[plane * CodedPlanes.blockLength..<plane * CodedPlanes.blockLength + count])
      var length = 0
      switch coding {
      case .raw:
        length = count
        pointers.append(bytes.baseAddress.map { ($0 + offset).assumingMemoryBound(to: UInt8.self) })
      case .frames:
        length = Self.length(bytes, framed * blockCount + block)
        framed += 1
        try decode(
          UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]), into: room, block: block)
        pointers.append(room.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) })
      case .constant:
        room.initializeMemory(as: UInt8.self, repeating: constants[constant])
        constant += 1
        pointers.append(room.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) })
      }
      offset += length
    }
    let width = planes.count
    let start = block * CodedPlanes.blockLength * width
    pointers.withUnsafeBufferPointer {
      zoo_join_planes($0.baseAddress, count, width, target.baseAddress.map { $0 + start })
    }
  }

  private func decode(
    _ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, block: Int
  ) throws(Failure) {
    guard let head = FrameHead(frame) else {
      throw Failure(why: "block \(block) begins with no frame of a single segment without a dictionary")
    }
    guard head.contentSize == target.count else {
      throw Failure(why: "a frame of block \(block) has \(head.contentSize) bytes, expected \(target.count)")
    }
    do throws(ZooError) {
      if try frames.decode(frame, into: target) { return }
    } catch {
      throw Failure(why: error.why, cause: error)
    }
    throw Failure(why: "a frame of block \(block) is damaged")
  }
}
