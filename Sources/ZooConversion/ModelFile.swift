import ZooCompression
import ZooFormat
import ZooModels
import ZooSystem
import ZooWeightFiles

/// A file that holds a model, opened: the one place that tells the kinds of file apart.
package enum ModelFile {
  /// A file that describes its network itself.
  case zoo(ZooFile)
  /// A file of another program, whose network has to be found.
  case weights(any WeightFile)

  /// Opens the file or folder at `path`, recognised by its content.
  ///
  /// - Throws: `ZooError` where it can't be opened, or is of no kind that is read.
  package static func open(path: String) throws -> ModelFile {
    try checkIsNoName(path)
    return try FileFormat.recognise(path: path) == .zoo
      ? .zoo(ZooFile(path: path, frames: Zstandard.shared)) : .weights(WeightFiles.open(path: path))
  }

  /// Opens the `.zoo` file at `path`, for what needs one.
  ///
  /// - Throws: `ZooError` where it can't be opened, is damaged, or is another file, which is named for what it is.
  package static func openZoo(path: String) throws -> ZooFile {
    try checkIsNoName(path)
    switch try FileFormat.recognise(path: path) {
    case .zoo: return try ZooFile(path: path, frames: Zstandard.shared)
    case .hdf5, .kerasArchive, .kerasFolder, .kerasShards, .npz, .npy, .safetensors, .pyTorch,
      .olderPyTorch:
      let output = Converter.defaultOutput(for: path)
      throw ZooError(
        .unsupported, ".zoo file", at: path,
        "it is a weight file (\(try WeightFiles.open(path: path).layout.rawValue))",
        remedy: "First run `zoo convert \(shellWord(path))`, which writes \(output).")
    case .jpeg, .png, .unknown:
      do {
        _ = try WeightFiles.open(path: path)
      } catch  where error.code == .unsupported {
        throw ZooError(.unsupported, ".zoo file", at: path, error.why, remedy: error.remedy)
      } catch {}
      return try ZooFile(path: path, frames: Zstandard.shared)
    }
  }

  /// Throws where `path` is no file, but the name of a network that is published.
  private static func checkIsNoName(_ path: String) throws(ZooError) {
    guard !exists(path) else { return }
    func error(_ why: String, _ remedy: String) -> ZooError {
      ZooError(.cannotOpen, what: "cannot open", at: path, "there is no such file; \(why)", remedy: remedy)
    }
    if let architecture = Catalog.architecture(named: path) {
      let isWhole = { (file: PublishedFile) in
        file.variant.head == .imageNet && file.variant.input == architecture.defaultInput
      }
      guard let file = architecture.published.first(where: isWhole) ?? architecture.published.first else {
        return
      }
      throw error(
        "\(architecture.name) is an architecture with published weights",
        "Run `zoo pull \(architecture.name)`, or download \(file.address), then run `zoo convert \(file.fileName)`. "
          + "See `zoo list --urls` for the others."
      )
    }
  }

  /// `text` as a shell takes it for one word.
  package static func shellWord(_ text: String) -> String {
    let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_./+,:@%=".contains($0) }
    return isPlain
      ? text : "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
  }

  /// Its tensors, whatever kind it is of.
  var weightFile: any WeightFile {
    switch self {
    case .zoo(let zoo): ZooWeightFile(zoo)
    case .weights(let file): file
    }
  }
}
