import ModelZoo
import ZooConversion
import ZooFormat
import ZooImages
import ZooModels
import ZooSystem
import ZooVerification

extension Model {
  /// Opens a `.zoo` file, or reads a weight file (`.h5`, `.keras`, `.npz`, `.safetensors`) and matches it to
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

  /// Converts a weight file to a verified `.zoo` file, as `zoo convert` does; ``Converter`` has every option.
  ///
  /// The output appears whole or not at all.
  ///
  /// - Parameters:
  ///   - input: a `.h5`, `.keras`, `.npz` or `.safetensors` file.
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
    try ZooError.wrap {
      let file = try ModelFile.openZoo(path: path)
      var options = options
      options.images = try options.images.flatMap { isFolder($0) ? try ImageFolder.images(in: $0) : [$0] }
      return try Verifier.verify(file, options: options, progress: progress)
    }
  }
}
