import ZooGraph
import ZooTensor

/// The layers of a trained head for one task, from raw features to the task's output.
package struct TrainedHead: Sendable {
  /// One layer with its weights.
  package struct Layer: Sendable {
    package var name: String
    package var operation: Operation
    /// In the layout that the operation asks for, row-major.
    package var weights: [WeightRole: [Float]]
    /// What it does in training only.
    package var noise: TrainingNoise?

    package init(
      name: String, operation: Operation, weights: [WeightRole: [Float]] = [:], noise: TrainingNoise? = nil
    ) {
      self.name = name
      self.operation = operation
      self.weights = weights
      self.noise = noise
    }

    /// A layer that drops this share of values in training.
    package static func dropout(_ name: String, _ share: Double) -> Layer {
      Layer(name: name, operation: .identity(layer: "Dropout"), noise: TrainingNoise(.dropout, share))
    }
  }

  package var task: TrainingRecord.Task
  package var layers: [Layer]

  package init(task: TrainingRecord.Task, layers: [Layer]) {
    self.task = task
    self.layers = layers
  }

  /// A dense layer; `weights` are (inputs, units).
  package static func dense(
    _ name: String, weights: [Double], bias: [Double], activation: Activation
  ) -> Layer {
    Layer(
      name: name, operation: .dense(Dense(units: bias.count, useBias: true, activation: activation)),
      weights: [.kernel: weights.map(Float.init), .bias: bias.map(Float.init)])
  }
}
