/// How pixels (RGB, 0…255) become what enters the network. The names of the first three are Keras'.
package enum Preprocessing: String, Sendable, Hashable, CaseIterable {
  /// RGB to BGR, minus the ImageNet means 103.939, 116.779, 123.68 (of B, G, R).
  case caffe
  /// x / 127.5 - 1.
  case tf
  /// x / 255, minus 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225 (of R, G, B).
  case torch
  /// As `caffe`, but without exchanging channels: RGB, minus 123.68, 116.779, 103.939.
  case caffeRGB = "caffe-rgb"
  /// As `torch`, but in the order BGR.
  case torchBGR = "torch-bgr"
  /// The pixels as they are.
  case none

  /// Those that statistics can tell apart: an exchange of red and blue hardly shows in them.
  package static let distinguishable: [Preprocessing] = [.caffe, .tf, .torch, .none]
}

/// What a person has to know about a model besides its graph and weights; it travels in the `.zoo` file.
package struct ModelCard: Sendable, Hashable {
  /// The name of the architecture in the catalogue (`mobilenet`), or of the model in its configuration.
  package var architecture: String
  /// Which member of the family, for people: `alpha 0.25, 224x224, with top, 1000 classes`.
  package var variant: String
  package var preprocessing: Preprocessing
  /// What it was trained on, if known.
  package var trainingData: String?
  /// The licence of the weights, if known.
  package var licence: String?
  /// How to cite the architecture.
  package var citation: String?
  /// Measured accuracy in percent and what it was measured on, if known.
  package var accuracy: String?

  package init(
    architecture: String, variant: String, preprocessing: Preprocessing, trainingData: String? = nil,
    licence: String? = nil, citation: String? = nil, accuracy: String? = nil
  ) {
    self.architecture = architecture
    self.variant = variant
    self.preprocessing = preprocessing
    self.trainingData = trainingData
    self.licence = licence
    self.citation = citation
    self.accuracy = accuracy
  }
}
