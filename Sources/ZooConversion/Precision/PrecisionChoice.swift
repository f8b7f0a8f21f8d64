import ZooFormat
import ZooGraph
import ZooTensor

/// How a network's weights are stored, and what that costs.
package struct PrecisionChoice: Sendable {
  /// What is stored how, with the kernels whose errors cancel over windows and the biases
  /// that make up for other errors.
  package var plan = StoragePlan()
  /// The layers whose weights had a choice, in the network's order.
  package var layers: [LayerPrecision] = []
  /// How far the farthest value of any layer moves, of the largest in it; nil where that was not measured.
  package var error: Double?
  /// How far the outputs move, logits where the network ends in probabilities: the root of the mean square
  /// over the values' deviation; nil where that was not measured.
  package var outputError: Double?
  /// What ``outputError`` was measured on, in words, where that is not the search's own images and noise.
  package var trials: String?
  /// The files that there would be, from the largest to the smallest, where a target chose among them.
  package var frontier: [FrontierPoint] = []
  /// What ``error`` is with all layers as small as they can be; nil where that was not measured.
  package var errorOfAll: Double?
  /// How many layers are stored more exactly than was asked for, since they would move values too far.
  package var givenBack = 0
  /// How many tensors are stored in single precision although something smaller was asked for.
  package var singleCount = 0

  /// The least largest error with which all layers are as small as they can be.
  package var leastErrorForAll: Double? { errorOfAll.map { $0 / PrecisionSearch.margin } }
}

/// How one layer's weights are stored.
package struct LayerPrecision: Sendable, Hashable {
  package let layer: String
  /// Of the layer's weight with the most values.
  package let form: TensorForm
  /// What that changes in this weight; nil where it is stored as floats.
  package let rounding: RoundingError?
  /// Whether the mean error is taken off by a bias or a batch norm.
  package let isCorrected: Bool
  /// How far the farthest value behind the layer moves, of the largest, with all layers as they are stored;
  /// nil where that was not measured.
  package let move: Double?
}
