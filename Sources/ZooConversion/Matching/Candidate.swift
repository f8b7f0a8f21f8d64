import ZooGraph
import ZooModels

/// A network that a file's tensors fit.
package struct Candidate: Sendable {
  package let variant: Variant
  /// The variant's graph, where it was built to compare it.
  let graph: Graph?
  /// Whether every tensor of the file has its place.
  package let isExact: Bool
  /// How many tensors of the file would be left over.
  package let unusedCount: Int
  /// The share of the network's layers with weights whose names are in the file, 0…1.
  package let nameAgreement: Double
  /// In words, for the report.
  package let explanation: String

  package init(
    variant: Variant, graph: Graph? = nil, isExact: Bool, unusedCount: Int, nameAgreement: Double,
    explanation: String
  ) {
    self.variant = variant
    self.graph = graph
    self.isExact = isExact
    self.unusedCount = unusedCount
    self.nameAgreement = nameAgreement
    self.explanation = explanation
  }
}
