import ZooGraph
import ZooSystem

/// The part of a network above its lowest layer that learns, as steps forward and backward, and where in
/// memory their values and gradients lie.
struct TrainingPlan: Sendable {
  let layers: [any TrainingLayer]
  /// Values and gradients of ``part`` examples. A layer's step backward is as far from the end as its step
  /// forward is from the start.
  let buffers: [Buffer]
  let arenaFloats: Int
  /// Values that are computed again for the backward pass, by the layer before whose step backward that is done.
  let repeats: [Int: [Repeat]]
  /// The most examples that are computed at once.
  let part: Int

  /// The values that are computed without training, which the layers read.
  let boundary: [Value]
  let boundaryPlaces: [TrainingPlace]
  /// The value whose gradient is given.
  let target: Value
  let logits: TrainingPlace
  let logitsGradient: Int
  /// The maximum of the rectifier that made the logits; nil without one.
  let logitsLimit: Float?

  /// The weights that learn, and then those that do not.
  let slots: [WeightSlot]
  let learningCount: Int
  let weights: [WeightSlot: WeightPlace]
  let sizes: TrainingSizes

  /// How many numbers learn.
  var parameterCount: Int { slots.prefix(learningCount).reduce(0) { $0 + $1.shape.elementCount } }
  var weightCount: Int { slots.reduce(0) { $0 + $1.shape.elementCount } }
}

/// A value that memory does not hold from its use forward to its use backward.
struct Repeat: Sendable {
  /// The layer that computes it.
  let layer: Int
  /// Where it is forward, and what stands for it among the layers.
  let buffer: Int
  /// Where it is backward.
  let later: Int
}

/// What layers need besides values, weights and gradients, in floats and sums.
struct TrainingSizes: Sendable {
  /// Gradients of the weights that learn.
  var gradients = 0
  /// What other gradients are made from.
  var factors = 0
  /// Packed weights.
  var packed = 0
  /// What a layer packs each time that it reads it.
  var transient = 0
  /// Gradients of weights that do not learn themselves.
  var spare = 0
  /// Sums in double precision.
  var sums = 0
  /// What a layer has while it runs.
  var scratch = 0
  /// Zeros that are read outside of images.
  var zeros = 64

  /// Reserves packed floats; returns where they begin.
  mutating func reservePacked(_ floats: Int) -> Int {
    defer { packed = Place.wholeLines(packed + floats + 16) }
    return packed
  }

  /// Reserves packed floats of a layer's weights.
  ///
  /// - Parameter isTransient: whether they are packed each time that they are read.
  mutating func reservePanels(_ floats: Int, isTransient: Bool) -> PanelPlace {
    guard isTransient else { return PanelPlace(offset: reservePacked(floats), isTransient: false) }
    transient = max(transient, floats + 16)
    return PanelPlace(offset: 0, isTransient: true)
  }

  mutating func reserveSpare(_ floats: Int) -> Int {
    defer { spare = Place.wholeLines(spare + floats) }
    return spare
  }

  /// Reserves the gradient of a weight; returns where it begins.
  mutating func reserveGradient(_ count: Int) -> Int {
    defer { gradients += count }
    return gradients
  }

  /// Reserves what the gradient of a dense layer's weights is made from.
  mutating func reserveFactors(of kernel: WeightSlot, batch: Int) -> GradientFactors {
    let columns = kernel.shape.dimensions.last ?? 1
    let rows = kernel.shape.elementCount / max(1, columns)
    defer { factors += batch * (rows + columns) + 64 }
    return GradientFactors(
      rows: rows, columns: columns, inputs: factors, gradients: factors + batch * rows)
  }

  mutating func reserveSums(_ count: Int) -> Int {
    defer { sums += count }
    return sums
  }

  mutating func needScratch(_ floats: Int) { scratch = max(scratch, floats) }
  mutating func needZeros(_ floats: Int) { zeros = max(zeros, floats + 64) }
}
