/// What a person has to know about a model besides its graph and weights; it travels in the `.zoo` file.
public struct ModelCard: Sendable, Hashable {
  /// The name of the architecture in the catalogue (`mobilenet`), or of the model in its configuration.
  public package(set) var architecture: String
  /// Which member of the family, for people: `alpha 0.25, 224x224, with top, 1000 classes`.
  public package(set) var variant: String
  /// How pixels become what enters the network.
  public package(set) var preprocessing: Preprocessing
  /// What it was trained on, if known.
  public package(set) var trainingData: String?
  /// The licence of the weights, if known.
  public package(set) var licence: String?
  /// How to cite the architecture.
  public package(set) var citation: String?
  /// Measured accuracy in percent and what it was measured on, if known.
  public package(set) var accuracy: String?
  /// How pictures are brought to the network's input size, where its program says it; nil where they are
  /// stretched.
  public package(set) var pixels: TrainingRecord.Pixels?

  package init(
    architecture: String, variant: String, preprocessing: Preprocessing, trainingData: String? = nil,
    licence: String? = nil, citation: String? = nil, accuracy: String? = nil,
    pixels: TrainingRecord.Pixels? = nil
  ) {
    self.pixels = pixels
    self.architecture = architecture
    self.variant = variant
    self.preprocessing = preprocessing
    self.trainingData = trainingData
    self.licence = licence
    self.citation = citation
    self.accuracy = accuracy
  }
}
