import ZooSystem

/// A file of another kind than weight files, known by its content: what it is, and what to do instead.
struct ForeignFile: Hashable {
  /// With its article: `a web page`.
  let name: String
  let remedy: String

  /// The error that says so of the file at `path`.
  func error(at path: String) -> ZooError {
    ZooError(.unsupported, "weight file", at: path, "it is \(name)", remedy: remedy)
  }

  private static let fromTensorFlow =
    "In Python, load it with Keras 2 (tf_keras.models.load_model) and save it with model.save('model.h5')."
  private static let fromPyTorch =
    "In Python, save its tensors with torch.save(model.state_dict(), 'model.pth'), if it is a network that "
    + "`zoo list` shows."
  private static let fromONNX =
    "Convert the Keras model that it was made from: model.save('model.keras') in Python."
  private static let downloadAgain = "Download the file again; the address may need a login or another form."

  private static let savedModel = ForeignFile(name: "a TensorFlow SavedModel", remedy: fromTensorFlow)
  static let checkpoint = ForeignFile(
    name: "a TensorFlow checkpoint",
    remedy: "In Python, build the model, load it with model.load_weights(…) and save it with "
      + "model.save('model.keras') or model.save('model.h5').")

  // MARK: Files

  /// What a file of these bytes is; nil where that is unknown.
  init?(_ bytes: UnsafeRawBufferPointer) {
    let found =
      ForeignFile.bySignature(bytes) ?? ForeignFile.byProtocolBuffer(bytes) ?? ForeignFile.byText(bytes)
    guard let found else { return nil }
    self = found
  }

  private init(name: String, remedy: String) {
    self.name = name
    self.remedy = remedy
  }

  private static func bySignature(_ bytes: UnsafeRawBufferPointer) -> ForeignFile? {
    func starts(_ signature: [UInt8], at offset: Int = 0) -> Bool {
      bytes.count >= offset + signature.count && bytes.dropFirst(offset).starts(with: signature)
    }
    func starts(_ text: String, at offset: Int = 0) -> Bool { starts(Array(text.utf8), at: offset) }
    if starts("TFL3", at: 4) {
      return ForeignFile(
        name: "a TensorFlow Lite model",
        remedy: "Convert the Keras model that it was made from (.keras or .h5).")
    }
    if starts("GGUF") { return ForeignFile(name: "a GGUF file of a language model", remedy: other) }
    if starts("MATLAB ") { return ForeignFile(name: "a MATLAB file", remedy: other) }
    for (signature, name) in compressed where starts(signature) {
      return ForeignFile(name: "a file packed with \(name)", remedy: "Unpack it, and name what is in it.")
    }
    if starts("ustar", at: 257) {
      return ForeignFile(
        name: "a tar archive",
        remedy:
          "Unpack it with tar, and name what is in it. PyTorch's of before 2017: save it again in Python.")
    }
    for (signature, offset, name) in pictures where starts(signature, at: offset) {
      return picture(name)
    }
    if starts("BM"), starts([0, 0, 0, 0], at: 6) { return picture("BMP") }
    // The last bytes of a table of LevelDB's, which is what checkpoints keep their index in.
    if bytes.suffix(8).elementsEqual([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]) { return checkpoint }
    if bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]), bytes.last == UInt8(ascii: ".") {
      return ForeignFile(
        name: "a Python pickle, which can run code and is not read",
        remedy: "If you trust it, load it in Python and save its arrays with numpy.savez('model.npz', …).")
    }
    return nil
  }

  private static let other = "Weight files are .h5, .keras, .npz, .npy, .safetensors, .pt and .pth."

  static func picture(_ name: String) -> ForeignFile {
    ForeignFile(
      name: "a picture (\(name))", remedy: "A picture goes to a Classifier.")
  }

  private static let compressed: [(signature: [UInt8], name: String)] = [
    ([0x1f, 0x8b], "gzip"), ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz"), (Array("BZh".utf8), "bzip2"),
    ([0x28, 0xb5, 0x2f, 0xfd], "zstd"), ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "7-Zip"),
    (Array("Rar!".utf8), "RAR"),
  ]

  private static let pictures: [(signature: [UInt8], offset: Int, name: String)] = [
    (Array("GIF8".utf8), 0, "GIF"), (Array("WEBP".utf8), 8, "WebP"), (Array("ftypheic".utf8), 4, "HEIC"),
    (Array("ftypmif1".utf8), 4, "HEIC"), (Array("ftypavif".utf8), 4, "AVIF"),
    ([0x49, 0x49, 0x2a, 0x00], 0, "TIFF"), ([0x4d, 0x4d, 0x00, 0x2a], 0, "TIFF"),
  ]

  /// SavedModel, ONNX and frozen graphs are protocol buffers, which have no signature: their first fields.
  private static func byProtocolBuffer(_ bytes: UnsafeRawBufferPointer) -> ForeignFile? {
    guard bytes.count > 8 else { return nil }
    let start = bytes.prefix(1 << 14)
    func holds(_ text: String) -> Bool { start.contains(Array(text.utf8)) }
    // The schema's version 1, then a graph.
    if bytes[0] == 0x08, bytes[1] == 1, bytes[2] == 0x12 { return savedModel }
    // The format's version, then a text or a graph.
    if bytes[0] == 0x08, (2...31).contains(bytes[1]), [0x12, 0x1a, 0x22, 0x32, 0x3a, 0x42].contains(bytes[2])
    {
      return ForeignFile(name: "an ONNX model", remedy: fromONNX)
    }
    if bytes[0] == 0x0a, holds("Placeholder") || holds("Const"), holds("dtype") {
      return ForeignFile(name: "a frozen TensorFlow graph", remedy: fromTensorFlow)
    }
    return nil
  }

  private static func byText(_ bytes: UnsafeRawBufferPointer) -> ForeignFile? {
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    let start = bytes.prefix(1 << 14)
    let text = String(decoding: start.starts(with: mark) ? start.dropFirst(3) : start, as: UTF8.self)
      .drop(while: \.isWhitespace)
    let lower = text.prefix(512).lowercased()
    if text.hasPrefix("version https://git-lfs.github.com/spec/") {
      return ForeignFile(
        name: "a Git LFS pointer, not the file itself",
        remedy: "Run `git lfs pull` in its repository, or download the file itself.")
    }
    if lower.hasPrefix("<!doctype html") || lower.hasPrefix("<html") || lower.contains("<html") {
      return ForeignFile(name: "a web page, not a weight file", remedy: downloadAgain)
    }
    if lower.hasPrefix("<?xml") || lower.hasPrefix("<error") {
      return ForeignFile(name: "an XML document, as servers send in place of a file", remedy: downloadAgain)
    }
    if text.hasPrefix("model_checkpoint_path:") { return checkpoint }
    guard text.hasPrefix("{") || text.hasPrefix("[") else { return nil }
    if text.contains("\"modelTopology\"") || text.contains("\"weightsManifest\"") {
      return ForeignFile(
        name: "a TensorFlow.js model",
        remedy:
          "Run `tensorflowjs_converter --input_format tfjs_layers_model --output_format keras model.json model.h5`."
      )
    }
    if text.contains("\"class_name\""), text.contains("\"config\"") {
      return ForeignFile(
        name: "a Keras model's configuration, without weights",
        remedy: "Convert the file of its weights, with this one as RecipeOptions.configuration.")
    }
    return ForeignFile(name: "a JSON document, not a weight file", remedy: other)
  }

  // MARK: Archives and folders

  /// What a ZIP archive with members of these names is.
  init?(members names: [String]) {
    if names.contains(where: { $0.hasSuffix("constants.pkl") || $0.contains("/code/") }) {
      self.init(
        name: "a TorchScript model without its tensors, or of a version before 1.4",
        remedy: ForeignFile.fromPyTorch)
    } else if names.contains(where: { $0 == "saved_model.pb" || $0.hasSuffix("/saved_model.pb") }) {
      self = ForeignFile.savedModel
    } else if let inner = names.first(where: { name in
      [".h5", ".hdf5", ".keras", ".npz", ".safetensors", ".pt", ".pth"].contains {
        name.lowercased().hasSuffix($0)
      }
    }) {
      self.init(name: "a ZIP archive with \(inner) in it", remedy: "Unpack it, and name that file.")
    } else {
      return nil
    }
  }

  /// What the folder at `path` is, which holds no Keras model.
  init(folder path: String) {
    let names = names(inFolder: path, atMost: 10_000)
    if names.contains("saved_model.pb") || names.contains("saved_model.pbtxt") {
      self = ForeignFile.savedModel
    } else if names.contains("checkpoint") || names.contains(where: { $0.hasSuffix(".index") }) {
      self = ForeignFile.checkpoint
    } else if let file = names.sorted().first(where: { name in
      [".h5", ".hdf5", ".keras", ".npz", ".safetensors", ".pt", ".pth"].contains {
        name.lowercased().hasSuffix($0)
      }
    }) {
      self.init(
        name: "a folder", remedy: "Name a file in it: \(path.hasSuffix("/") ? path : path + "/")\(file).")
    } else {
      self.init(name: "a folder without a Keras model", remedy: "Name a weight file.")
    }
  }
}

extension Sequence where Element == UInt8 {
  /// Whether `pattern` occurs anywhere.
  fileprivate func contains(_ pattern: [UInt8]) -> Bool {
    let all = Array(self)
    guard let first = pattern.first, all.count >= pattern.count else { return pattern.isEmpty }
    return all.indices.dropLast(pattern.count - 1).contains {
      all[$0] == first && all[$0..<$0 + pattern.count].elementsEqual(pattern)
    }
  }
}
