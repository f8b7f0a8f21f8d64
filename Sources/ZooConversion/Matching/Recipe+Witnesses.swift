import ZooFormat
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

// What else than names and shapes can say what a file holds: its bytes, and its batch norms.
extension Recipe {
  /// The recipe of a published file that `file` is a copy of, or nil where it is none.
  ///
  /// Only files of Keras' older layout without a configuration are published with a hash, so that others
  /// need not be read.
  static func fromPublished(
    _ file: any WeightFile, options: RecipeOptions
  ) throws -> Recipe? {
    guard let hashes = options.hashes, options.writer == nil, options.configuration == nil,
      options.lambdas.isEmpty, file.modelConfiguration == nil,
      file.layout == .legacyWeights, file.sourcePaths == hashes.paths
    else { return nil }
    try checkNames(options)
    let byMD5 = options.published(.md5(hashes.md5))
    guard let published = byMD5 ?? options.published(.sha256(hashes.checksum.hexadecimal)),
      options.architecture.map({ Catalog.architecture(named: $0)?.name == published.variant.architecture })
        ?? true
    else { return nil }
    var variant = published.variant
    if let size = options.inputSize {
      variant = Variant(
        architecture: variant.architecture, definition: variant.definition,
        input: InputShape(size.height, size.width, channels: variant.input.channels), head: variant.head,
        conventions: variant.conventions)
    }
    let hash = byMD5 == nil ? "SHA-256" : "MD5"
    let candidate = Candidate(
      variant: variant, isExact: true, unusedCount: 0, nameAgreement: 1,
      explanation: "published as \(published.fileName), by its \(hash): \(variant.architecture) "
        + "(\(variant.description))")
    guard var recipe = try Recipe.bestFit(of: [candidate], file, options: options) else { return nil }
    recipe.publishedFile = published
    if recipe.preprocessingOrigin == .architecture { recipe.preprocessingOrigin = .published }
    recipe.binding.add(.hash)
    return recipe
  }

  /// Lets the batch norms confirm what neither names nor a promised order tell.
  ///
  /// - Throws: where they do not.
  mutating func settleByTestimony() throws(ZooError) {
    let check: VerificationReport.Check?
    do {
      check = try BatchNormCheck(graph: graph, card: card, threads: 2).check(weights: weights)
    } catch {
      throw ZooError(.malformed, what: "unreadable weights", at: file.path, "\(error)")
    }
    let covered = graph.layersWithTestimony
    let open = binding.assignments.first {
      $0.alike > 0 && (check?.status != .passed || !covered.contains($0.slot.layer))
    }
    if let open,
      let other = binding.assignments.first(where: {
        $0.slot != open.slot && $0.slot.shape == open.slot.shape
      })
    {
      throw ZooError(
        .ambiguous, what: "ambiguous weights", at: file.path,
        "'\(open.entry.name)' and '\(other.entry.name)' both fit '\(open.slot.name)' and '\(other.slot.name)' "
          + "(\(open.slot.shape)): neither names nor the format determine their order, and "
          + (check?.status == .passed
            ? "no batch norm after them confirms the order in the file"
            : "the batch-norm statistics do not confirm the order in the file"),
        remedy:
          "Name the arrays LAYER/kernel, LAYER/bias, … as in `zoo inspect`, or arr_0, arr_1, … in the order of get_weights()."
      )
    }
    binding.add(.testimony) { covered.contains($0.slot.layer) }
  }
}
