import CZstd
import Synchronization
import ZooFormat
import ZooSystem

/// Frames of Zstandard by libzstd, coded by Huffman's method alone.
///
/// The bits of a weight's exponent have no repetitions worth looking for: searching for matches makes frames larger and
/// decoding slower.
package final class Zstandard: FrameCoder {
  package static let shared = Zstandard()

  /// Contexts that no thread uses at the moment; the library needs one for each frame, and makes it slowly.
  private let compressors = Mutex<[Context]>([])
  private let decompressors = Mutex<[Context]>([])

  private struct Context: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  private init() {}

  package func frame(of bytes: UnsafeRawBufferPointer) throws(ZooError) -> [UInt8] {
    let idle = compressors.withLock { $0.popLast() }
    let context = if let idle { idle } else { try Self.makeCompressor() }
    defer { compressors.withLock { $0.append(context) } }
    return [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { target, count in
      let length = ZSTD_compress2(
        context.pointer, target.baseAddress, target.count, bytes.baseAddress, bytes.count)
      precondition(ZSTD_isError(length) == 0, "a frame is always possible in as much room")
      count = length
    }
  }

  private static func makeCompressor() throws(ZooError) -> Context {
    guard let context = ZSTD_createCCtx() else { throw outOfMemory }
    // The lowest level looks for no matches.
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_minCLevel())
    // ZSTD_c_literalCompressionMode: at such levels, literals would else be stored as they are.
    ZSTD_CCtx_setParameter(context, ZSTD_c_experimentalParam5, Int32(ZSTD_ps_enable.rawValue))
    return Context(pointer: context)
  }

  package func decode(
    _ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(ZooError) -> Bool {
    // Else what follows the frame would be taken for another one.
    guard ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count) == frame.count else { return false }
    let idle = decompressors.withLock { $0.popLast() }
    let context = if let idle { idle } else { try Self.makeDecompressor() }
    defer { decompressors.withLock { $0.append(context) } }
    let length = ZSTD_decompressDCtx(
      context.pointer, target.baseAddress, target.count, frame.baseAddress, frame.count)
    return ZSTD_isError(length) == 0 && length == target.count
  }

  private static func makeDecompressor() throws(ZooError) -> Context {
    guard let context = ZSTD_createDCtx() else { throw outOfMemory }
    return Context(pointer: context)
  }

  private static var outOfMemory: ZooError {
    ZooError(.outOfMemory, what: "out of memory", at: "libzstd", "it cannot allocate a context")
  }
}
