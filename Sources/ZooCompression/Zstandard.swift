import CZstd
import Synchronization
import ZooFormat

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

  package func frame(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let context = compressors.withLock { $0.popLast() } ?? Context(pointer: Self.makeCompressor())
    defer { compressors.withLock { $0.append(context) } }
    return [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { target, count in
      let length = ZSTD_compress2(
        context.pointer, target.baseAddress, target.count, bytes.baseAddress, bytes.count)
      precondition(ZSTD_isError(length) == 0, "a frame is always possible in as much room")
      count = length
    }
  }

  private static func makeCompressor() -> OpaquePointer {
    guard let context = ZSTD_createCCtx() else { fatalError("out of memory") }
    // The lowest level looks for no matches.
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_minCLevel())
    // ZSTD_c_literalCompressionMode: at such levels, literals would else be stored as they are.
    ZSTD_CCtx_setParameter(context, ZSTD_c_experimentalParam5, Int32(ZSTD_ps_enable.rawValue))
    return context
  }

  package func decode(
    _ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    // Else what follows the frame would be taken for another one.
    guard ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count) == frame.count else { return false }
    let context = decompressors.withLock { $0.popLast() } ?? Context(pointer: Self.makeDecompressor())
    defer { decompressors.withLock { $0.append(context) } }
    let length = ZSTD_decompressDCtx(
      context.pointer, target.baseAddress, target.count, frame.baseAddress, frame.count)
    return ZSTD_isError(length) == 0 && length == target.count
  }

  private static func makeDecompressor() -> OpaquePointer {
    guard let context = ZSTD_createDCtx() else { fatalError("out of memory") }
    return context
  }
}
