import ZooFormat

#if CompressedFiles
  import ZooCompression
#endif

/// What decodes compressed tensors; nil without the package trait CompressedFiles.
enum FrameDecoding {
  #if CompressedFiles
    static let coder: (any FrameCoder)? = Zstandard.shared
  #else
    static let coder: (any FrameCoder)? = nil
  #endif
}
