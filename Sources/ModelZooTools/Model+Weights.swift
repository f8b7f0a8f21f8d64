import ModelZoo
import ZooConversion
import ZooFormat
import ZooGraph
import ZooImages
import ZooModels
import ZooSystem
import ZooVerification

extension Model {
  /// Opens a `.zoo` file, or reads a weight file (`.h5`, `.keras`, `.npz`, `.safetensors`, `.pth`) and matches it to
  /// its network in memory.
  ///
  /// The file is recognised by its content. A weight file is not verified here: ``convert(_:to:overwrite:)``
  /// does that and writes a file that opens at once. Before opening HDF5 files of others, set
  /// ``HDF5Access/current``: a damaged one can otherwise end the process.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - architecture: the catalogue's name of the network; by default it is found from the file.
  /// - Throws: `ZooError` where the file can't be read or fits no network.
  public init(converting path: String, architecture: String? = nil) throws(ZooError) {
    self = try ZooError.wrap {
      switch try ModelFile.open(path: path) {
      case .zoo(let zoo): return Model(file: zoo)
      case .weights(let file):
        let recipe = try Recipe(file: file, options: RecipeOptions(architecture: architecture))
        return Model(
          graph: recipe.graph, card: recipe.card, classLabels: recipe.labels, weights: recipe.weights,
          path: path)
      }
    }
  }

  /// Opens a `.zoo` file, compressed or not. ``init(path:)`` opens compressed ones only with the package trait
  /// CompressedFiles, since it needs no library of the system otherwise.
  ///
  /// - Parameter path: the file.
  /// - Throws: `ZooError` where the file can't be opened or is damaged; of a weight file, it says how to convert it.
  public init(zooFile path: String) throws(ZooError) {
    self = try ZooError.wrap { Model(file: try ModelFile.openZoo(path: path)) }
  }

  /// Converts a weight file to a verified `.zoo` file, as `zoo convert` does; ``Converter`` has every option.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - input: a `.h5`, `.keras`, `.npz`, `.safetensors`, `.pt` or `.pth` file.
  ///   - output: where to write the `.zoo` file.
  ///   - overwrite: whether an existing output is replaced.
  /// - Throws: `ZooError`, with the code `ZooError.Code.verificationFailed` where a check says no.
  /// - Returns: what was converted to what, and why.
  @discardableResult
  public static func convert(
    _ input: String, to output: String, overwrite: Bool = false
  ) throws(ZooError) -> ConversionReport {
    var options = Converter.Options()
    options.overwrite = overwrite
    return try Converter(options: options).convert(input, to: output)
  }

  /// Converts a weight file to a `.zoo` file with options, and tells what happens.
  ///
  /// The output appears whole or not at all. Where the task is cancelled, it does not appear;
  /// ``Converter/computeConversion(of:to:progress:)`` is for use in tasks.
  ///
  /// - Parameters:
  ///   - input: a `.h5`, `.keras`, `.npz`, `.safetensors`, `.pt` or `.pth` file.
  ///   - output: where to write the `.zoo` file.
  ///   - options: what is stated about the file, how weights are stored, and how the result is verified.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`, with the code `ZooError.Code.verificationFailed` where a check says no.
  /// - Returns: what was converted to what, and why.
  @discardableResult
  public static func convert(
    _ input: String, to output: String, options: Converter.Options,
    progress: (Converter.Progress) -> Void = { _ in }
  ) throws(ZooError) -> ConversionReport {
    try Converter(options: options).convert(input, to: output, progress: progress)
  }

  /// Verifies a `.zoo` file, as `zoo verify` does.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - options: what to check against, and how closely; its images may be folders too.
  ///   - progress: is told what is being checked, and how far that is.
  /// - Throws: `ZooError` where the file can't be read; a check that says no is in the report.
  public static func verify(
    _ path: String, options: Verifier.Options = .thorough, progress: (Verifier.Progress) -> Void = { _ in }
  ) throws(ZooError) -> VerificationReport {
    return try Model(zooFile: path).verify(options: options, progress: progress)
  }

  /// Verifies a model that comes from a `.zoo` file or its bytes, as `zoo verify` does.
  ///
  /// - Parameters:
  ///   - options: what to check against, and how closely; its images may be folders too.
  ///   - progress: is told what is being checked, and how far that is.
  /// - Throws: `ZooError` where a file can't be read, with the code `ZooError.Code.unsuitable` where the model comes
  ///   from no `.zoo` file; a check that says no is in the report.
  public func verify(
    options: Verifier.Options = .thorough, progress: (Verifier.Progress) -> Void = { _ in }
  ) throws(ZooError) -> VerificationReport {
    let source: any WeightSource = weights
    guard let file = source as? ZooFile else {
      throw ZooError(
        .unsuitable, what: "cannot verify", at: path, "the model comes from no .zoo file",
        remedy: "Convert it: that verifies it.")
    }
    return try ZooError.wrap {
      var options = options
      options.images = try options.images.flatMap { isFolder($0) ? try ImageFolder.images(in: $0) : [$0] }
      return try Verifier.verify(file, options: options, progress: progress)
    }
  }
}
