import ZooGraph
import ZooSystem

/// Everything that a `.zoo` file holds but the tensors' data.
package struct ZooDocument: Sendable, Hashable {
  package var graph: Graph
  package var card: ModelCard
  /// Where the Keras model that the network comes from keeps its weights; empty where the graph tells.
  package var kerasPlaces: [KerasPlace]
  /// The classes in the order of the first output's last axis; empty if there are none.
  package var labels: [ClassLabel]
  /// What the weights were converted from.
  package var source: SourceRecord?
  package var testCase: TestCase?
  /// What was checked before the file was written, and the findings.
  package var verification: [String: String]
  /// How the model was trained, where this program did it.
  package var training: TrainingRecord?
  /// What training needs to know of layers beyond what they compute, by their names.
  package var layerTraining: [String: LayerTraining]
  /// How the network is computed with activations of 8 bits; nil for 32-bit floats.
  package var integers: IntegerRecord?
  /// What wrote the file, with its version.
  package var tool: String

  /// The version of this program as files record it.
  package static let currentTool = "zoo \(ZooVersion.current)"

  package init(
    graph: Graph, card: ModelCard, kerasPlaces: [KerasPlace] = [], labels: [ClassLabel] = [],
    source: SourceRecord? = nil,
    testCase: TestCase? = nil, verification: [String: String] = [:], training: TrainingRecord? = nil,
    layerTraining: [String: LayerTraining] = [:], integers: IntegerRecord? = nil, tool: String = currentTool
  ) {
    self.graph = graph
    self.card = card
    self.kerasPlaces = kerasPlaces
    self.labels = labels
    self.source = source
    self.testCase = testCase
    self.verification = verification
    self.training = training
    self.layerTraining = layerTraining
    self.integers = integers
    self.tool = tool
  }
}

/// The file that weights were converted from.
package struct SourceRecord: Sendable, Hashable {
  /// Its name without a folder.
  package var file: String
  /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
  package var sha256: String
  /// Its length in bytes.
  package var bytes: Int
  /// What wrote it, for example `Keras 2.1.5`.
  package var writer: String
  /// How its tensors are laid out and named, for example `Keras HDF5, weights only`.
  package var layout: String
  /// By the layer's name, what a person stated that its Python code computes.
  package var lambdas: [String: String]
  /// What the network is computed in by what wrote the file; nil for 32 bits or more.
  package var precision: SourcePrecision?

  package init(
    file: String, sha256: String, bytes: Int, writer: String, layout: String, lambdas: [String: String] = [:],
    precision: SourcePrecision? = nil
  ) {
    self.file = file
    self.sha256 = sha256
    self.bytes = bytes
    self.writer = writer
    self.layout = layout
    self.lambdas = lambdas
    self.precision = precision
  }
}

/// An input that any reader can make itself, and what the network must answer.
package struct TestCase: Sendable, Hashable {
  /// The most samples that all outputs together may have.
  package static let sampleLimit = 512

  /// The name of the generator of the input image.
  package var generator: String
  package var seed: UInt64
  /// What is done to the image's pixels.
  package var preprocessing: Preprocessing
  /// One for each output of the graph, in its order.
  package var outputs: [Output]
  /// The largest error allowed, relative to the output's ``Output/largest``.
  package var tolerance: Double

  package init(
    generator: String, seed: UInt64, preprocessing: Preprocessing, outputs: [Output], tolerance: Double
  ) {
    self.generator = generator
    self.seed = seed
    self.preprocessing = preprocessing
    self.outputs = outputs
    self.tolerance = tolerance
  }

  /// Whether all values are finite, as a file needs it.
  package var isFinite: Bool {
    outputs.allSatisfy { $0.largest.isFinite && $0.samples.allSatisfy(\.value.isFinite) }
  }

  /// What one output must be.
  package struct Output: Sendable, Hashable {
    /// The largest absolute value of the whole output.
    package var largest: Double
    /// Some of its values, by ascending index.
    package var samples: [Sample]

    package init(largest: Double, samples: [Sample]) {
      self.largest = largest
      self.samples = samples
    }
  }

  /// One value of an output of one example.
  package struct Sample: Sendable, Hashable {
    /// The index in row-major order.
    package var index: Int
    package var value: Double

    package init(index: Int, value: Double) {
      self.index = index
      self.value = value
    }
  }
}
